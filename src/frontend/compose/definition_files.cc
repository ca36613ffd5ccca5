#include "frontend/compose/definition_files.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "frontend/bake/json_file.h"

namespace slipway::compose {

Result<bake::Definitions> read_definitions(std::span<const File> files, const Options& options) {
  std::vector<File> compose_files;
  bake::Definitions definitions;
  std::vector<bake::Definitions> later;
  for (const File& file : files) {
    const std::string name = to_lower(file.name);
    if (name.ends_with(".hcl")) {
      return make_error(ErrorCode::Unsupported,
                        "read {}: HCL bake files are not supported yet, use JSON or compose",
                        file.name);
    }
    if (name.ends_with(".json")) {
      later.push_back(TRY(bake::read_json(file.text, file.name, [&](const std::string& variable) {
        const auto found = options.environment.find(variable);
        return found == options.environment.end() ? std::nullopt : std::optional(found->second);
      })));
    } else {
      compose_files.push_back(file);
    }
  }
  if (!compose_files.empty()) definitions = TRY(read(compose_files, options));
  for (const bake::Definitions& each : later) definitions.merge(each);
  return definitions;
}

}  // namespace slipway::compose
