// `slipway tag`: another name for a local image.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/local_images.h"
#include "cli/session.h"

namespace slipway::cli {
namespace {

Result<int> tag_image(const std::string& source, const std::string& target,
                      Invocation& invocation) {
  const Reference name = TRY(Reference::parse(target)).with_default_tag();
  if (!name.digest().empty()) {
    return make_error(ErrorCode::InvalidInput, "{}: a new name cannot have a digest", target);
  }
  const auto store = TRY(open_store(invocation));
  const LocalImage image = TRY(find_local_image(*store, source));
  TRY(store->images().tag(name.str(), image.stored.target));
  // Its digest was its name only for want of another.
  if (!image.name) TRY(store->images().remove(image.stored.name));
  TRY(end_use(*store, invocation.environment));
  return 0;
}

}  // namespace

Command make_tag_command(CLI::App& app) {
  const auto names = std::make_shared<std::pair<std::string, std::string>>();
  app.footer(
      "Example:\n"
      "  slipway tag core:latest localhost:5000/morgan/core:1.2");
  app.add_option("source", names->first, "Name, ID or digest of a local image")
      ->type_name("IMAGE")
      ->required();
  app.add_option("target", names->second, "The name to give it; \":latest\" when it has no tag")
      ->type_name("NAME[:TAG]")
      ->required();
  return {[names](Invocation& invocation) {
            return tag_image(names->first, names->second, invocation);
          },
          true};
}

}  // namespace slipway::cli
