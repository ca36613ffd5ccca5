// `slipway pull`: an image from its registry into the local store.
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/command.h"
#include "cli/internal_step.h"
#include "cli/progress_mode.h"
#include "cli/session.h"
#include "registry/options.h"
#include "source/image_import.h"

namespace slipway::cli {
namespace {

struct PullFlags {
  std::string name;
  std::string platform;
  std::string progress;
  bool quiet = false;
};

std::string report(const source::ImportedImage& image, const Reference& name, bool newer) {
  return fmt::format("Digest: {}\nStatus: {} for {}\n", image.target.digest.str(),
                     newer ? "Downloaded newer image" : "Image is up to date", name.familiar());
}

Result<int> pull(const PullFlags& flags, Invocation& invocation) {
  const Reference name = TRY(Reference::parse(flags.name)).with_default_tag();
  const std::string wanted = flags.platform.empty()
                                 ? invocation.environment.get("DOCKER_DEFAULT_PLATFORM")
                                 : flags.platform;
  const Platform platform =
      wanted.empty() ? Platform::host() : TRY(Platform::parse(wanted).context("--platform"));
  const auto store = TRY(open_store(invocation));
  const auto before = TRY(store->images().find(name.str()));
  const auto client = registry::make_client(client_options(invocation.environment));
  source::ImageSource images(*store, *client);
  source::ImageUnpacker unpacker(*store);
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  const Result<source::ImportedImage> pulled = as_step(
      *progress.sink, "pulling " + name.familiar(), [&](progress::VertexReporter& reporter) {
        return source::pull_image(*store, images, unpacker, name, platform, reporter,
                                  invocation.stop);
      });
  progress.finish();
  if (!pulled) return Error(pulled.error()).context("pull");
  TRY(end_use(*store, invocation.environment));
  const bool newer = !before || before->target.digest != pulled->target.digest;
  TRY(write_all(STDOUT_FILENO,
                (flags.quiet ? "" : report(*pulled, name, newer)) + name.str() + "\n"));
  return 0;
}

}  // namespace

Command make_pull_command(CLI::App& app) {
  const auto flags = std::make_shared<PullFlags>();
  app.footer(
      "What is in the store already is not fetched again.\n\n"
      "Examples:\n"
      "  slipway pull python:3.11-slim\n"
      "  slipway pull --platform linux/arm64 debian:12");
  app.add_option("name", flags->name, "Name of an image, with a tag or a digest")
      ->type_name("NAME[:TAG|@DIGEST]")
      ->required();
  app.add_option("--platform", flags->platform,
                 "Platform of a multi-platform image (DOCKER_DEFAULT_PLATFORM)")
      ->type_name("OS/ARCH[/VARIANT]");
  app.add_option("--progress", flags->progress,
                 "auto, plain, tty, quiet or rawjson (BUILDKIT_PROGRESS)")
      ->type_name("MODE");
  app.add_flag("-q,--quiet", flags->quiet, "Print only the name");
  return {[flags](Invocation& invocation) { return pull(*flags, invocation); }, true};
}

}  // namespace slipway::cli
