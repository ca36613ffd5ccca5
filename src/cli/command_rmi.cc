// `slipway rmi`: takes names away from local images.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "cli/local_images.h"
#include "cli/session.h"

namespace slipway::cli {
namespace {

struct RmiFlags {
  std::vector<std::string> names;
  bool force = false;
};

Status remove_one(store::Store& store, const std::string& text, bool force) {
  const Result<std::vector<LocalImage>> images = find_local_images(store, text);
  if (!images && force && images.error().code() == ErrorCode::NotFound) return {};
  if (!images) return images.error();
  if (images->size() > 1 && !force) {
    return make_error(ErrorCode::InvalidInput, "{} is the ID of an image with {} names", text,
                      images->size())
        .with_hint("name one of them, or remove all with -f");
  }
  for (const LocalImage& image : *images) {
    TRY(store.images().remove(image.stored.name));
    TRY(write_all(STDOUT_FILENO, "Untagged: " + image.display_name() + "\n"));
  }
  return {};
}

// Removes all it can; says of each of the others why not.
Result<int> remove_images(const RmiFlags& flags, Invocation& invocation) {
  const auto store = TRY(open_full_store(invocation));
  int code = 0;
  for (const std::string& name : flags.names) {
    const Status removed = remove_one(*store, name, flags.force);
    if (removed) continue;
    std::fputs(describe(removed.error(), {}).c_str(), stderr);
    code = exit_code(removed.error());
  }
  TRY(end_use(*store, invocation.environment));
  return code;
}

}  // namespace

Command make_rmi_command(CLI::App& app) {
  const auto flags = std::make_shared<RmiFlags>();
  app.footer(
      "The layers stay, as cache of later builds, until \"slipway prune\" removes them.\n\n"
      "Examples:\n"
      "  slipway rmi core:old\n"
      "  slipway rmi -f $(slipway images -q 'localhost:5000/*')");
  app.add_option("image", flags->names, "Names, IDs or digests")->type_name("IMAGE")->required();
  app.add_flag("-f,--force", flags->force,
               "Remove all names of an ID; an image that is not there is no error");
  return {[flags](Invocation& invocation) { return remove_images(*flags, invocation); }, true};
}

}  // namespace slipway::cli
