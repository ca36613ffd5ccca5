// An ignore file and, after a NUL byte, a path: both ways to match have to agree.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/pattern_matcher.h"
#include "frontend/dockerfile/ignore_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\0'), text.size());
  const auto patterns = slipway::dockerfile::read_ignore_file(text.substr(0, end));
  const auto matcher = slipway::PatternMatcher::create(patterns);
  if (!matcher || end == text.size()) return 0;
  const std::string path = slipway::clean_path(text.substr(end + 1));
  CHECK(slipway::clean_path(path) == path);
  if (path.starts_with('/') || path.starts_with("..") || path == ".") return 0;
  slipway::PatternMatcher::ParentMatches parent;
  slipway::PatternMatcher::Answer answer;
  for (size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    answer = matcher->matches_below(std::string_view(path).substr(0, slash), parent);
    parent = answer.here;
  }
  (void)matcher->may_take_back_below(path);
  (void)matcher->matches(path);
  return 0;
}
