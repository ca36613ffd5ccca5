// Paths, names of targets, the home directory.
#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

std::string base_name(std::string_view path) {
  if (path.empty()) return ".";
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/") return "/";
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

// The shortest path of the same meaning.
std::string cleaned(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    const bool goes_up = part == "..";
    if (goes_up && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!goes_up || !rooted) {
      parts.push_back(part);
    }
  }
  std::string result = rooted ? "/" : "";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result += '/';
    result += parts[i];
  }
  return result.empty() ? "." : result;
}

std::string directory_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return cleaned(slash == std::string_view::npos ? "" : path.substr(0, slash + 1));
}

// Every character that the name of a target cannot have becomes "_".
std::string sanitized(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const char c = text[0];
    const bool fits = c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                      (c >= 'A' && c <= 'Z');
    result += fits ? c : '_';
    text.remove_prefix(decode_character(text).width);
  }
  return result;
}

}  // namespace

void add_path_functions(Functions& functions, const Surroundings& surroundings) {
  const auto add = [&](const std::string& name, const std::string& parameter,
                       std::string (*change)(std::string_view)) {
    add_function(functions, name, {text_parameter(parameter)},
                 [change](Arguments arguments) -> Result<Value> {
                   return Value::string(change(arguments[0].text()));
                 });
  };
  add("basename", "path", &base_name);
  add("dirname", "path", &directory_name);
  add("sanitize", "name", &sanitized);
  add_function(functions, "homedir", {},
               [home = surroundings.home_directory](Arguments) -> Result<Value> {
                 return Value::string(home);
               });
}

}  // namespace slipway::hcl
