#include "cli/call.h"

#include <utility>
#include <vector>

#include "base/values.h"

namespace slipway::cli {
namespace {

constexpr std::pair<const char*, ReportFormat> kFormats[] = {{"text", ReportFormat::Text},
                                                             {"json", ReportFormat::Json},
                                                             {"sarif", ReportFormat::Sarif},
                                                             {"github", ReportFormat::Github}};

Result<std::optional<CallMethod>> parse_method(const std::string& name) {
  if (name == "build" || name.empty()) return std::optional<CallMethod>();
  if (name == "check" || name == "lint") return std::optional(CallMethod::Check);
  if (name == "outline") return std::optional(CallMethod::Outline);
  if (name == "targets") return std::optional(CallMethod::Targets);
  return make_error(ErrorCode::InvalidInput, "call={} is not known{}", name,
                    did_you_mean(name, {"build", "check", "outline", "targets"}))
      .with_hint("there are build, check, outline and targets");
}

}  // namespace

Result<ReportFormat> parse_report_format(const std::string& name) {
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

const char* name_of(CallMethod method) {
  switch (method) {
    case CallMethod::Check:
      return "lint";
    case CallMethod::Outline:
      return "outline";
    case CallMethod::Targets:
      break;
  }
  return "targets";
}

Result<std::optional<Call>> parse_call(const std::string& text) {
  if (text.empty()) return std::optional<Call>();
  Call call;
  std::string method;
  for (const std::string& field : TRY(parse_csv_line(text).context("call"))) {
    const size_t equals = field.find('=');
    const std::string key = field.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : field.substr(equals + 1);
    if (equals == std::string::npos && method.empty()) {
      method = field;
    } else if (key == "format") {
      call.format = TRY(parse_report_format(value));
    } else if (key == "rules") {
      call.rules = TRY(parse_check_rules(value));
    } else if (key == "ignorestatus") {
      call.ignore_status = TRY(parse_bool(value).context("call: ignorestatus"));
    } else {
      return make_error(ErrorCode::InvalidInput, "call \"{}\": want METHOD[,format=json]", text);
    }
  }
  const std::optional<CallMethod> known = TRY(parse_method(method));
  if (!known) return std::optional<Call>();
  call.method = *known;
  const bool for_checks = call.format == ReportFormat::Sarif ||
                          call.format == ReportFormat::Github || call.rules == CheckRules::All;
  if (for_checks && call.method != CallMethod::Check) {
    return make_error(ErrorCode::InvalidInput, "call \"{}\": sarif, github and rules are of checks",
                      text)
        .with_hint("there are format=text and format=json");
  }
  return std::optional(call);
}

}  // namespace slipway::cli
