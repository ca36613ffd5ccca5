// `slipway push`: a local image, or all tags of a name, to their registry.
#include <unistd.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/command.h"
#include "cli/internal_step.h"
#include "cli/local_images.h"
#include "cli/progress_mode.h"
#include "cli/session.h"
#include "exporter/image_pusher.h"
#include "registry/options.h"

namespace slipway::cli {
namespace {

// Asked for each layer in turn: more cost more requests than they save.
constexpr size_t kMaxSources = 4;

struct PushFlags {
  std::string name;
  std::string progress;
  bool all_tags = false;
  bool quiet = false;
};

struct ImageToPush {
  LocalImage image;
  Reference name;
};

Result<std::vector<ImageToPush>> images_to_push(store::Store& store, const PushFlags& flags) {
  const Reference wanted = TRY(Reference::parse(flags.name));
  if (!flags.all_tags) {
    const LocalImage image = TRY(find_local_image(store, flags.name));
    return std::vector{ImageToPush{image, wanted.with_digest({}).with_default_tag()}};
  }
  if (!wanted.tag().empty() || !wanted.digest().empty()) {
    return make_error(ErrorCode::InvalidInput, "push {}: a tag cannot be used with --all-tags",
                      flags.name);
  }
  std::vector<ImageToPush> images;
  for (LocalImage& image : TRY(list_local_images(store))) {
    if (!image.name || image.name->name() != wanted.name() || image.name->tag().empty()) continue;
    const Reference name = *image.name;
    images.push_back({std::move(image), name});
  }
  if (!images.empty()) return images;
  return make_error(ErrorCode::NotFound, "no local image of the name {}", flags.name)
      .with_hint("see \"slipway images\"");
}

// Other local images with layers of this one: their repositories can give a registry what it lacks
// without an upload, and layers that are no longer here can be had from them.
std::vector<Reference> sources_of(const ImageToPush& push, const std::vector<LocalImage>& all) {
  std::set<Digest> layers;
  for (const Descriptor& layer : push.image.layers) layers.insert(layer.digest);
  std::vector<Reference> sources;
  for (const LocalImage& other : all) {
    if (!other.name || other.name->name() == push.name.name()) continue;
    const bool shares = std::ranges::any_of(
        other.layers, [&](const Descriptor& layer) { return layers.contains(layer.digest); });
    if (shares) sources.push_back(*other.name);
  }
  std::ranges::stable_partition(
      sources, [&](const Reference& source) { return source.domain() == push.name.domain(); });
  if (sources.size() > kMaxSources) sources.resize(kMaxSources);
  return sources;
}

Result<int> push_images(const PushFlags& flags, Invocation& invocation) {
  const auto store = TRY(open_store(invocation));
  const std::vector<ImageToPush> pushes = TRY(images_to_push(*store, flags));
  const std::vector<LocalImage> all = TRY(list_local_images(*store));
  const auto client = registry::make_client(client_options(invocation.environment));
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  std::string pushed;
  const Status outcome = [&]() -> Status {
    for (const ImageToPush& push : pushes) {
      exporter::PushOptions options;
      options.sources = sources_of(push, all);
      const Descriptor& target = push.image.stored.target;
      TRY(as_step(*progress.sink, "pushing " + push.name.familiar(),
                  [&](progress::VertexReporter& reporter) {
                    return exporter::push_image(store->content(), *client, target, push.name,
                                                options, reporter, invocation.stop);
                  }));
      pushed += flags.quiet ? push.name.str() + "\n"
                            : fmt::format("{}: digest: {} size: {}\n", push.name.tag(),
                                          target.digest.str(), target.size);
    }
    return {};
  }();
  progress.finish();
  TRY(write_all(STDOUT_FILENO, pushed));
  if (!outcome) return outcome.error();
  return 0;
}

}  // namespace

Command make_push_command(CLI::App& app) {
  const auto flags = std::make_shared<PushFlags>();
  app.footer(
      "Only what the registry lacks is sent. Credentials are those of docker login and podman "
      "login.\nRegistries on loopback addresses may speak plain HTTP.\n\n"
      "Examples:\n"
      "  slipway push localhost:5000/morgan/core:1.2\n"
      "  slipway push --all-tags localhost:5000/morgan/core");
  app.add_option("name", flags->name, "Name of a local image: it says which registry")
      ->type_name("NAME[:TAG]")
      ->required();
  app.add_flag("-a,--all-tags", flags->all_tags, "Push all tags of the name");
  app.add_option("--progress", flags->progress,
                 "auto, plain, tty, quiet or rawjson (BUILDKIT_PROGRESS)")
      ->type_name("MODE");
  app.add_flag("-q,--quiet", flags->quiet, "Print only the names of what was pushed");
  return {[flags](Invocation& invocation) { return push_images(*flags, invocation); }, true};
}

}  // namespace slipway::cli
