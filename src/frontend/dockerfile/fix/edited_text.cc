#include "frontend/dockerfile/fix/edited_text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::dockerfile {
namespace {

constexpr size_t kContextLines = 3;

void sort(std::vector<TextEdit>& edits) {
  std::ranges::stable_sort(edits, {}, &TextEdit::begin);
}

// Each with its newline, but for a last one without.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// Lines [begin, end) of the original become others.
struct Change {
  size_t begin;
  size_t end;
  std::vector<std::string> lines;
};

size_t line_begin(const std::string& text, size_t offset) {
  return offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
}

size_t line_end(const std::string& text, size_t offset) {
  return std::min(text.find('\n', offset), text.size() - 1) + 1;
}

void trim_equal_lines(Change& change, const std::vector<std::string>& original) {
  while (change.begin < change.end && !change.lines.empty() &&
         original[change.begin] == change.lines.front()) {
    ++change.begin;
    change.lines.erase(change.lines.begin());
  }
  while (change.begin < change.end && !change.lines.empty() &&
         original[change.end - 1] == change.lines.back()) {
    --change.end;
    change.lines.pop_back();
  }
}

// The edits, widened to whole lines; those that touch one line are one.
std::vector<Change> changes_of(const std::string& original, const std::vector<TextEdit>& edits) {
  const std::vector<std::string> lines = lines_of(original);
  std::vector<Change> changes;
  for (size_t i = 0; i < edits.size();) {
    const size_t begin = line_begin(original, edits[i].begin);
    size_t end = begin;
    std::vector<TextEdit> group;
    // At the start of a line nothing of it changes when something is put before it.
    while (i < edits.size() && (group.empty() || edits[i].begin < end)) {
      const TextEdit& edit = edits[i++];
      const bool whole = edit.end == line_begin(original, edit.end) &&
                         (edit.text.empty() || edit.text.ends_with('\n')) &&
                         edit.begin == line_begin(original, edit.begin);
      end = std::max(
          end, whole || edit.end == original.size() ? edit.end : line_end(original, edit.end));
      group.push_back({edit.begin - begin, edit.end - begin, edit.text});
    }
    Change change{static_cast<size_t>(line_at(original, begin)) - 1, 0,
                  lines_of(apply_edits(original.substr(begin, end - begin), group))};
    change.end = change.begin + lines_of(original.substr(begin, end - begin)).size();
    trim_equal_lines(change, lines);
    if (change.begin == change.end && change.lines.empty()) continue;
    if (!changes.empty() && changes.back().end == change.begin) {
      std::vector<std::string>& before = changes.back().lines;
      before.insert(before.end(), change.lines.begin(), change.lines.end());
      changes.back().end = change.end;
    } else {
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

std::string shown(char mark, const std::string& line) {
  const bool ends = line.ends_with('\n');
  return mark + line + (ends ? "" : "\n\\ No newline at end of file\n");
}

// Of changes[first, last), which are near each other.
std::string hunk(const std::vector<std::string>& lines, const std::vector<Change>& changes,
                 size_t first, size_t last, std::ptrdiff_t& shift) {
  const size_t begin = changes[first].begin - std::min(changes[first].begin, kContextLines);
  const size_t end = std::min(changes[last - 1].end + kContextLines, lines.size());
  std::string body;
  size_t at = begin, added = 0, removed = 0;
  const auto keep_to = [&](size_t to) {
    for (; at < to; ++at) body += shown(' ', lines[at]);
  };
  for (size_t i = first; i < last; ++i) {
    keep_to(changes[i].begin);
    for (; at < changes[i].end; ++at, ++removed) body += shown('-', lines[at]);
    for (const std::string& line : changes[i].lines) body += shown('+', line);
    added += changes[i].lines.size();
  }
  keep_to(end);
  const size_t old_size = end - begin, new_size = old_size - removed + added;
  const auto new_begin = static_cast<size_t>(static_cast<std::ptrdiff_t>(begin) + shift);
  shift += static_cast<std::ptrdiff_t>(added) - static_cast<std::ptrdiff_t>(removed);
  // An empty side is named by the line before it.
  return fmt::format("@@ -{},{} +{},{} @@\n", begin + (old_size == 0 ? 0 : 1), old_size,
                     new_begin + (new_size == 0 ? 0 : 1), new_size) +
         body;
}

}  // namespace

std::string apply_edits(const std::string& text, std::vector<TextEdit> edits) {
  sort(edits);
  std::string result;
  size_t at = 0;
  for (const TextEdit& edit : edits) {
    result.append(text, at, edit.begin - at);
    result += edit.text;
    at = edit.end;
  }
  result.append(text, at);
  return result;
}

bool fit_together(std::vector<TextEdit> edits, size_t size) {
  sort(edits);
  size_t at = 0;
  for (const TextEdit& edit : edits) {
    if (edit.begin < at || edit.end < edit.begin || edit.end > size) return false;
    at = edit.end;
  }
  return true;
}

EditedText::EditedText(std::string original) : original_(std::move(original)), text_(original_) {
  pieces_.push_back({true, 0, original_.size(), {}});
}

size_t EditedText::split_at(size_t offset) {
  size_t begin = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    Piece& piece = pieces_[i];
    if (offset == begin) return i;
    if (offset < begin + piece.size) {
      const size_t first = offset - begin;
      Piece rest{piece.old, piece.begin + first, piece.size - first,
                 piece.old ? "" : piece.text.substr(first)};
      piece.size = first;
      if (!piece.old) piece.text.resize(first);
      pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(rest));
      return i + 1;
    }
    begin += piece.size;
  }
  return pieces_.size();
}

void EditedText::apply(std::vector<TextEdit> edits) {
  CHECK(fit_together(edits, text_.size()));
  text_ = apply_edits(text_, edits);
  sort(edits);
  for (size_t i = edits.size(); i-- > 0;) {
    const TextEdit& edit = edits[i];
    const auto first = static_cast<std::ptrdiff_t>(split_at(edit.begin));
    const auto last = static_cast<std::ptrdiff_t>(split_at(edit.end));
    pieces_.erase(pieces_.begin() + first, pieces_.begin() + last);
    if (edit.text.empty()) continue;
    pieces_.insert(pieces_.begin() + first, {false, 0, edit.text.size(), edit.text});
  }
}

std::vector<TextEdit> EditedText::edits() const {
  std::vector<TextEdit> edits;
  TextEdit pending;
  const auto flush = [&](size_t old_end) {
    pending.end = old_end;
    if (pending.end != pending.begin || !pending.text.empty()) edits.push_back(pending);
    pending.text.clear();
  };
  for (const Piece& piece : pieces_) {
    if (!piece.old) {
      pending.text += piece.text;
      continue;
    }
    flush(piece.begin);
    pending.begin = piece.begin + piece.size;
  }
  flush(original_.size());
  return edits;
}

size_t EditedText::original_offset(size_t offset) const {
  size_t begin = 0;
  for (const Piece& piece : pieces_) {
    if (piece.old && offset < begin + piece.size) {
      return piece.begin + (offset > begin ? offset - begin : 0);
    }
    begin += piece.size;
  }
  return original_.size();
}

int line_at(const std::string& text, size_t offset) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

std::string unified_diff(const std::string& name, const std::string& original,
                         const std::vector<TextEdit>& edits) {
  const std::vector<std::string> lines = lines_of(original);
  const std::vector<Change> changes = changes_of(original, edits);
  if (changes.empty()) return "";
  const std::string before = original.empty() ? "/dev/null" : "a/" + name;
  std::string diff = fmt::format("--- {}\n+++ b/{}\n", before, name);
  std::ptrdiff_t shift = 0;
  for (size_t first = 0; first < changes.size();) {
    size_t last = first + 1;
    while (last < changes.size() &&
           changes[last].begin <= changes[last - 1].end + 2 * kContextLines) {
      ++last;
    }
    diff += hunk(lines, changes, first, last, shift);
    first = last;
  }
  return diff;
}

}  // namespace slipway::dockerfile
