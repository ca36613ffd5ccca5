// Bake files: HCL in its native syntax (docker-bake.hcl) and in its JSON syntax (docker-bake.json).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/bake/override.h"
#include "frontend/hcl/function.h"

namespace slipway::bake {

struct BakeFile {
  std::string name;
  std::string text;
};

struct BakeOptions {
  // Values of variables: --var, then the process's environment.
  EnvironmentLookup environment;
  // Variables that are always there: BAKE_CMD_CONTEXT, BAKE_LOCAL_PLATFORM.
  std::map<std::string, std::string> built_in;
  // The functions that expressions may call.
  hcl::Functions functions;
};

// Whether a file of that name is HCL or JSON for certain; of other names nobody knows before
// reading.
bool is_bake_file_name(std::string_view name);
// An error where the text is neither HCL nor JSON.
Status check_syntax(const BakeFile& file);

// Adds what the files define, all read as one: variables and attributes of later files replace
// earlier ones, targets of one name merge, groups of one name are replaced.
Status read_bake_files(std::span<const BakeFile> files, const BakeOptions& options,
                       Definitions& definitions);

// The name of a target or group: letters, digits, "_" and "-".
bool is_target_name(std::string_view name);

}  // namespace slipway::bake
