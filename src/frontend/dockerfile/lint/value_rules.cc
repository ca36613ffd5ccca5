#include "frontend/dockerfile/lint/value_rules.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/text.h"
#include "base/unicode.h"

namespace slipway::dockerfile {
namespace {

size_t edit_distance(const std::u32string& a, const std::u32string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, above + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

// The first of the nearest candidates, no farther than two edits; empty where the name is among
// them. (base/text.h's nearest() measures otherwise; the texts here are BuildKit's.)
template <typename Candidates>
std::string suggestion(const std::string& name, const Candidates& candidates) {
  const std::u32string wanted = decode_utf8(name);
  std::string best;
  size_t best_distance = 3;
  for (const std::string& candidate : candidates) {
    if (candidate == name) return "";
    const size_t distance = edit_distance(wanted, decode_utf8(candidate));
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view mark, const std::string& suggested) {
  return suggested.empty() ? "" : fmt::format(" (did you mean {}{}?)", mark, suggested);
}

bool excludes_every_entry(const PatternMatcher& ignored) {
  return std::ranges::any_of(ignored.patterns(), [](const std::string& pattern) {
    return pattern == "*" || pattern == "**" || pattern == "**/*";
  });
}

}  // namespace

void check_from_variables(const std::set<std::string>& unset, const std::set<std::string>& declared,
                          const SourceSpan& span, const Linter& linter) {
  for (const std::string& name : unset) {
    if (declared.contains(name)) continue;
    linter.report(rules::kUndefinedArgInFrom, span,
                  fmt::format("FROM argument '{}' is not declared{}", name,
                              did_you_mean("", suggestion(name, declared))));
  }
}

void check_from_platform(std::string_view text, std::string_view stage_name,
                         const ExpandedWord& expanded, std::string_view target_platform,
                         const SourceSpan& span, const Linter& linter) {
  const bool only_target = expanded.matched.size() == 1 && expanded.unmatched.empty() &&
                           expanded.matched.contains("TARGETPLATFORM");
  if (only_target && expanded.text == target_platform) {
    linter.report(rules::kRedundantTargetPlatform, span,
                  fmt::format("Setting platform to predefined {} in FROM is redundant as this is "
                              "the default behavior",
                              text));
  }
  if (!expanded.matched.empty() || !expanded.unmatched.empty()) return;
  const Result<Platform> platform = Platform::parse(expanded.text);
  if (!platform) return;  // the conversion says so
  // A stage that says in its name what it is for may be for one platform.
  if (stage_name.contains(platform->os) || stage_name.contains(platform->architecture)) return;
  linter.report(rules::kFromPlatformFlagConstDisallowed, span,
                fmt::format("FROM --platform flag should not use constant value {}",
                            go_quote(expanded.text)));
}

void check_variables(const std::set<std::string>& unset, const std::set<std::string>& arguments,
                     const std::vector<std::string>& known, const SourceSpan& span,
                     const Linter& linter) {
  for (const std::string& name : unset) {
    if (arguments.contains(name)) continue;
    if (name == "BUILDKIT_SBOM_SCAN_CONTEXT" || name == "BUILDKIT_SBOM_SCAN_STAGE") continue;
    linter.report(rules::kUndefinedVar, span,
                  fmt::format("Usage of undefined variable '${}'{}", name,
                              did_you_mean("$", suggestion(name, known))));
  }
}

void check_secret_name(std::string_view instruction, std::string_view name, const SourceSpan& span,
                       const Linter& linter) {
  constexpr std::string_view kSecret[] = {"apikey", "auth",     "credential", "credentials",
                                          "key",    "password", "pword",      "passwd",
                                          "secret", "token"};
  constexpr std::string_view kHarmless[] = {"public", "file", "version"};
  const std::vector<std::string> words = split(to_lower(name), '_');
  const auto has = [&](const auto& list) {
    return std::ranges::any_of(words, [&](const std::string& word) {
      return std::ranges::find(list, word) != std::end(list);
    });
  };
  if (!has(kSecret) || has(kHarmless)) return;
  linter.report(rules::kSecretsUsedInArgOrEnv, span,
                fmt::format("Do not use ARG or ENV instructions for sensitive data ({} {})",
                            instruction, go_quote(name)));
}

void check_base_platform(std::string_view image, const Platform& expected, const Platform& actual,
                         const SourceSpan& span, const Linter& linter) {
  if (expected.os == actual.os && expected.architecture == actual.architecture) return;
  linter.report(
      rules::kInvalidBaseImagePlatform, span,
      fmt::format("Base image {} was pulled with platform \"{}\", expected \"{}\" for "
                  "current build",
                  image, actual.normalized().full_str(), expected.normalized().full_str()));
}

void check_copy_source(std::string_view source, bool is_add, const PatternMatcher& ignored,
                       const SourceSpan& span, const Linter& linter) {
  // An excluded directory may have something in it that is taken back.
  if (ignored.empty() || ignored.has_exclusions()) return;
  const std::string path = clean_path(source);
  const bool is_root = path == "." || path == "/";
  if (is_root && !excludes_every_entry(ignored)) return;
  if (!ignored.matches(path)) return;
  linter.report(rules::kCopyIgnoredFile, span,
                fmt::format("Attempting to {} file {} that is excluded by .dockerignore",
                            is_add ? "Add" : "Copy", go_quote(path)));
}

}  // namespace slipway::dockerfile
