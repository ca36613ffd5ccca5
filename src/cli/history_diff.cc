#include "cli/history_diff.h"

#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/history.h"
#include "cli/image_diff.h"
#include "cli/local_images.h"
#include "cli/session.h"
#include "layer/decompress.h"
#include "oci/json_fields.h"
#include "source/image.h"
#include "source/image_blobs.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kLayout = "oci-layout://";
constexpr std::string_view kRegistry = "docker-image://";
constexpr size_t kReadBytes = 256 << 10;

class NoProgress : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

// The layers' steps, by the history; none where it does not fit the layers.
std::vector<std::string> steps_of(const ImageConfig& config) {
  std::vector<std::string> steps;
  for (const HistoryEntry& entry : config.history) {
    if (!entry.empty_layer) steps.push_back(step_of_history(entry.created_by));
  }
  if (steps.size() != config.diff_ids.size()) steps.clear();
  return steps;
}

// An image that was named on the command line.
struct FoundImage {
  DiffSide side;
  // Where layers are that the store lacks; null: nowhere.
  std::shared_ptr<source::BlobOrigin> origin;
};

class ImageFinder {
 public:
  ImageFinder(const HistoryDiffFlags& flags, store::Store& store, const Invocation& invocation)
      : flags_(flags),
        store_(store),
        invocation_(invocation),
        client_(registry::make_client(client_options(invocation.environment))),
        images_(store, *client_) {}

  // A layout, an image of a registry, a local image by its name, a build, an image by its ID.
  Result<FoundImage> find(const std::string& text) {
    if (text.starts_with(kLayout)) return from_layout(text, text.substr(kLayout.size()));
    if (path_exists(directory(text) / "index.json")) return from_layout(text, text);
    if (text.starts_with(kRegistry)) return from_registry(text);
    const Result<Reference> name = Reference::parse(text);
    if (name) {
      const auto stored = TRY(store_.images().find(name->with_default_tag().str()));
      if (stored) return from_store(text, stored->target);
    }
    const BuildHistory history(store_.layout().history());
    const Result<BuildInfo> build = history.find(text);
    if (build) return from_build(*build);
    const Result<Digest> digest = Digest::parse(text);
    if (digest && TRY(store_.content().size(*digest))) return from_store(text, {{}, *digest, 0});
    const Result<LocalImage> local = find_local_image(store_, text);
    if (local) return from_store(text, local->stored.target);
    return make_error(ErrorCode::NotFound, "{} is no build, no local image and no OCI layout", text)
        .with_hint(
            "see \"slipway history ls\" and \"slipway images\"; an image of a registry is "
            "docker-image://NAME");
  }

 private:
  fs::path directory(const std::string& text) const {
    return invocation_.environment.working_directory / text;
  }

  Result<Platform> platform() const {
    return flags_.platform.empty() ? Platform::host() : Platform::parse(flags_.platform);
  }

  Result<FoundImage> from_layout(const std::string& text, const std::string& location) {
    const auto wanted = source::LayoutLocation::parse(location);
    const auto layout = TRY(source::OciLayout::open(directory(wanted.directory)));
    return from_resolved(
        text, TRY(images_.resolve(layout, wanted.digest.empty() ? wanted.tag : wanted.digest,
                                  TRY(platform()), invocation_.stop)));
  }

  Result<FoundImage> from_registry(const std::string& text) {
    const Reference name = TRY(Reference::parse(text.substr(kRegistry.size())));
    return from_resolved(text,
                         TRY(images_.resolve(name.with_default_tag(), TRY(platform()),
                                             source::ResolveMode::Default, invocation_.stop)));
  }

  static FoundImage from_resolved(const std::string& text, source::ResolvedImage image) {
    return {{text, image.manifest_descriptor, image.manifest, image.config_json,
             image.config.diff_ids, steps_of(image.config)},
            image.origin};
  }

  Result<FoundImage> from_build(const BuildInfo& build) {
    const std::string name = fmt::format("build {} of {}", build.ref, build.name);
    const Descriptor target = TRY(image_of(build));
    if (!TRY(store_.content().size(target.digest))) {
      return make_error(ErrorCode::NotFound, "{}: its image {} is no longer in the store", name,
                        target.digest.str())
          .with_hint("compare what it was exported to: oci-layout://DIR or docker-image://NAME");
    }
    return from_store(name, target);
  }

