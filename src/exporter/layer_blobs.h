// Snapshots as layer blobs: made once per store, whatever build, target or process asks.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/thread_pool.h"
#include "oci/layer_format.h"
#include "progress/sink.h"
#include "store/store.h"

namespace slipway::exporter {

struct LayerChoice {
  LayerFormat compression = LayerFormat::Gzip;
  int level = -1;
  // Layers of base images are compressed anew too; else they are used as they were fetched.
  bool force = false;
  // Later modification times become this, in layers that were built here.
  std::optional<int64_t> clamp_mtime;
  // The bytes have to be in the content store; else a fetched layer may be known by name only.
  bool need_content = true;
  // Layers of at least so many bytes become several (docs/layers.md); 0: none.
  uint64_t split_above = 0;
};

// The blob of a snapshot's own layer, never split. Thread-safe; of several callers that want the
// same one, the first makes it. May be called while later steps of a build still run.
Result<store::LayerBlob> ensure_layer_blob(store::Store& store, store::SnapshotId snapshot,
                                           const LayerChoice& choice, ThreadPool& pool,
                                           std::stop_token stop);

// As ensure_layer_blob(), for what goes into images: the blobs that a snapshot's own layer consists
// of there, in the order in which they are stacked. At least one.
Result<std::vector<store::LayerBlob>> ensure_layer_blobs(store::Store& store,
                                                         store::SnapshotId snapshot,
                                                         const LayerChoice& choice,
                                                         ThreadPool& pool, std::stop_token stop);

struct Layer {
  store::LayerBlob blob;
  // Whose own layer it is, or a part of; scratch: it is not in the store.
  store::SnapshotId snapshot = {};
  int64_t created = 0;   // of the snapshot, microseconds since the epoch
  bool fetched = false;  // comes from a base image
  // Which part it is, of how many, where a snapshot's own layer is split.
  size_t part = 0;
  size_t parts = 1;
};

// Of a part: "2/5 opt/venv/lib", kept with a layer that goes into a cache and comes back from
// there.
std::string part_text(const Layer& layer);
// Takes part, parts and label from such a text; anything else leaves the layer whole.
void read_part_text(const std::string& text, Layer& layer);

// No image gets more layers than this by splitting: overlayfs and container engines have limits
// near 128, and others want to build on the image.
inline constexpr size_t kMostLayers = 100;

// What a snapshot's own layer is in an image.
Result<std::vector<Layer>> ensure_own_layers(store::Store& store, store::SnapshotId snapshot,
                                             const LayerChoice& choice, ThreadPool& pool,
                                             std::stop_token stop);

// All layers of a stack, bottom up. Where parts would make more than kMostLayers, the layers with
// the most parts stay whole.
Result<std::vector<Layer>> ensure_layers(store::Store& store, store::SnapshotId top,
                                         const LayerChoice& choice, ThreadPool& pool,
                                         progress::VertexReporter& progress, std::stop_token stop);

}  // namespace slipway::exporter
