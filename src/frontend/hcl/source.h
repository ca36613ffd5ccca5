// Places in a file, and errors that name them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace slipway::hcl {

// 1-based; a column is a character as a reader sees it (a grapheme cluster).
struct Position {
  int line = 1;
  int column = 1;
};

struct Range {
  std::shared_ptr<const std::string> file;  // the name; shared by all ranges of the file
  Position start;
  Position end;  // after the last character

  std::string to_string() const;  // "docker-bake.hcl:2,12-13"
  SourceSpan span() const;
};

Range range_between(const Range& first, const Range& last);

// "docker-bake.hcl:2,12-13: message", with the lines as its span.
Error error_at(const Range& range, std::string_view message);

template <typename... Args>
Error error_at(const Range& range, fmt::format_string<Args...> format, Args&&... args) {
  return error_at(range, std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

// The bytes of the first grapheme cluster of `text`, which is not empty.
size_t grapheme_size(std::string_view text);
size_t grapheme_count(std::string_view text);

// Moves `position` over `text`.
void advance(Position& position, std::string_view text);

}  // namespace slipway::hcl
