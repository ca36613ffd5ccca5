#include "frontend/dockerfile/conformance_oracle.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/values.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/ignore_file.h"
#include "frontend/dockerfile/shell_lexer.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace slipway::dockerfile {
namespace {

using nlohmann::json;

json error_answer(const Error& error) {
  return {{"err", error.message()}};
}

template <typename T>
json answer(const Result<T>& result) {
  return result ? json{{"out", *result}} : error_answer(result.error());
}

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json git_answer(std::string_view text) {
  const auto ref = parse_git_ref(text);
  if (!ref) return error_answer(ref.error());
  if (!*ref) return {{"err", "not a git ref"}};
  std::string remote = (*ref)->remote;
  return {{"out",
           {{"Remote", remote},
            {"ShortName", (*ref)->short_name},
            {"Ref", (*ref)->ref},
            {"Checksum", (*ref)->checksum},
            {"SubDir", (*ref)->subdir},
            {"IndistinguishableFromLocal", (*ref)->looks_like_a_path},
            {"UnencryptedTCP", (*ref)->unencrypted},
            {"KeepGitDir", or_null((*ref)->keep_git_dir)},
            {"Submodules", or_null((*ref)->submodules)},
            {"MTime", (*ref)->mtime},
            {"FetchByCommit", (*ref)->fetch_by_commit}}}};
}

json reference_answer(std::string_view text) {
  const auto ref = Reference::parse(text);
  if (!ref) return error_answer(ref.error());
  json out = {{"name", ref->name()},
              {"familiar", ref->familiar()},
              {"full", ref->with_default_tag().str()}};
  if (!ref->tag().empty()) out["tag"] = ref->tag();
  if (!ref->digest().empty()) out["digest"] = ref->digest().str();
  return {{"out", out}};
}

json platform_answer(std::string_view text) {
  const auto platform = Platform::parse(text);
  if (!platform) return error_answer(platform.error());
  return {{"out", platform->full_str()}};
}

json ignore_answer(const std::vector<std::string>& patterns, std::string_view path) {
  const auto matcher = PatternMatcher::create(patterns);
  if (!matcher) return error_answer(matcher.error());
  return {{"out", matcher->matches(path)}};
}

}  // namespace

json answer_to(const json& request) {
  const std::string function = request["f"];
  const std::string in = request["in"];
  const Environment environment = environment_of(request.value("env", std::vector<std::string>()));
  const std::string escape = request.value("escape", "\\");
  const ShellLexer lexer({.escape = escape[0]});
  if (function == "word") return answer(lexer.word(in, environment));
  if (function == "words") return answer(lexer.words(in, environment));
  if (function == "ignorefile") return {{"out", read_ignore_file(in)}};
  if (function == "ignore") return ignore_answer(request["patterns"], in);
  if (function == "gitref") return git_answer(in);
  if (function == "ref") return reference_answer(in);
  if (function == "platform") return platform_answer(in);
  if (function == "size") return answer(parse_size(in));
  return {{"err", "unknown function " + function}};
}

}  // namespace slipway::dockerfile
