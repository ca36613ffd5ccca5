// Exporter: brings the result of a build where the user wants it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "exporter/layer_blobs.h"
#include "oci/descriptor.h"
#include "oci/image_config.h"
#include "oci/reference.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "store/store.h"

namespace slipway::exporter {

// Further members of an image's config (name -> JSON), made from its layers.
using ConfigMembers = std::function<Result<std::map<std::string, std::string>>(
    const std::vector<Layer>& layers, const LayerChoice& choice)>;

// Something said about an image: the predicate of an in-toto statement.
struct Attestation {
  std::string predicate_type;  // "https://slsa.dev/provenance/v1"
  std::string predicate;       // JSON
  // Its name as a file in an output of files: "provenance.json".
  std::string file_name;
  bool inline_only = false;  // outputs of files do not have it
};
// What is said about an image with these layers, or about files that are none (no layers). Callable
// while the run() of an exporter is.
using Attest =
    std::function<Result<std::vector<Attestation>>(const std::vector<Descriptor>& layers)>;

// What a build made for one platform: a file system and the config of its image.
struct PlatformResult {
  Platform platform;  // as the build was asked for it
  store::SnapshotId snapshot;
  std::shared_ptr<const void> pin;  // keeps the snapshot; co-owned with the solver's results
  // Instead of a snapshot, for an exporter that needs no files: the layers by name.
  std::optional<std::vector<Layer>> named_layers;
  // On top of those, bottom up: snapshots of which only their own layers count. `pin` keeps them.
  std::vector<store::SnapshotId> own_layers;
  ImageConfig config;            // without diff_ids; history without what this build cannot know
  std::optional<int64_t> epoch;  // SOURCE_DATE_EPOCH, seconds
  ConfigMembers config_members;  // may be empty
  // Images that the lower layers may have come from: a push mounts their layers instead of sending
  // them, where they lie in the same registry.
  std::vector<Reference> base_images;
  Attest attest;  // empty: there are no attestations
};

struct BuildResult {
  std::vector<PlatformResult> platforms;  // at least one, in the order asked for; all of one epoch
  // Outputs tell the platforms apart, even where there is one: images have an index, directories a
  // folder for each.
  bool multi_platform = false;
};

// What every exporter works with. All outlive it.
struct ExportContext {
  store::Store& store;
  registry::Client& registry;
  ThreadPool& pool;
  progress::VertexReporter& progress;
  std::stop_token stop;
};

// What there is to tell about an exported image; empty where the output is no image.
struct ExportedImage {
  Descriptor target;             // the manifest, or the index of several
  std::optional<Digest> config;  // of an image without an index
  std::vector<Reference> names;
};

enum class Needs {
  Names,  // PlatformResult::named_layers will do, when a registry of base_images has their blobs
  Blobs,  // it will do once the content store has the blobs
  Files,  // a snapshot
};

class Exporter {
 public:
  virtual ~Exporter() = default;
  // Name of the step that progress shows: "exporting to image".
  virtual std::string name() const = 0;
  // How run() will want the layers of a build whose SOURCE_DATE_EPOCH is `epoch`, so that they can
  // be made before; nullopt for an output without layers.
  virtual std::optional<LayerChoice> layers(std::optional<int64_t> epoch) const = 0;
  // What run() and finalize() need of a result of which only the layers' names are known.
  virtual Needs needs(std::optional<int64_t> epoch) const = 0;
  // Makes the output; nothing of it is where others look before finalize().
  virtual Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) = 0;
  // Publishes: renames the file, pushes, names the image. Called when every target of the build has
  // been exported.
  virtual Status finalize(const ExportContext& context) = 0;
};

// From the fields of -o: type=image|registry|oci|docker|tar|local|cacheonly with buildx's keys;
// `names` are the target's tags, used when the output has no name of its own. Unknown types and
// keys are InvalidInput with the nearest known one.
struct ExporterOptions {
  std::map<std::string, std::string> fields;
  std::vector<std::string> names;
  std::vector<std::string> annotations;
  std::filesystem::path working_directory;  // where a relative dest starts from
  int stdout_fd = 1;                        // what dest=- stands for
  std::string layer_split = "auto";         // --layer-split, where the fields say nothing
  // What loads a type=docker without dest: {"docker", "load"}; empty: there is nothing.
  std::vector<std::string> load_command;
};
Result<std::unique_ptr<Exporter>> make_exporter(ExporterOptions options);

}  // namespace slipway::exporter
