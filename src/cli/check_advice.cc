#include "cli/check_advice.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/context_files.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "graph/definition.h"

namespace slipway::cli {
namespace {

using dockerfile::Finding;

constexpr double kWorthTelling = 0.5;  // seconds

// Of the step at the finding's place, where the target has one.
std::optional<StepTimes::Time> time_of(const Finding& finding, const graph::Definition& definition,
                                       const StepTimes& times) {
  for (const graph::Vertex& vertex : definition.vertices()) {
    const std::vector<SourceSpan> spans = definition.spans(vertex);
    const bool is_here = std::ranges::any_of(
        spans, [&](const SourceSpan& span) { return span.first_line == finding.span.first_line; });
    if (!is_here || !std::holds_alternative<graph::ExecOp>(vertex.op)) continue;
    return times.find(vertex.name());
  }
  return std::nullopt;
}

}  // namespace

Status add_advice(CheckedTarget& target, const StepTimes& times) {
  const auto parsed = dockerfile::parse_dockerfile(target.text, target.file);
  if (!parsed) return {};
  std::vector<Finding> findings;
  const auto options = dockerfile::check_options_of(target.text, target.options.build_args);
  if (!options) return {};
  std::optional<DirectoryFiles> files;
  if (const auto* local = std::get_if<dockerfile::LocalContext>(&target.options.main_context)) {
    if (!target.context.empty()) {
      files = TRY(DirectoryFiles::create(target.context, local->excludes));
    }
  }
  const auto& conversion = target.result.conversion;
  dockerfile::advise({*parsed, target.options.target, conversion ? &conversion->config : nullptr,
                      files ? &*files : nullptr},
                     dockerfile::Linter(*options, findings));
  for (Finding& finding : findings) {
    if (finding.cost.empty() && !finding.rule.spent.empty() && conversion) {
      const auto time = time_of(finding, conversion->definition, times);
      if (time && time->seconds >= kWorthTelling) {
        finding.cost =
            fmt::format("{:.1f}s (build {}) {}", time->seconds, time->build, finding.rule.spent);
      }
    }
    target.result.findings.push_back(std::move(finding));
  }
  return {};
}

}  // namespace slipway::cli
