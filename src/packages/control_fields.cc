#include "packages/control_fields.h"

#include <algorithm>

#include "base/text.h"

namespace slipway::packages {
namespace {

// Of a paragraph; what is asked for is among the first.
constexpr size_t kMostFields = 1000;

std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string_view Paragraph::value(std::string_view name) const {
  const std::string wanted = to_lower(name);
  for (const auto& [field, value] : fields_) {
    if (field.size() == wanted.size() && to_lower(field) == wanted) return value;
  }
  return {};
}

Paragraph next_paragraph(std::string_view& text) {
  Paragraph paragraph;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (trim(line).empty()) {
      if (!paragraph.empty()) return paragraph;
      continue;
    }
    if (line.front() == ' ' || line.front() == '\t') continue;  // goes on with a value
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    if (paragraph.size() < kMostFields) {
      paragraph.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    }
  }
  return paragraph;
}

}  // namespace slipway::packages
