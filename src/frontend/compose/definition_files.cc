#include "frontend/compose/definition_files.h"

#include <utility>
#include <vector>

#include "base/text.h"
#include "frontend/bake/bake_file.h"

namespace slipway::compose {
namespace {

// Whether the file is a compose file; an error where it is neither that nor a bake file.
Result<bool> is_compose_file(const File& file, const Options& options) {
  const std::string name = to_lower(file.name);
  if (name.ends_with(".yml") || name.ends_with(".yaml")) return true;
  if (bake::is_bake_file_name(name)) return false;
  const Result<bake::Definitions> compose = read({&file, 1}, options);
  if (compose) return true;
  const Status bake = bake::check_syntax({file.name, file.text});
  if (bake) return false;
  return make_error(ErrorCode::InvalidInput,
                    "{} is neither a compose file ({}) nor a bake file ({})", file.name,
                    compose.error().message(), bake.error().message());
}

}  // namespace

Result<bake::Definitions> read_definitions(std::span<const File> files, const Options& options) {
  std::vector<File> compose_files;
  std::vector<bake::BakeFile> bake_files;
  for (const File& file : files) {
    if (TRY(is_compose_file(file, options))) {
      compose_files.push_back(file);
    } else {
      bake_files.push_back({file.name, file.text});
    }
  }
  bake::Definitions definitions;
  if (!compose_files.empty()) definitions = TRY(read(compose_files, options));
  TRY(bake::read_bake_files(bake_files, options.bake, definitions));
  return definitions;
}

}  // namespace slipway::compose
