#include "frontend/dockerfile/lint/linter.h"

#include <set>

#include "base/text.h"

namespace slipway::dockerfile {

void Linter::report(const Rule& rule, const SourceSpan& span, std::string detail) const {
  report({rule, std::move(detail), span});
}

void Linter::report(Finding finding) const {
  if (!options_.allows(finding.rule.name, finding.rule.experimental)) return;
  findings_->push_back(std::move(finding));
}

Linter Linter::with_comments(const std::vector<std::string>& comments) const {
  return Linter(options_.with_comments(comments), *findings_);
}

std::optional<Error> Linter::violation() const {
  if (!options_.error || findings_->empty()) return std::nullopt;
  std::set<std::string> names;
  for (const Finding& finding : *findings_) names.emplace(finding.rule.name);
  return make_error(ErrorCode::InvalidInput, "lint violation found for rules: {}",
                    join({names.begin(), names.end()}, ", "));
}

}  // namespace slipway::dockerfile
