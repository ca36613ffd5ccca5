// Semantic versions and constraints on them, read as loosely as buildx reads them: "v1.2", ">= 1.2
// < 2", "1.x || ^3".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::hcl {

struct Version {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  std::string prerelease;

  static std::optional<Version> parse(std::string_view text);
};

// Negative, 0 or positive. Build metadata does not count.
int compare(const Version& a, const Version& b);

class VersionConstraint {
 public:
  static std::optional<VersionConstraint> parse(const std::string& text);
  bool accepts(const Version& version) const;

 private:
  enum class Relation {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret
  };
  // What is left out of a version or written as "x".
  struct Term {
    Relation relation = Relation::TildeOrEqual;
    Version version;
    bool is_open = false;        // something is left out
    bool minor_is_open = false;  // the minor version and all after it
    bool patch_is_open = false;  // only the patch version
  };
  using Group = std::vector<Term>;  // all must hold

  static std::optional<Term> parse_term(const std::string& text);
  static Relation relation_of(std::string_view text);
  static bool holds(const Term& term, const Version& version);
  static bool holds_tilde(const Term& term, const Version& version);
  static bool holds_caret(const Term& term, const Version& version);
  static bool differs(const Term& term, const Version& version);
  static bool is_greater(const Term& term, const Version& version);
  static bool is_at_most(const Term& term, const Version& version);

  std::vector<Group> groups_;  // one must hold
};

}  // namespace slipway::hcl