  Result<Descriptor> image_of(const BuildInfo& build) const {
    const json metadata = json::parse(build.metadata_json, nullptr, false);
    std::vector<std::string> targets;
    const json* found = metadata.contains("containerimage.descriptor") ? &metadata : nullptr;
    if (found == nullptr && metadata.is_object()) {
      for (const auto& [target, value] : metadata.items()) {
        if (!value.is_object() || !value.contains("containerimage.descriptor")) continue;
        targets.push_back(target);
        if (target == flags_.target || flags_.target.empty()) found = &value;
      }
    }
    if (targets.size() > 1 && flags_.target.empty()) {
      return make_error(ErrorCode::InvalidInput, "build {} made several images: {}", build.ref,
                        join(targets, ", "))
          .with_hint("choose one with --target");
    }
    if (found == nullptr && !targets.empty()) {
      return make_error(ErrorCode::NotFound, "build {} has no image of target {}{}", build.ref,
                        flags_.target, did_you_mean(flags_.target, targets));
    }
    if (found == nullptr) {
      return make_error(ErrorCode::NotFound, "build {} ({}) made no image", build.ref,
                        to_string(build.status));
    }
    const json& descriptor = (*found)["containerimage.descriptor"];
    Descriptor image;
    image.media_type = json_fields::string(descriptor, "mediaType").value_or("");
    image.digest = TRY(Digest::parse(json_fields::string(descriptor, "digest").value_or("")));
    return image;
  }

  Result<FoundImage> from_store(const std::string& text, Descriptor target) {
    std::string bytes = TRY(store_.content().read(target.digest).context(text));
    const json document = json::parse(bytes, nullptr, false);
    if (document.is_object() && document.contains("manifests")) {
      target = TRY(source::select_platform(TRY(parse_index(bytes)), TRY(platform())).context(text));
      bytes = TRY(store_.content().read(target.digest).context(text));
    }
    FoundImage image{{text, target, TRY(parse_manifest(bytes).context(text)), {}, {}, {}}, nullptr};
    image.side.config_json =
        TRY(store_.content().read(image.side.manifest.config.digest).context(text));
    const ImageConfig config = TRY(parse_image_config(image.side.config_json).context(text));
    image.side.diff_ids = config.diff_ids;
    image.side.steps = steps_of(config);
    return image;
  }

  const HistoryDiffFlags& flags_;
  store::Store& store_;
  const Invocation& invocation_;
  const std::unique_ptr<registry::Client> client_;
  source::ImageSource images_;
};

// The uncompressed bytes of a blob; owns all it reads from.
layer::ByteStream uncompressed(UniqueFd blob, std::unique_ptr<layer::Decompressor> from) {
  struct State {
    UniqueFd blob;
    std::unique_ptr<layer::Decompressor> from;
    std::string buffer = std::string(kReadBytes, '\0');
  };
  // A std::function is copied: its copies co-own the one stream.
  const auto state = std::make_shared<State>(State{std::move(blob), std::move(from)});
  return [state]() -> Result<std::string_view> {
    const size_t count = TRY(state->from->read(state->buffer.data(), state->buffer.size()));
    return std::string_view(state->buffer).substr(0, count);
  };
}

Result<layer::ByteStream> open_layer(const FoundImage& image, size_t index, store::Store& store,
                                     std::stop_token stop) {
  const Descriptor& blob = image.side.manifest.layers.at(index);
  if (!TRY(store.content().size(blob.digest))) {
    if (image.origin == nullptr) {
      return make_error(ErrorCode::NotFound, "{}: layer {} is not in the store", image.side.name,
                        blob.digest.str())
          .with_hint("pull the image it belongs to");
    }
    NoProgress progress;
    progress::VertexReporter reporter(progress, Digest());
    TRY(source::ensure_blob(store, *image.origin, blob, reporter, stop));
  }
  UniqueFd file = TRY(store.content().open(blob.digest));
  auto from = TRY(layer::make_decompressor(layer::fd_stream(file.get())));
  return uncompressed(std::move(file), std::move(from));
}

}  // namespace

Result<int> run_history_diff(const HistoryDiffFlags& flags, store::Store& store,
                             const Invocation& invocation) {
  ImageFinder finder(flags, store, invocation);
  const FoundImage a = TRY(finder.find(flags.a));
  const FoundImage b = TRY(finder.find(flags.b));
  const ImageDifference difference =
      TRY(compare_images(a.side, b.side, [&](const DiffSide& side, size_t layer) {
        return open_layer(&side == &a.side ? a : b, layer, store, invocation.stop);
      }));
  const auto print = flags.format == "json" ? diff_json : diff_text;
  TRY(write_all(STDOUT_FILENO, print(a.side, b.side, difference)));
  TRY(end_use(store, invocation.environment));  // blobs of images that are elsewhere were kept
  const bool differs = a.side.descriptor.digest != b.side.descriptor.digest;
  return flags.exit_code && differs ? 1 : 0;
}

}  // namespace slipway::cli
