#include "frontend/hcl/source.h"

#include <utf8proc.h>

#include <fmt/format.h>

#include "base/unicode.h"

namespace slipway::hcl {

std::string Range::to_string() const {
  const std::string_view name = file == nullptr ? "" : std::string_view(*file);
  if (start.line == end.line) {
    return fmt::format("{}:{},{}-{}", name, start.line, start.column, end.column);
  }
  return fmt::format("{}:{},{}-{},{}", name, start.line, start.column, end.line, end.column);
}

SourceSpan Range::span() const {
  // A range that ends with a line's newline is not about the next line.
  const int last = end.line > start.line && end.column == 1 ? end.line - 1 : end.line;
  return {file == nullptr ? "" : *file, start.line, last};
}

Range range_between(const Range& first, const Range& last) {
  return {first.file, first.start, last.end};
}

Error error_at(const Range& range, std::string_view message) {
  return Error(ErrorCode::InvalidInput, fmt::format("{}: {}", range.to_string(), message))
      .at(range.span());
}

size_t grapheme_size(std::string_view text) {
  const bool ascii = static_cast<signed char>(text[0]) >= 0;
  if (ascii && text[0] != '\r' && (text.size() == 1 || static_cast<signed char>(text[1]) >= 0)) {
    return 1;
  }
  DecodedCharacter previous = decode_character(text);
  size_t size = previous.width;
  utf8proc_int32_t state = 0;
  while (size < text.size()) {
    const DecodedCharacter next = decode_character(text.substr(size));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state)) {
      break;
    }
    size += next.width;
    previous = next;
  }
  return size;
}

size_t grapheme_count(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(grapheme_size(text));
  return count;
}

void advance(Position& position, std::string_view text) {
  while (!text.empty()) {
    const size_t size = grapheme_size(text);
    if (text[size - 1] == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
    text.remove_prefix(size);
  }
}

}  // namespace slipway::hcl
