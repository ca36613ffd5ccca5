#include "cli/check_session.h"

#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/values.h"
#include "cli/check_advice.h"
#include "cli/check_report.h"
#include "cli/engine.h"
#include "cli/failure_report.h"
#include "cli/image_lookup.h"
#include "cli/progress_mode.h"
#include "cli/session.h"

namespace slipway::cli {
namespace {

constexpr std::pair<const char*, CheckFormat> kFormats[] = {{"text", CheckFormat::Text},
                                                            {"json", CheckFormat::Json},
                                                            {"sarif", CheckFormat::Sarif},
                                                            {"github", CheckFormat::Github}};

class CheckSession {
 public:
  CheckSession(Invocation& invocation, const CheckSessionOptions& options)
      : invocation_(invocation), options_(options) {}

  Result<int> run() {
    ShownProgress shown = TRY(show_progress(options_.progress, invocation_.environment));
    const CheckedTargets looked_at = check_targets(invocation_, options_, *shown.sink);
    shown.finish();
    const auto& checked = looked_at.targets;
    if (!checked) {
      std::fputs(describe(checked.error(), looked_at.dockerfiles).c_str(), stderr);
      return exit_code(checked.error());
    }
    TRY(print(*checked));
    const bool failed = std::ranges::any_of(*checked, has_findings);
    return failed && !options_.call.ignore_status ? 1 : 0;
  }

 private:
  Status print(const std::vector<CheckedTarget>& checked) const {
    switch (options_.call.format) {
      case CheckFormat::Sarif:
        return write_all(STDOUT_FILENO, check_sarif(checked));
      case CheckFormat::Github:
        return write_all(STDOUT_FILENO, check_annotations(checked));
      case CheckFormat::Json:
        return options_.bake_definition.empty() ? print_json(checked.at(0)) : print_json(checked);
      case CheckFormat::Text:
        break;
    }
    for (const CheckedTarget& target : checked) TRY(print_text(target, &target == &checked.at(0)));
    return {};
  }

  Status print_text(const CheckedTarget& target, bool is_first) const {
    const std::string error = check_error_text(target);
    if (options_.bake_definition.empty()) {
      TRY(write_all(STDOUT_FILENO, check_text(target)));
      return error.empty() ? Status() : write_all(STDERR_FILENO, "ERROR: " + error + "\n");
    }
    std::string text = (is_first ? "" : "\n") + target.name + "\n\n" + check_text(target);
    if (!error.empty()) text += "error: " + error + "\n";
    return write_all(STDOUT_FILENO, text);
  }

  Status print_json(const CheckedTarget& target) const {
    TRY(write_all(STDOUT_FILENO, check_json(target) + "\n"));
    const std::string error = check_error_text(target);
    return error.empty() ? Status() : write_all(STDERR_FILENO, "ERROR: " + error + "\n");
  }

  // {"group": {...}, "target": {NAME: {"build": {...}, "check": {...}}}}
  Status print_json(const std::vector<CheckedTarget>& checked) const {
    using Json = nlohmann::ordered_json;
    Json definition = Json::parse(options_.bake_definition, nullptr, false);
    Json all = Json::object();
    if (definition.contains("group")) all["group"] = definition["group"];
    for (const CheckedTarget& target : checked) {
      Json report = Json::parse(check_json(target), nullptr, false);
      const std::string error = check_error_text(target);
      if (!error.empty()) report["error"] = error;
      all["target"][target.name] = {{"build", definition["target"][target.name]},
                                    {"check", std::move(report)}};
    }
    return write_all(STDOUT_FILENO, all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  Invocation& invocation_;
  const CheckSessionOptions& options_;
};

Result<std::vector<CheckedTarget>> check_with(Engine& engine, Planner& planner,
                                              const CheckSessionOptions& options) {
  std::vector<bake::Target> targets = options.targets;
  for (bake::Target& target : targets) target.call.clear();
  auto checked = planner.check(targets);
  if (checked && options.call.rules == CheckRules::All) {
    const BuildHistory history(engine.store().layout().history());
    const StepTimes times = StepTimes::read(history);
    for (CheckedTarget& target : *checked) TRY(add_advice(target, times));
  }
  return checked;
}

Result<std::unique_ptr<Engine>> open_engine(Invocation& invocation) {
  auto store = TRY(open_store(invocation));
  return Engine::create(std::move(store), {.invocation = invocation,
                                           .build_ref = {},
                                           .secrets = {},
                                           .allowed = {},
                                           .on_warning = [](const std::string&) {}});
}

}  // namespace

CheckedTargets check_targets(Invocation& invocation, const CheckSessionOptions& options,
                             progress::Sink& sink) {
  auto engine = open_engine(invocation);
  if (!engine) return {std::move(engine).error(), {}};
  Engine& opened = **engine;
  ImageLookup lookup(opened.images(), opened.layouts(), sink, false, invocation.stop);
  const auto contexts = opened.context_reader(sink, invocation.stop);
  Planner planner({.environment = invocation.environment,
                   .base_directory = options.base_directory,
                   .resolver = lookup,
                   .add_directory = [&](const auto& d) { return opened.add_directory(d); },
                   .add_layout = [&](const auto& l) { return opened.add_layout(l); },
                   .progress = sink,
                   .contexts = contexts.get()});
  auto checked = check_with(opened, planner, options);
  if (const Status finished = opened.finish(); checked && !finished) checked = finished.error();
  return {std::move(checked), planner.dockerfiles()};
}

Result<CheckFormat> parse_check_format(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, format] : kFormats) {
    if (name == known) return format;
    names.emplace_back(known);
  }
  return make_error(ErrorCode::InvalidInput, "format \"{}\" is not known{}", name,
                    did_you_mean(name, names))
      .with_hint("there are text, json, sarif and github");
}

Result<CheckRules> parse_check_rules(const std::string& name) {
  if (name == "docker") return CheckRules::Docker;
  if (name == "all") return CheckRules::All;
  return make_error(ErrorCode::InvalidInput, "rules \"{}\" are not known: want docker or all",
                    name);
}

Result<std::optional<CheckCall>> parse_check_call(const std::string& call) {
  if (call.empty() || call == "build") return std::optional<CheckCall>();
  CheckCall parsed;
  std::string method;
  for (const std::string& field : TRY(parse_csv_line(call).context("call"))) {
    const size_t equals = field.find('=');
    const std::string key = field.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
    if (equals == std::string::npos && method.empty()) {
      method = field;
    } else if (key == "format") {
      parsed.format = TRY(parse_check_format(value));
    } else if (key == "rules") {
      parsed.rules = TRY(parse_check_rules(value));
    } else if (key == "ignorestatus") {
      parsed.ignore_status = TRY(parse_bool(value).context("call: ignorestatus"));
    } else {
      return make_error(ErrorCode::InvalidInput, "call \"{}\": want METHOD[,format=json]", call);
    }
  }
  if (method == "check" || method == "lint") return std::optional(parsed);
  if (method == "build") return std::optional<CheckCall>();
  return make_error(ErrorCode::Unsupported, "call={} is not supported yet", method)
      .with_hint("there are build and check");
}

Result<int> run_check_session(Invocation& invocation, const CheckSessionOptions& options) {
  return CheckSession(invocation, options).run();
}

}  // namespace slipway::cli
