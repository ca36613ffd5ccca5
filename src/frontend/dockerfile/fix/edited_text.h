// A text that is edited again and again, and knows what the edits come to on its original bytes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace slipway::dockerfile {

// Puts `text` in the place of the bytes [begin, end).
struct TextEdit {
  size_t begin = 0;
  size_t end = 0;
  std::string text;

  bool operator==(const TextEdit&) const = default;
};

// `text` with edits that do not overlap; those at one place come in their order.
std::string apply_edits(const std::string& text, std::vector<TextEdit> edits);
// Whether they can be applied together to a text of `size` bytes.
bool fit_together(std::vector<TextEdit> edits, size_t size);

class EditedText {
 public:
  explicit EditedText(std::string original);

  const std::string& original() const { return original_; }
  const std::string& text() const { return text_; }  // as it is now

  // Edits of text() that do not overlap.
  void apply(std::vector<TextEdit> edits);

  // What makes text() of original(): in order, apart from each other.
  std::vector<TextEdit> edits() const;
  // Where a byte of text() was; of a new one, where the next old one was.
  size_t original_offset(size_t offset) const;

 private:
  // A range of the original, or new text.
  struct Piece {
    bool old = false;
    size_t begin = 0;  // in the original
    size_t size = 0;
    std::string text;  // of new ones
  };
  // Makes pieces end at `offset` of text(); the index of the one that begins there.
  size_t split_at(size_t offset);

  std::string original_;
  std::string text_;
  std::vector<Piece> pieces_;
};

// The line, from 1, that a byte is on.
int line_at(const std::string& text, size_t offset);

// "--- a/NAME", "+++ b/NAME" and hunks with three lines around each change; empty: no edits.
std::string unified_diff(const std::string& name, const std::string& original,
                         const std::vector<TextEdit>& edits);

}  // namespace slipway::dockerfile
