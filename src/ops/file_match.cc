#include <algorithm>

#include "base/text.h"
#include "ops/file_copy.h"

namespace slipway::ops {
namespace {

// Length in bytes of the UTF-8 character at the front; 1 for what is none.
size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return std::min(length, text.size());
}

// One character of a class, with its escape, taken from `pattern`; empty when there is none.
std::string_view take_class_member(std::string_view& pattern) {
  if (pattern.starts_with('\\')) pattern.remove_prefix(1);
  if (pattern.empty()) return {};
  const std::string_view member = pattern.substr(0, character_length(pattern));
  pattern.remove_prefix(member.size());
  return member;
}

// The class after "[" against one character. UTF-8 keeps the order of code points in the order of
// bytes, so ranges compare as text does.
bool match_class(std::string_view& pattern, std::string_view character, bool& valid) {
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool found = false;
  for (bool first = true;; first = false) {
    if (pattern.starts_with(']') && !first) {
      pattern.remove_prefix(1);
      return found != negated;
    }
    const std::string_view low = take_class_member(pattern);
    std::string_view high = low;
    if (pattern.starts_with('-')) {
      pattern.remove_prefix(1);
      high = take_class_member(pattern);
    }
    if (low.empty() || high.empty()) {
      valid = false;
      return false;
    }
    found = found || (low <= character && character <= high);
  }
}

// Go's filepath.Match within one component; a malformed pattern matches nothing.
bool match_component(std::string_view pattern, std::string_view name) {
  while (!pattern.empty()) {
    const char c = pattern.front();
    if (c == '*') {
      pattern.remove_prefix(1);
      for (size_t skip = 0; skip <= name.size(); ++skip) {
        if (match_component(pattern, name.substr(skip))) return true;
      }
      return false;
    }
    if (name.empty()) return false;
    pattern.remove_prefix(1);
    if (c == '?') {
      name.remove_prefix(character_length(name));
    } else if (c == '[') {
      const size_t length = character_length(name);
      bool valid = true;
      if (!match_class(pattern, name.substr(0, length), valid) || !valid) return false;
      name.remove_prefix(length);
    } else {
      char literal = c;
      if (c == '\\') {
        if (pattern.empty()) return false;
        literal = pattern.front();
        pattern.remove_prefix(1);
      }
      if (name.front() != literal) return false;
      name.remove_prefix(1);
    }
  }
  return name.empty();
}

Status match_below(const MergedDir& directory, const std::vector<std::string>& patterns,
                   size_t depth, std::vector<std::string>& found) {
  for (const std::string& name : TRY(directory.names())) {
    if (!match_component(patterns[depth], name)) continue;
    const std::optional<MergedDir::Entry> entry = TRY(directory.find(name));
    if (!entry) continue;
    if (depth + 1 == patterns.size()) {
      found.push_back(join_path("/" + directory.path(), name));
    } else if (S_ISDIR(entry->info.st_mode)) {
      TRY(match_below(*TRY(directory.child(name)), patterns, depth + 1, found));
    }
  }
  return {};
}

}  // namespace

bool has_wildcard(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

Result<std::vector<std::string>> match_wildcards(const Tree& tree, const std::string& path,
                                                 bool follow_links) {
  std::string fixed = "/";
  std::vector<std::string> patterns;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!patterns.empty() || has_wildcard(part)) {
      patterns.push_back(part);
    } else {
      fixed = join_path(fixed, part);
    }
  }
  if (patterns.empty()) return std::vector<std::string>{path};
  const std::string base = TRY(tree.resolve(fixed, follow_links));
  const std::shared_ptr<const MergedDir> directory = TRY(tree.directory(base));
  std::vector<std::string> found;
  if (directory) TRY(match_below(*directory, patterns, 0, found));
  return found;
}

}  // namespace slipway::ops
