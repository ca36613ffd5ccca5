// Ignore patterns (.dockerignore, COPY --exclude, include and exclude lists of file operations):
// the rules of moby/patternmatcher.
//   "*" and "?" stay within a path component, "**" crosses components, "[a-z]" is a class, "\"
//   escapes. "!pattern" takes back what earlier patterns matched; the last match counts. A pattern
//   that matches a directory matches everything in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {

class PatternMatcher {
 public:
  // What a directory's patterns matched, to be handed to the match of its entries.
  struct ParentMatches {
    std::vector<bool> matched;  // one per pattern; empty: nothing is known
  };
  struct Answer {
    bool matches = false;
    ParentMatches here;
  };

  // Blank patterns are left out. A lone "!" or a malformed class is an InvalidInput error.
  static Result<PatternMatcher> create(const std::vector<std::string>& patterns);

  PatternMatcher(PatternMatcher&&) noexcept;
  PatternMatcher& operator=(PatternMatcher&&) noexcept;
  ~PatternMatcher();

  // Whether a slash-separated relative path, or one of its parents, is matched.
  bool matches(std::string_view path) const;
  // The same while walking a tree: cheaper, because parents are not looked at again.
  Answer matches_below(std::string_view path, const ParentMatches& parent) const;

  bool has_exclusions() const;  // any "!pattern"
  bool empty() const;
  // The patterns in order, cleaned, with their "!".
  std::vector<std::string> patterns() const;
  // Whether something below directory `path` may be taken back by a "!pattern": if not, a matched
  // directory need not be walked.
  bool may_take_back_below(std::string_view path) const;

 private:
  class Pattern;
  explicit PatternMatcher(std::vector<Pattern> patterns);

  std::vector<Pattern> patterns_;
};

// Go's path.Clean: no "." and ".." components where they can be resolved, no double slashes.
std::string clean_path(std::string_view path);

}  // namespace slipway
