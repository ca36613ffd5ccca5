#include "frontend/compose/compose.h"

#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "frontend/compose/build_reader.h"
#include "frontend/compose/keys.h"
#include "frontend/compose/model.h"

namespace slipway::compose {
namespace {

using bake::TargetDefinition;

template <typename... Args>
Error invalid(const Value& where, fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...).at(where.span);
}

Result<bake::Definitions> read_services(const Value& services, const Model& model,
                                        const Options& options) {
  bake::Definitions definitions;
  bake::Group all{"default", "", {}};
  for (const auto& [name, service] : services.members) {
    const Value* image = service.find("image");
    const Value* build = service.find("build");
    const bool has_build = build != nullptr && !build->is_null();
    if (!has_build && (image == nullptr || image->text.empty())) {
      return invalid(
          service,
          "service {} has neither an image nor a build context specified: invalid compose project",
          go_quote(name));
    }
    if (!has_build) continue;
    Value map = *build;
    if (build->is_scalar()) {
      map = Value();
      map.kind = Value::Kind::Map;
      map.span = build->span;
      map.set("context", *build);
    }
    if (!map.is_map())
      return invalid(*build, "services.{}.build must be a mapping or a string", name);
    TargetDefinition target = TRY(read_build(name, service, map, model, options));
    target.name = target_name(name);
    all.targets.push_back(target.name);
    definitions.targets.push_back(std::move(target));
  }
  if (!services.members.empty()) definitions.groups.push_back(std::move(all));
  return definitions;
}

}  // namespace

Result<bake::Definitions> read(std::span<const File> files, const Options& options) {
  const Model model = TRY(load_model(files, options));
  TRY(check_model_keys(model.root));
  const Value* services = model.root.find("services");
  if (services == nullptr && model.root.find("secrets") == nullptr) {
    return Error(ErrorCode::InvalidInput, "empty compose file");
  }
  if (services == nullptr) return bake::Definitions();
  return read_services(*services, model, options);
}

}  // namespace slipway::compose
