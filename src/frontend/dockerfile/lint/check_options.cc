#include "frontend/dockerfile/lint/check_options.h"

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/dockerfile/directive.h"

namespace slipway::dockerfile {
namespace {

// Rule names of a list; `all` is for the word "all" alone.
void read_rules(std::string_view value, bool& all, std::set<std::string, std::less<>>& names) {
  value = trim_unicode(value);
  all = value == "all";
  names.clear();
  if (all) return;
  for (const std::string& name : split(value, ',')) names.emplace(trim_unicode(name));
}

// At most `count` parts; the last one takes the rest.
std::vector<std::string_view> split_at_most(std::string_view text, char separator, size_t count) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const size_t end = text.find(separator);
    if (end == std::string_view::npos) break;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

Result<CheckOptions> CheckOptions::parse(std::string_view text) {
  CheckOptions options;
  text = trim_unicode(text);
  if (text.empty()) return options;
  for (const std::string_view part : split_at_most(text, ';', 3)) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return make_error(ErrorCode::InvalidInput, "invalid check option {}", go_quote(part));
    }
    const std::string_view name = trim_unicode(part.substr(0, equals));
    const std::string_view value = part.substr(equals + 1);
    if (name == "skip") {
      read_rules(value, options.skip_all, options.skip);
    } else if (name == "experimental") {
      read_rules(value, options.experimental_all, options.experimental);
    } else if (name == "error") {
      const Result<bool> error = parse_bool(trim_unicode(value));
      if (!error) {
        return make_error(ErrorCode::InvalidInput,
                          "failed to parse check option {}: strconv.ParseBool: parsing {}: invalid "
                          "syntax",
                          go_quote(part), go_quote(trim_unicode(value)));
      }
      options.error = *error;
    } else {
      return make_error(ErrorCode::InvalidInput, "invalid check option {}", go_quote(name));
    }
  }
  return options;
}

CheckOptions CheckOptions::with_comments(const std::vector<std::string>& comments) const {
  for (const std::string& comment : comments) {
    DirectiveReader reader("");
    const auto directive = reader.read(comment, 1);
    if (!directive || !*directive || (*directive)->name != "check") continue;
    const std::string& value = (*directive)->value;
    const Result<CheckOptions> more = parse(std::string_view(value).substr(0, value.find(' ')));
    if (!more) return *this;
    CheckOptions merged = *this;
    merged.skip_all |= more->skip_all;
    merged.skip.insert(more->skip.begin(), more->skip.end());
    merged.experimental_all |= more->experimental_all;
    merged.experimental.insert(more->experimental.begin(), more->experimental.end());
    return merged;
  }
  return *this;
}

bool CheckOptions::allows(std::string_view rule, bool is_experimental) const {
  if (is_experimental) return experimental_all || experimental.contains(rule);
  return !skip_all && !skip.contains(rule);
}

Result<CheckOptions> check_options_of(std::string_view dockerfile,
                                      const std::map<std::string, std::string>& build_args) {
  constexpr char kArgument[] = "BUILDKIT_DOCKERFILE_CHECK";
  const auto given = build_args.find(kArgument);
  if (given != build_args.end()) {
    return CheckOptions::parse(given->second)
        .context(std::string("failed to parse build-arg:") + kArgument);
  }
  const std::optional<Directive> directive = find_directive(dockerfile, "check");
  if (!directive) return CheckOptions{};
  return CheckOptions::parse(directive->value).context("failed to parse check options");
}

}  // namespace slipway::dockerfile
