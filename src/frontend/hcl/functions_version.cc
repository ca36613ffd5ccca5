// Semantic versions.
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/version.h"

namespace slipway::hcl {

void add_version_functions(Functions& functions) {
  add_function(functions, "semvercmp", {text_parameter("version"), text_parameter("contraint")},
               [](Arguments arguments) -> Result<Value> {
                 const auto version = Version::parse(arguments[0].text());
                 if (!version) {
                   return function_error("invalid semantic version {}",
                                         go_quote(arguments[0].text()));
                 }
                 const auto constraint = VersionConstraint::parse(arguments[1].text());
                 if (!constraint) {
                   return function_error("improper constraint: {}", arguments[1].text());
                 }
                 return Value::boolean(constraint->accepts(*version));
               });
}

}  // namespace slipway::hcl
