// Call: what to do with a Dockerfile instead of building it (`--call`, `call` in bake files).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace slipway::cli {

// What is wrong with it; what its target can be given; which targets it has.
enum class CallMethod { Check, Outline, Targets };

enum class ReportFormat { Text, Json, Sarif, Github };

enum class CheckRules { Docker, All };

struct Call {
  CallMethod method = CallMethod::Check;
  ReportFormat format = ReportFormat::Text;  // Sarif and Github: of checks only
  bool ignore_status = false;                // exit 0 whatever a check finds
  CheckRules rules = CheckRules::Docker;
};

// "METHOD[,format=json][,ignorestatus=true][,rules=all]". nullopt: "build", or nothing.
Result<std::optional<Call>> parse_call(const std::string& text);
// As BuildKit knows it: "lint", "outline", "targets".
const char* name_of(CallMethod method);
Result<ReportFormat> parse_report_format(const std::string& name);
Result<CheckRules> parse_check_rules(const std::string& name);

}  // namespace slipway::cli
