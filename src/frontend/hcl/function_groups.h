// The parts of standard_functions, and what all of them are written with.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/hcl/functions.h"

namespace slipway::hcl {

using Arguments = std::span<const Value>;

void add_number_functions(Functions& functions);
void add_text_functions(Functions& functions);
void add_format_functions(Functions& functions);
void add_regex_functions(Functions& functions);
void add_list_functions(Functions& functions);
void add_map_functions(Functions& functions);
void add_set_functions(Functions& functions);
void add_value_functions(Functions& functions);
void add_encoding_functions(Functions& functions);
void add_hash_functions(Functions& functions);
void add_time_functions(Functions& functions, const Surroundings& surroundings);
void add_path_functions(Functions& functions, const Surroundings& surroundings);
void add_network_functions(Functions& functions);
void add_version_functions(Functions& functions);

template <typename... Args>
Error function_error(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

inline Parameter text_parameter(std::string name) {
  return {std::move(name), Type::string()};
}
inline Parameter number_parameter(std::string name) {
  return {std::move(name), Type::number()};
}
inline Parameter any_parameter(std::string name) {
  return {std::move(name), Type::any()};
}

template <typename Call>
void add_function(Functions& functions, const std::string& name, std::vector<Parameter> parameters,
                  Call call) {
  functions[name] = Function{std::move(parameters), std::nullopt, std::move(call), nullptr};
}

template <typename Call>
void add_variadic(Functions& functions, const std::string& name, std::vector<Parameter> parameters,
                  Parameter rest, Call call) {
  functions[name] = Function{std::move(parameters), std::move(rest), std::move(call), nullptr};
}

// The number as a whole one of 64 bits.
inline Result<int64_t> whole_number(const Value& value) {
  const std::optional<int64_t> number = value.as_number().to_int64();
  if (!number) return function_error("{} is not a whole number", value.as_number().to_string());
  return *number;
}

// Texts and lists that functions make are no larger than this.
inline constexpr size_t kLargestText = size_t{64} << 20;
inline constexpr size_t kLongestList = 1'000'000;

}  // namespace slipway::hcl
