#include "cli/call_session.h"

#include <unistd.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "cli/check_advice.h"
#include "cli/check_report.h"
#include "cli/engine.h"
#include "cli/failure_report.h"
#include "cli/image_lookup.h"
#include "cli/outline_report.h"
#include "cli/progress_mode.h"
#include "oci/json_writer.h"

namespace slipway::cli {
namespace {

using Seen = std::variant<CheckedTarget, OutlinedTarget, ListedTarget>;

using Json = nlohmann::ordered_json;

// A target that was looked at, whichever way.
struct SeenTarget {
  std::string name;
  std::string description;
  Seen seen;
};

const char* name_of(const SeenTarget& target) {
  if (std::holds_alternative<CheckedTarget>(target.seen)) return "check";
  return std::holds_alternative<OutlinedTarget>(target.seen) ? "outline" : "targets";
}

struct ToText {
  std::string operator()(const CheckedTarget& target) const { return check_text(target); }
  std::string operator()(const OutlinedTarget& target) const {
    return outline_text(target.outline);
  }
  std::string operator()(const ListedTarget& target) const {
    return targets_text(target.dockerfile.stages);
  }
};

struct ToJson {
  std::string operator()(const CheckedTarget& target) const { return check_json(target); }
  std::string operator()(const OutlinedTarget& target) const {
    return outline_json(target.outline, target.text);
  }
  std::string operator()(const ListedTarget& target) const {
    return targets_json(target.dockerfile.stages, target.text);
  }
};

// What a build would fail with, as a check reports it.
std::string error_of(const SeenTarget& target) {
  const auto* checked = std::get_if<CheckedTarget>(&target.seen);
  return checked == nullptr ? "" : check_error_text(*checked);
}

// As Go writes it.
void write(JsonWriter& writer, const Json& json) {
  if (json.is_object()) {
    writer.begin_object();
    for (const auto& [key, value] : json.items()) {
      writer.key(key);
      write(writer, value);
    }
    writer.end_object();
  } else if (json.is_array()) {
    writer.begin_array();
    for (const Json& value : json) write(writer, value);
    writer.end_array();
  } else if (json.is_string()) {
    writer.string(json.get_ref<const std::string&>());
  } else {
    writer.raw(json.dump());
  }
}

bool is_failed_check(const SeenTarget& target) {
  const auto* checked = std::get_if<CheckedTarget>(&target.seen);
  return checked != nullptr && has_findings(*checked);
}

// `look`: Engine&, Planner& -> Result<std::vector<...>>. The texts of what it read come along.
template <typename Look>
auto look_at(Invocation& invocation, const std::vector<bake::Target>& targets,
             const std::filesystem::path& base_directory, progress::Sink& sink, Look look)
    -> std::pair<std::invoke_result_t<Look, Engine&, Planner&>,
                 std::map<std::string, std::string>> {
  auto engine = open_engine(invocation, {});
  if (!engine) return {std::move(engine).error(), {}};
  Engine& opened = **engine;
  ImageLookup lookup(opened.images(), opened.layouts(), sink, false, invocation.stop);
  const auto contexts = opened.context_reader(sink, invocation.stop);
  Planner planner({.environment = invocation.environment,
                   .base_directory = base_directory,
                   .resolver = lookup,
                   .add_directory = [&](const auto& d) { return opened.add_directory(d); },
                   .add_layout = [&](const auto& l) { return opened.add_layout(l); },
                   .progress = sink,
                   .contexts = contexts.get()});
  std::vector<bake::Target> defined = targets;
  for (bake::Target& target : defined) target.call.clear();
  planner.define(std::move(defined));
  auto seen = look(opened, planner);
  if (const Status finished = opened.finish(); seen && !finished) seen = finished.error();
  return {std::move(seen), planner.dockerfiles()};
}

class CallSession {
 public:
  CallSession(Invocation& invocation, const CallSessionOptions& options)
      : invocation_(invocation), options_(options) {}

  Result<int> run() {
    ShownProgress shown = TRY(show_progress(options_.progress, invocation_.environment));
    const auto [seen, dockerfiles] =
        look_at(invocation_, options_.targets, options_.base_directory, *shown.sink,
                [&](Engine& engine, Planner& planner) { return look(engine, planner); });
    shown.finish();
    if (!seen) {
      std::fputs(describe(seen.error(), dockerfiles).c_str(), stderr);
      return exit_code(seen.error());
    }
    TRY(print(*seen));
    const bool failed = std::ranges::any_of(*seen, is_failed_check);
    return failed && !(options_.call && options_.call->ignore_status) ? 1 : 0;
  }

