#include "frontend/hcl/version.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace slipway::hcl {
namespace {

constexpr char kVersionPattern[] = R"(v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?)"
                                   R"((-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?)"
                                   R"((\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?)";
const std::string kTermVersion = R"(v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?)"
                                 R"((-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?)"
                                 R"((\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?)";
const std::string kRelations = R"(=||!=|>|<|>=|=>|<=|=<|~|~>|\^)";

std::optional<uint64_t> number_of(std::string_view digits) {
  if (digits.starts_with('.')) digits.remove_prefix(1);
  uint64_t number = 0;
  if (digits.empty()) return number;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Identifiers with dots between; one of digits alone does not begin with 0.
bool is_prerelease(std::string_view text) {
  for (const std::string& part : split(text, '.')) {
    const bool digits = part.find_first_not_of("0123456789") == std::string::npos;
    if (part.empty() || (digits && part.size() > 1 && part[0] == '0')) return false;
  }
  return true;
}

bool is_open(std::string_view part) {
  if (part.starts_with('.')) part.remove_prefix(1);
  return part.empty() || part == "x" || part == "X" || part == "*";
}

int sign(bool less, bool greater) {
  return (greater ? 1 : 0) - (less ? 1 : 0);
}

int compare_identifiers(const std::string& a, const std::string& b) {
  if (a == b) return 0;
  if (a.empty() || b.empty()) return a.empty() ? -1 : 1;
  const auto number = [](const std::string& text) {
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? number_of(text) : std::nullopt;
  };
  const std::optional<uint64_t> a_number = number(a);
  const std::optional<uint64_t> b_number = number(b);
  if (!a_number && !b_number) return a < b ? -1 : 1;
  if (!b_number) return -1;
  if (!a_number) return 1;
  return *a_number > *b_number ? 1 : -1;
}

int compare_prereleases(const std::string& a, const std::string& b) {
  const std::vector<std::string> a_parts = split(a, '.');
  const std::vector<std::string> b_parts = split(b, '.');
  for (size_t i = 0; i < std::max(a_parts.size(), b_parts.size()); ++i) {
    const int order = compare_identifiers(i < a_parts.size() ? a_parts[i] : "",
                                          i < b_parts.size() ? b_parts[i] : "");
    if (order != 0) return order;
  }
  return 0;
}

// "1.2 - 3.4" means ">= 1.2, <= 3.4".
std::string without_ranges(std::string text) {
  static const RE2 range("\\s*(" + kTermVersion + ")\\s+-\\s+(" + kTermVersion + ")\\s*");
  RE2::GlobalReplace(&text, range, ">= \\1, <= \\11 ");
  return text;
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  static const RE2 pattern(kVersionPattern);
  std::array<re2::StringPiece, 6> parts;
  const re2::StringPiece input(text.data(), text.size());
  if (!pattern.Match(input, 0, text.size(), RE2::ANCHOR_BOTH, parts.data(),
                     static_cast<int>(parts.size()))) {
    return std::nullopt;
  }
  const auto part = [&](size_t i) { return std::string_view(parts[i].data(), parts[i].size()); };
  const auto major = number_of(part(1));
  const auto minor = number_of(part(2));
  const auto patch = number_of(part(3));
  if (!major || !minor || !patch) return std::nullopt;
  Version version{*major, *minor, *patch, std::string(part(5))};
  if (!version.prerelease.empty() && !is_prerelease(version.prerelease)) return std::nullopt;
  return version;
}

int compare(const Version& a, const Version& b) {
  const auto a_numbers = std::array{a.major, a.minor, a.patch};
  const auto b_numbers = std::array{b.major, b.minor, b.patch};
  if (a_numbers != b_numbers) return a_numbers < b_numbers ? -1 : 1;
  if (a.prerelease.empty() || b.prerelease.empty()) {
    return sign(!a.prerelease.empty(), !b.prerelease.empty());
  }
  return compare_prereleases(a.prerelease, b.prerelease);
}

VersionConstraint::Relation VersionConstraint::relation_of(std::string_view text) {
  if (text == "!=") return Relation::NotEqual;
  if (text == ">") return Relation::Greater;
  if (text == "<") return Relation::Less;
  if (text == ">=" || text == "=>") return Relation::GreaterOrEqual;
  if (text == "<=" || text == "=<") return Relation::LessOrEqual;
  if (text == "~" || text == "~>") return Relation::Tilde;
  if (text == "^") return Relation::Caret;
  return Relation::TildeOrEqual;
}

std::optional<VersionConstraint::Term> VersionConstraint::parse_term(const std::string& text) {
  static const RE2 pattern("^\\s*(" + kRelations + ")\\s*(" + kTermVersion + ")\\s*$");
  std::array<re2::StringPiece, 7> parts;
  if (!pattern.Match(text, 0, text.size(), RE2::ANCHOR_BOTH, parts.data(),
                     static_cast<int>(parts.size()))) {
    return std::nullopt;
  }
  const auto part = [&](size_t i) { return std::string(parts[i].data(), parts[i].size()); };
  Term term;
  term.relation = relation_of(part(1));
  std::string version = part(2);
  if (hcl::is_open(part(3))) {
    version = "0.0.0" + part(6);
    term.is_open = true;
  } else if (hcl::is_open(part(4))) {
    version = part(3) + ".0.0" + part(6);
    term.is_open = term.minor_is_open = true;
  } else if (hcl::is_open(part(5))) {
    version = part(3) + part(4) + ".0" + part(6);
    term.is_open = term.patch_is_open = true;
  }
  const std::optional<Version> parsed = Version::parse(version);
  if (!parsed) return std::nullopt;
  term.version = *parsed;
  return term;
}

std::optional<VersionConstraint> VersionConstraint::parse(const std::string& text) {
  static const RE2 valid("^(\\s*(" + kRelations + ")\\s*(" + kTermVersion +
                         ")\\s*)((?:\\s+|,\\s*)(" + kRelations + ")\\s*(" + kTermVersion +
                         ")\\s*)*$");
  static const RE2 term_pattern("((?:" + kRelations + ")\\s*(?:" + kTermVersion + "))");
  VersionConstraint constraint;
  std::string rest = without_ranges(text);
  for (bool more = true; more;) {
    const size_t bars = rest.find("||");
    more = bars != std::string::npos;
    const std::string group_text = rest.substr(0, bars);
    rest = more ? rest.substr(bars + 2) : "";
    if (!RE2::PartialMatch(group_text, valid)) return std::nullopt;
    Group group;
    re2::StringPiece input(group_text);
    std::string found;
    while (RE2::FindAndConsume(&input, term_pattern, &found)) {
      std::optional<Term> term = parse_term(found);
      if (!term) return std::nullopt;
      group.push_back(std::move(*term));
    }
    constraint.groups_.push_back(std::move(group));
  }
  return constraint;
}

bool VersionConstraint::accepts(const Version& version) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    // A prerelease is only wanted where the constraint names one.
    const bool names_prerelease = std::any_of(group.begin(), group.end(), [](const Term& term) {
      return !term.version.prerelease.empty();
    });
    if (!version.prerelease.empty() && !names_prerelease) return group.empty();
    return std::all_of(group.begin(), group.end(),
                       [&](const Term& term) { return holds(term, version); });
  });
}

