#include "frontend/dockerfile/directive.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/unicode.h"

namespace slipway::dockerfile {
namespace {

constexpr std::string_view kSpace = " \t\n\f\r";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "NAME = VALUE", NAME of letters and digits. The value is at least one character, so one space
// of an empty value stays.
std::optional<std::pair<std::string, std::string>> split_assignment(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && (is_letter(text[end]) || (end > 0 && is_digit(text[end])))) ++end;
  if (end == 0) return std::nullopt;
  const std::string name = to_lower(text.substr(0, end));
  text.remove_prefix(std::min(text.find_first_not_of(kSpace, end), text.size()));
  if (!text.starts_with('=')) return std::nullopt;
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos)
    return std::pair(name, std::string(text.substr(text.size() - 1)));
  text.remove_prefix(first);
  return std::pair(name, std::string(text.substr(0, text.find_last_not_of(kSpace) + 1)));
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

std::optional<Directive> find_with_mark(std::string_view text, std::string_view name,
                                        std::string_view mark, int lines_before) {
  DirectiveReader reader{std::string(mark)};
  for (int number = lines_before + 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto directive = reader.read(line, number);
    if (!directive || !*directive) return std::nullopt;
    if ((*directive)->name == name) return **directive;
  }
  return std::nullopt;
}

std::optional<Directive> find(std::string_view text, std::string_view name, bool any_form) {
  text = without_byte_order_mark(text);
  int lines_before = 0;
  if (text.starts_with("#!")) {
    const size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    lines_before = 1;
  }
  if (auto directive = find_with_mark(text, name, "#", lines_before)) return directive;
  if (!any_form) return std::nullopt;
  if (auto directive = find_with_mark(text, name, "//", lines_before)) return directive;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto value = json.find(name);
  if (value == json.end() || !value->is_string()) return std::nullopt;
  return Directive{
      std::string(name), value->get<std::string>(), {"", lines_before + 1, lines_before + 1}};
}

}  // namespace

Result<std::optional<Directive>> DirectiveReader::read(std::string_view line, int line_number) {
  if (done_) return std::optional<Directive>();
  done_ = true;
  if (!line.starts_with(comment_mark_)) return std::optional<Directive>();
  line.remove_prefix(comment_mark_.size());
  auto assignment = split_assignment(trim_unicode_left(line));
  if (!assignment) return std::optional<Directive>();
  auto& [name, value] = *assignment;
  if (name != "syntax" && name != "escape" && name != "check") return std::optional<Directive>();
  done_ = false;
  const SourceSpan span{"", line_number, line_number};
  if (!seen_.insert(name).second) {
    return make_error(ErrorCode::InvalidInput, "only one {} parser directive can be used", name)
        .at(span);
  }
  return std::optional(Directive{std::move(name), std::move(value), span});
}

std::optional<Directive> find_directive(std::string_view text, std::string_view name) {
  return find(text, name, /*any_form=*/false);
}

std::optional<Directive> find_syntax(std::string_view text) {
  return find(text, "syntax", /*any_form=*/true);
}

}  // namespace slipway::dockerfile
