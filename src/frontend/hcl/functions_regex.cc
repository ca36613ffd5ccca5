// Regular expressions, in RE2's syntax, which is Go's.
#include <re2/re2.h>

#include <map>
#include <memory>
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

using Match = std::vector<re2::StringPiece>;

// Go also writes a named group as (?<name>...), this RE2 only as (?P<name>...).
std::string with_python_names(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with('\\') && rest.size() > 1) {
      result += rest.substr(0, 2);
      ++i;
      continue;
    }
    if (rest.starts_with("(?<") && !in_class && rest.size() > 3 && rest[3] != '=' &&
        rest[3] != '!') {
      result += "(?P<";
      i += 2;
      continue;
    }
    if (rest[0] == '[') in_class = true;
    if (rest[0] == ']') in_class = false;
    result += rest[0];
  }
  return result;
}

Result<std::unique_ptr<RE2>> compiled(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<RE2>(with_python_names(pattern), options);
  if (!regex->ok()) return function_error("invalid regexp pattern: {}", regex->error());
  return regex;
}

size_t offset_of(const re2::StringPiece& piece, std::string_view text) {
  return static_cast<size_t>(piece.data() - text.data());
}

size_t width_at(std::string_view text, size_t at) {
  return at < text.size() ? decode_character(text.substr(at)).width : 0;
}