bool VersionConstraint::holds(const Term& term, const Version& version) {
  switch (term.relation) {
    case Relation::TildeOrEqual:
      return term.is_open ? holds_tilde(term, version) : compare(version, term.version) == 0;
    case Relation::NotEqual:
      return differs(term, version);
    case Relation::Greater:
      return is_greater(term, version);
    case Relation::Less:
      return compare(version, term.version) < 0;
    case Relation::GreaterOrEqual:
      return compare(version, term.version) >= 0;
    case Relation::LessOrEqual:
      return is_at_most(term, version);
    case Relation::Tilde:
      return holds_tilde(term, version);
    case Relation::Caret:
      return holds_caret(term, version);
  }
  return false;
}

bool VersionConstraint::differs(const Term& term, const Version& version) {
  if (!term.is_open) return compare(version, term.version) != 0;
  if (term.version.major != version.major) return true;
  if (term.minor_is_open) return false;
  if (term.version.minor != version.minor) return true;
  if (!term.patch_is_open) {
    return term.version.patch != version.patch || compare(version, term.version) != 0;
  }
  const bool has_prerelease = !version.prerelease.empty() || !term.version.prerelease.empty();
  return has_prerelease && compare_prereleases(version.prerelease, term.version.prerelease) != 0;
}

bool VersionConstraint::is_greater(const Term& term, const Version& version) {
  if (!term.is_open) return compare(version, term.version) > 0;
  if (version.major != term.version.major) return version.major > term.version.major;
  if (term.minor_is_open) return false;
  if (term.patch_is_open) return version.minor > term.version.minor;
  return compare(version, term.version) > 0;
}

bool VersionConstraint::is_at_most(const Term& term, const Version& version) {
  if (!term.is_open) return compare(version, term.version) <= 0;
  if (version.major > term.version.major) return false;
  return version.major != term.version.major || version.minor <= term.version.minor ||
         term.minor_is_open;
}

bool VersionConstraint::holds_tilde(const Term& term, const Version& version) {
  if (compare(version, term.version) < 0) return false;
  const bool is_zero =
      term.version.major == 0 && term.version.minor == 0 && term.version.patch == 0;
  if (is_zero && !term.minor_is_open && !term.patch_is_open) return true;
  if (version.major != term.version.major) return false;
  return version.minor == term.version.minor || term.minor_is_open;
}

bool VersionConstraint::holds_caret(const Term& term, const Version& version) {
  if (compare(version, term.version) < 0) return false;
  if (term.version.major > 0 || term.minor_is_open) return version.major == term.version.major;
  if (version.major > 0) return false;
  if (term.version.minor > 0 || term.patch_is_open) return version.minor == term.version.minor;
  return version.minor == 0 && version.patch == term.version.patch;
}

}  // namespace slipway::hcl