 private:
  Result<std::vector<SeenTarget>> look(Engine& engine, Planner& planner) const {
    std::vector<SeenTarget> seen;
    for (const bake::Target& target : options_.targets) {
      std::optional<Call> call = options_.call;
      if (!call) call = TRY(parse_call(target.call));
      if (!call) continue;
      auto one = TRY(look_at_one(planner, target, call->method));
      seen.push_back({target.name, target.description, std::move(one)});
    }
    if (!options_.call || options_.call->rules != CheckRules::All) return seen;
    const BuildHistory history(engine.store().layout().history());
    const StepTimes times = StepTimes::read(history);
    for (SeenTarget& target : seen) TRY(add_advice(std::get<CheckedTarget>(target.seen), times));
    return seen;
  }

  static Result<Seen> look_at_one(Planner& planner, const bake::Target& target, CallMethod method) {
    switch (method) {
      case CallMethod::Check:
        return Seen(TRY(planner.check(target)));
      case CallMethod::Outline:
        return Seen(TRY(planner.outline(target)));
      case CallMethod::Targets:
        break;
    }
    return Seen(TRY(planner.list(target)));
  }

  Status print(const std::vector<SeenTarget>& seen) const {
    const ReportFormat format = options_.call ? options_.call->format : ReportFormat::Text;
    switch (format) {
      case ReportFormat::Sarif:
        return write_all(STDOUT_FILENO, check_sarif(checked_of(seen)));
      case ReportFormat::Github:
        return write_all(STDOUT_FILENO, check_annotations(checked_of(seen)));
      case ReportFormat::Json:
        return options_.bake_definition.empty() ? print_one(seen.at(0), ToJson(), "\n")
                                                : print_json(seen);
      case ReportFormat::Text:
        break;
    }
    if (options_.bake_definition.empty()) return print_one(seen.at(0), ToText(), "");
    for (const SeenTarget& target : seen) TRY(print_text(target, &target == &seen.at(0)));
    return {};
  }

  // Those formats are for checks (parse_call), of all targets.
  static std::vector<CheckedTarget> checked_of(const std::vector<SeenTarget>& seen) {
    std::vector<CheckedTarget> checked;
    for (const SeenTarget& target : seen) checked.push_back(std::get<CheckedTarget>(target.seen));
    return checked;
  }

  template <typename Form>
  Status print_one(const SeenTarget& target, Form form, const char* end) const {
    TRY(write_all(STDOUT_FILENO, std::visit(form, target.seen) + end));
    const std::string error = error_of(target);
    return error.empty() ? Status() : write_all(STDERR_FILENO, "ERROR: " + error + "\n");
  }

  Status print_text(const SeenTarget& target, bool is_first) const {
    std::string text = (is_first ? "" : "\n") + target.name + "\n";
    if (!target.description.empty()) text += target.description + "\n";
    text += "\n" + std::visit(ToText(), target.seen);
    const std::string error = error_of(target);
    if (!error.empty()) text += "error: " + error + "\n";
    return write_all(STDOUT_FILENO, text);
  }

  // {"group": {...}, "target": {NAME: {"build": {...}, "check": {...}}}}
  Status print_json(const std::vector<SeenTarget>& seen) const {
    Json definition = Json::parse(options_.bake_definition, nullptr, false);
    Json all = Json::object();
    if (definition.contains("group")) all["group"] = definition["group"];
    for (const SeenTarget& target : seen) {
      const Json report = Json::parse(std::visit(ToJson(), target.seen), nullptr, false);
      std::map<std::string, Json> sorted;
      for (const auto& [key, value] : report.items()) sorted[key] = value;
      const std::string error = error_of(target);
      if (!error.empty()) sorted["error"] = error;
      all["target"][target.name] = {{"build", definition["target"][target.name]},
                                    {name_of(target), Json(sorted)}};
    }
    JsonWriter writer(2);
    write(writer, all);
    return write_all(STDOUT_FILENO, writer.take() + "\n");
  }

  Invocation& invocation_;
  const CallSessionOptions& options_;
};

}  // namespace

CheckedTargets check_targets(Invocation& invocation, const std::vector<bake::Target>& targets,
                             const std::filesystem::path& base_directory, progress::Sink& sink) {
  auto [checked, dockerfiles] =
      look_at(invocation, targets, base_directory, sink,
              [&](Engine&, Planner& planner) -> Result<std::vector<CheckedTarget>> {
                std::vector<CheckedTarget> all;
                for (const bake::Target& target : targets)
                  all.push_back(TRY(planner.check(target)));
                return all;
              });
  return {std::move(checked), std::move(dockerfiles)};
}

Result<int> run_call_session(Invocation& invocation, const CallSessionOptions& options) {
  return CallSession(invocation, options).run();
}

}  // namespace slipway::cli
