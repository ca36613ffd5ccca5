// Texts: case, parts, white space, joining and splitting.
#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/source.h"

namespace slipway::hcl {
namespace {

using TextChange = std::string (*)(const std::string&);

void add_change(Functions& functions, const std::string& name, TextChange change) {
  add_function(functions, name, {text_parameter("str")},
               [change](Arguments arguments) -> Result<Value> {
                 return Value::string(change(arguments[0].text()));
               });
}

std::string mapped(std::string_view text, utf8proc_int32_t (*change)(utf8proc_int32_t)) {
  std::string result;
  while (!text.empty()) {
    const DecodedCharacter character = decode_character(text);
    append_utf8(result,
                static_cast<char32_t>(change(static_cast<utf8proc_int32_t>(character.code_point))));
    text.remove_prefix(character.width);
  }
  return result;
}

bool separates_words(char32_t c) {
  if (c < 0x80) {
    return c != '_' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
           !(c >= 'A' && c <= 'Z');
  }
  return !is_unicode_letter(c) && !is_unicode_digit(c) && is_unicode_space(c);
}

std::string title(const std::string& text) {
  std::string result;
  char32_t previous = ' ';
  for (std::string_view rest = text; !rest.empty();) {
    const DecodedCharacter character = decode_character(rest);
    const auto code_point = static_cast<utf8proc_int32_t>(character.code_point);
    append_utf8(result, separates_words(previous)
                            ? static_cast<char32_t>(utf8proc_totitle(code_point))
                            : character.code_point);
    previous = character.code_point;
    rest.remove_prefix(character.width);
  }
  return result;
}

std::string reversed(const std::string& text) {
  std::string result;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t size = grapheme_size(rest);
    result.insert(0, rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return result;
}

std::string without_newlines(const std::string& text) {
  const size_t last = text.find_last_not_of("\r\n");
  return text.substr(0, last == std::string::npos ? 0 : last + 1);
}

// Removes the characters of `set` from both ends.
std::string trim_set(std::string_view text, std::string_view set) {
  const std::u32string unwanted = decode_utf8(set);
  std::u32string characters = decode_utf8(text);
  const size_t first = characters.find_first_not_of(unwanted);
  if (first == std::u32string::npos) return "";
  const size_t last = characters.find_last_not_of(unwanted);
  return encode_utf8(characters.substr(first, last - first + 1));
}

std::vector<std::string> split_text(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  if (separator.empty()) {
    while (!text.empty()) {
      const size_t width = decode_character(text).width;
      parts.emplace_back(text.substr(0, width));
      text.remove_prefix(width);
    }
    return parts;
  }
  for (;;) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

Value text_list(const std::vector<std::string>& texts) {
  std::vector<Value> values;
  for (const std::string& text : texts) values.push_back(Value::string(text));
  return Value::list(Type::string(), std::move(values));
}

Result<Value> replace(Arguments arguments) {
  const std::string& text = arguments[0].text();
  const std::string& old = arguments[1].text();
  const std::string& replacement = arguments[2].text();
  const std::vector<std::string> parts = split_text(text, old);
  if (text.size() + parts.size() * replacement.size() > kLargestText) {
    return function_error("the result is too large");
  }
  std::string result = join(parts, replacement);
  // An empty text is found before, between and after all characters.
  if (old.empty()) result = replacement + result + (text.empty() ? "" : replacement);
  return Value::string(result);
}

// The bytes that `count` graphemes have, at most all.
size_t grapheme_bytes(std::string_view text, int64_t count) {
  size_t size = 0;
  for (int64_t i = 0; i < count && size < text.size(); ++i) {
    size += grapheme_size(text.substr(size));
  }
  return size;
}

Result<Value> substring(Arguments arguments) {
  std::string_view text = arguments[0].text();
  int64_t offset = TRY(whole_number(arguments[1]));
  const int64_t length = TRY(whole_number(arguments[2]));
  if (offset < 0) {
    offset += static_cast<int64_t>(grapheme_count(text));
  } else if (length == 0) {
    return Value::string("");
  }
  text.remove_prefix(grapheme_bytes(text, offset));
  // A length of 0 after a negative offset means the rest, as a negative length does.
  if (length <= 0) return Value::string(text);
  return Value::string(text.substr(0, grapheme_bytes(text, length)));
}

Result<Value> join_lists(Arguments arguments) {
  if (arguments.size() < 2) return function_error("at least one list is required");
  std::vector<std::string> texts;
  for (const Value& list : arguments.subspan(1)) {
    for (const Value& element : list.elements()) {
      if (element.is_null()) return function_error("an element is null, it cannot be joined");
      texts.push_back(element.text());
    }
  }
  return Value::string(join(texts, arguments[0].text()));
}

Result<Value> sort_texts(Arguments arguments) {
  std::vector<std::string> texts;
  for (const Value& element : arguments[0].elements()) {
    if (element.is_null()) return function_error("an element is null, it cannot be sorted");
    texts.push_back(element.text());
  }
  std::sort(texts.begin(), texts.end());
  return text_list(texts);
}

Result<Value> indent(Arguments arguments) {
  const int64_t spaces = TRY(whole_number(arguments[0]));
  const std::string& text = arguments[1].text();
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  if (spaces < 0) return function_error("the number of spaces is negative");
  if (static_cast<size_t>(spaces) > kLargestText / (lines + 1)) {
    return function_error("the result is too large");
  }
  return Value::string(
      join(split_text(text, "\n"), "\n" + std::string(static_cast<size_t>(spaces), ' ')));
}

void add_trims(Functions& functions) {
  add_change(functions, "trimspace",
             [](const std::string& text) { return std::string(trim_unicode(text)); });
  add_function(functions, "trim", {text_parameter("str"), text_parameter("cutset")},
               [](Arguments arguments) -> Result<Value> {
                 return Value::string(trim_set(arguments[0].text(), arguments[1].text()));
               });
  add_function(functions, "trimprefix", {text_parameter("str"), text_parameter("prefix")},
               [](Arguments arguments) -> Result<Value> {
                 std::string_view text = arguments[0].text();
                 if (text.starts_with(arguments[1].text())) {
                   text.remove_prefix(arguments[1].text().size());
                 }
                 return Value::string(text);
               });
  add_function(functions, "trimsuffix", {text_parameter("str"), text_parameter("suffix")},
               [](Arguments arguments) -> Result<Value> {
                 std::string_view text = arguments[0].text();
                 if (text.ends_with(arguments[1].text())) {
                   text.remove_suffix(arguments[1].text().size());
                 }
                 return Value::string(text);
               });
}

}  // namespace

void add_text_functions(Functions& functions) {
  const Type texts = Type::list(Type::string());
  add_change(functions, "upper",
             [](const std::string& text) { return mapped(text, &utf8proc_toupper); });
  add_change(functions, "lower",
             [](const std::string& text) { return mapped(text, &utf8proc_tolower); });
  add_change(functions, "title", &title);
  add_change(functions, "reverse", &reversed);
  add_change(functions, "chomp", &without_newlines);
  add_trims(functions);
  add_function(functions, "strlen", {text_parameter("str")},
               [](Arguments arguments) -> Result<Value> {
                 return Value::number(static_cast<int64_t>(grapheme_count(arguments[0].text())));
               });
  add_function(functions, "substr",
               {text_parameter("str"), number_parameter("offset"), number_parameter("length")},
               substring);
  add_function(functions, "replace",
               {text_parameter("str"), text_parameter("substr"), text_parameter("replace")},
               replace);
  add_function(functions, "split", {text_parameter("separator"), text_parameter("str")},
               [](Arguments arguments) -> Result<Value> {
                 return text_list(split_text(arguments[1].text(), arguments[0].text()));
               });
  add_variadic(functions, "join", {text_parameter("separator")}, {"lists", texts}, join_lists);
  add_function(functions, "sort", {{"list", texts}}, sort_texts);
  add_function(functions, "indent", {number_parameter("spaces"), text_parameter("str")}, indent);
}

}  // namespace slipway::hcl
