// Paragraphs of "Name: value" fields with continued lines, as mail headers have them: the databases
// of dpkg and the metadata of Python packages. Any bytes are accepted; lines that are no fields are
// passed over.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::packages {

class Paragraph {
 public:
  // The value of the first field of that name (in any case), its first line; empty: there is none.
  std::string_view value(std::string_view name) const;
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// The next paragraph of `text`, which goes on behind it; empty at the end. Its values are views of
// the text.
Paragraph next_paragraph(std::string_view& text);

}  // namespace slipway::packages
