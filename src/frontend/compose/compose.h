// Compose files -> bake definitions: the `build` of each service, as buildx reads it.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/bake/bake_file.h"
#include "frontend/bake/definition.h"
#include "frontend/compose/interpolate.h"

namespace slipway::compose {

struct File {
  std::string name;  // as given by the user: paths in `extends` and `include` are relative to it
  std::string text;
};

// Reads a file that a compose file names (extends, include, env_file). Errors are passed on.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

struct Options {
  Environment environment;  // the process's, with .env already read (read_dotenv)
  FileReader read_file;     // without it, what needs another file is refused
  bake::BakeOptions bake;   // for bake files, which .env does not concern
};

// Reads the files, later ones over earlier ones (compose.override.yaml last). Every service with a
// `build` becomes a target of its name ("." becomes "_"); the group "default" holds them all. Paths
// stay relative as they are written. All profiles are active. Mistakes are reported with their
// lines; an unknown key of `build` is an error that names the nearest known one, other unknown keys
// only where they look like a slip of a known one.
Result<bake::Definitions> read(std::span<const File> files, const Options& options);

}  // namespace slipway::compose