bool match_from(const RE2& regex, std::string_view text, size_t from, Match& match) {
  match.resize(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
  return regex.Match(text, from, text.size(), RE2::UNANCHORED, match.data(),
                     static_cast<int>(match.size()));
}

Value group_value(const re2::StringPiece& group) {
  if (group.data() == nullptr) return Value::null(Type::string());
  return Value::string(std::string_view(group.data(), group.size()));
}

// What the groups of an expression make: the whole match, a tuple, or an object of their names.
enum class Shape { Whole, Tuple, Object };

Result<Shape> shape_of(const RE2& regex) {
  const auto groups = static_cast<size_t>(regex.NumberOfCapturingGroups());
  const size_t named = regex.CapturingGroupNames().size();
  if (groups == 0) return Shape::Whole;
  if (named == 0) return Shape::Tuple;
  if (named == groups) return Shape::Object;
  return function_error("invalid regexp pattern: cannot mix both named and unnamed capture groups");
}

Value value_of(const RE2& regex, const Match& match, Shape shape) {
  if (shape == Shape::Whole) return group_value(match[0]);
  std::vector<Value> elements;
  Value::Entries entries;
  for (size_t i = 1; i < match.size(); ++i) {
    if (shape == Shape::Tuple) {
      elements.push_back(group_value(match[i]));
    } else {
      entries.insert_or_assign(regex.CapturingGroupNames().at(static_cast<int>(i)),
                               group_value(match[i]));
    }
  }
  return shape == Shape::Tuple ? Value::tuple(std::move(elements))
                               : Value::object(std::move(entries));
}

Type type_of(const RE2& regex, Shape shape) {
  if (shape == Shape::Whole) return Type::string();
  if (shape == Shape::Tuple) {
    return Type::tuple(
        std::vector<Type>(static_cast<size_t>(regex.NumberOfCapturingGroups()), Type::string()));
  }
  std::map<std::string, Type> attributes;
  for (const auto& [index, name] : regex.CapturingGroupNames()) {
    attributes.emplace(name, Type::string());
  }
  return Type::object(attributes);
}

Result<Value> find(Arguments arguments) {
  const std::unique_ptr<RE2> regex = TRY(compiled(arguments[0].text()));
  const Shape shape = TRY(shape_of(*regex));
  Match match;
  if (!match_from(*regex, arguments[1].text(), 0, match)) {
    return function_error("pattern did not match any part of the given string");
  }
  return value_of(*regex, match, shape);
}

// An empty match right behind another one does not count.
Result<Value> find_all(Arguments arguments) {
  const std::unique_ptr<RE2> regex = TRY(compiled(arguments[0].text()));
  const Shape shape = TRY(shape_of(*regex));
  const std::string_view text = arguments[1].text();
  std::vector<Value> found;
  size_t at = 0;
  size_t previous_end = std::string_view::npos;
  Match match;
  while (at <= text.size() && match_from(*regex, text, at, match)) {
    const size_t start = offset_of(match[0], text);
    const size_t end = start + match[0].size();
    const bool counts = end > at || start != previous_end;
    if (end > at) {
      at = end;
    } else {
      const size_t width = width_at(text, at);
      at = width > 0 ? at + width : text.size() + 1;
    }
    previous_end = end;
    if (counts) found.push_back(value_of(*regex, match, shape));
    if (found.size() > kLongestList) return function_error("the result is too long");
  }
  return Value::list(type_of(*regex, shape), std::move(found));
}

bool is_name_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "$1", "${1}", "$name", "${name}" and "$$" of a replacement.
class Expansion {
 public:
  Expansion(const RE2& regex, std::string_view replacement)
      : regex_(regex), replacement_(replacement) {}

  void append(const Match& match, std::string& result) const {
    for (size_t i = 0; i < replacement_.size();) {
      const std::string_view rest = replacement_.substr(i);
      if (rest[0] != '$') {
        result += rest[0];
        ++i;
      } else if (rest.starts_with("$$")) {
        result += '$';
        i += 2;
      } else if (const std::string_view reference = reference_of(rest); reference.empty()) {
        result += '$';
        ++i;
      } else {
        append_group(name_of(reference), match, result);
        i += reference.size();
      }
    }
  }

 private:
  // The reference that the text begins with, "$" and braces included; empty: it is none.
  static std::string_view reference_of(std::string_view text) {
    const bool braces = text.starts_with("${");
    size_t end = braces ? 2 : 1;
    const size_t start = end;
    while (end < text.size() && is_name_character(text[end])) ++end;
    if (end == start) return {};
    if (!braces) return text.substr(0, end);
    return end < text.size() && text[end] == '}' ? text.substr(0, end + 1) : std::string_view();
  }

  static std::string name_of(std::string_view reference) {
    const bool braces = reference.starts_with("${");
    return std::string(braces ? reference.substr(2, reference.size() - 3) : reference.substr(1));
  }

  void append_group(const std::string& name, const Match& match, std::string& result) const {
    size_t index = match.size();
    const bool numeric = name.find_first_not_of("0123456789") == std::string::npos;
    if (numeric && name.size() < 9 && (name.size() == 1 || name[0] != '0')) {
      index = static_cast<size_t>(std::stoi(name));
    } else if (const auto named = regex_.NamedCapturingGroups().find(name);
               named != regex_.NamedCapturingGroups().end()) {
      index = static_cast<size_t>(named->second);
    }
    if (index < match.size()) result.append(match[index].data(), match[index].size());
  }

  const RE2& regex_;
  std::string_view replacement_;
};

Result<Value> replace_all(Arguments arguments) {
  const std::string_view text = arguments[0].text();
  const std::unique_ptr<RE2> regex = TRY(compiled(arguments[1].text()));
  const Expansion expansion(*regex, arguments[2].text());
  std::string result;
  size_t at = 0;
  size_t last_end = 0;
  Match match;
  while (at <= text.size() && match_from(*regex, text, at, match)) {
    const size_t start = offset_of(match[0], text);
    const size_t end = start + match[0].size();
    result += text.substr(last_end, start - last_end);
    if (end > last_end || start == 0) expansion.append(match, result);
    if (result.size() > kLargestText) return function_error("the result is too large");
    last_end = end;
    const size_t width = width_at(text, at);
    if (at + width > end) {
      at += width;
    } else {
      at = at + 1 > end ? at + 1 : end;
    }
  }
  result += text.substr(std::min(last_end, text.size()));
  return Value::string(result);
}

}  // namespace

void add_regex_functions(Functions& functions) {
  add_function(functions, "regex", {text_parameter("pattern"), text_parameter("string")}, find);
  add_function(functions, "regexall", {text_parameter("pattern"), text_parameter("string")},
               find_all);
  add_function(functions, "regex_replace",
               {text_parameter("str"), text_parameter("pattern"), text_parameter("replace")},
               replace_all);
}

}  // namespace slipway::hcl
