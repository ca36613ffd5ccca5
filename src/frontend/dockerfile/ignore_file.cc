#include "frontend/dockerfile/ignore_file.h"

#include "base/pattern_matcher.h"
#include "base/unicode.h"

namespace slipway::dockerfile {

std::vector<std::string> read_ignore_file(std::string_view text) {
  std::vector<std::string> patterns;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('#')) continue;
    std::string_view pattern = trim_unicode(line);
    if (pattern.empty()) continue;
    const bool exclusion = pattern.starts_with('!');
    if (exclusion) pattern = trim_unicode(pattern.substr(1));
    std::string cleaned = pattern.empty() ? "" : clean_path(pattern);
    if (cleaned.size() > 1 && cleaned.starts_with('/')) cleaned.erase(0, 1);
    patterns.push_back((exclusion ? "!" : "") + cleaned);
  }
  return patterns;
}

}  // namespace slipway::dockerfile
