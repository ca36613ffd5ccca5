#include "cli/bake_input.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <utility>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/remote_bake.h"
#include "frontend/compose/definition_files.h"
#include "frontend/hcl/functions.h"
#include "oci/platform.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kFiles[] = "BUILDX_BAKE_FILE";
constexpr char kFileSeparator[] = "BUILDX_BAKE_PATH_SEPARATOR";
constexpr char kRelativePaths[] = "BUILDX_BAKE_FILE_RELATIVE_PATHS";
constexpr char kNoEnvironment[] = "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP";

std::vector<std::string> names_from(const Environment& environment) {
  std::string separator = environment.get(kFileSeparator);
  if (separator.empty()) separator = ":";
  std::vector<std::string> names;
  for (std::string rest = environment.get(kFiles); !rest.empty();) {
    const size_t end = rest.find(separator);
    const std::string name(trim(rest.substr(0, end)));
    if (!name.empty()) names.push_back(name);
    rest = end == std::string::npos ? "" : rest.substr(end + separator.size());
  }
  return names;
}

}  // namespace

std::vector<std::string> bake_file_names(const std::vector<std::string>& given,
                                         const Environment& environment) {
  return given.empty() ? names_from(environment) : given;
}

Result<std::vector<compose::File>> read_bake_files(const std::vector<std::string>& given,
                                                   const Environment& environment) {
  const fs::path& directory = environment.working_directory;
  const std::vector<std::string> names = bake_file_names(given, environment);
  std::vector<compose::File> files;
  for (const std::string& each : names) {
    const std::string name = each.starts_with(kHere) ? each.substr(kHere.size()) : each;
    if (name == "-") {
      files.push_back({name, TRY(read_fd(STDIN_FILENO).context("read stdin"))});
    } else {
      files.push_back({name, TRY(read_file(directory / name).context("read definition"))});
    }
  }
  if (!names.empty()) return files;
  for (const char* name : compose::kDefaultFiles) {
    if (path_exists(directory / name)) {
      files.push_back({name, TRY(read_file(directory / name))});
    }
  }
  if (!files.empty()) return files;
  return make_error(ErrorCode::NotFound, "no compose or bake file in {}", directory.string())
      .with_hint("name one with -f, or add compose.yaml or docker-bake.hcl");
}

Result<std::map<std::string, std::string>> parse_bake_variables(
    const std::vector<std::string>& texts) {
  std::map<std::string, std::string> variables;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorCode::InvalidInput, "--var {}: NAME=VALUE is expected", text);
    }
    variables.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Result<compose::Options> bake_options(const Environment& environment,
                                      std::map<std::string, std::string> variables) {
  const fs::path directory = environment.working_directory;
  const bool uses_environment = !parse_bool(environment.get(kNoEnvironment)).value_or(false);
  compose::Options options;
  if (uses_environment) options.environment = environment.variables;
  options.read_file = [directory](const std::string& path) { return read_file(directory / path); };
  const fs::path dotenv = directory / ".env";
  if (path_exists(dotenv)) {
    options.environment =
        TRY(compose::read_dotenv(TRY(read_file(dotenv)), options.environment).context(".env"));
  }
  for (const auto& [name, value] : variables) options.environment.insert_or_assign(name, value);
  options.bake.environment = [variables = std::move(variables), uses_environment,
                              lookup = environment.lookup()](const std::string& name) {
    const auto found = variables.find(name);
    if (found != variables.end()) return std::optional(found->second);
    return uses_environment ? lookup(name) : std::nullopt;
  };
  options.bake.built_in = {{"BAKE_CMD_CONTEXT", std::string(kHere)},
                           {"BAKE_LOCAL_PLATFORM", Platform::host().normalized().str()}};
  options.bake.functions = hcl::standard_functions(
      {environment.get("HOME"), [] { return static_cast<int64_t>(std::time(nullptr)); }});
  return options;
}

Status check_bake_environment(const Environment& environment) {
  if (parse_bool(environment.get(kRelativePaths)).value_or(false)) {
    return make_error(ErrorCode::Unsupported, "{} is not supported yet", kRelativePaths);
  }
  return {};
}

}  // namespace slipway::cli
