// Snapshots as layer blobs: made once per store, whatever build, target or process asks.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/thread_pool.h"
#include "progress/sink.h"
#include "store/store.h"

namespace slipway::exporter {

struct LayerChoice {
  Compression compression = Compression::Gzip;
  int level = -1;
  // Layers of base images are compressed anew too; else they are used as they were fetched.
  bool force = false;
  // Later modification times become this, in layers that were built here.
  std::optional<int64_t> clamp_mtime;
  // The bytes have to be in the content store; else a fetched layer may be known by name only.
  bool need_content = true;
};

// The blob of a snapshot's own layer. Thread-safe; of several callers that want the same one, the
// first makes it. May be called while later steps of a build still run.
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
  int64_t created = 0;   // of the snapshot, microseconds since the epoch
  bool fetched = false;  // comes from a base image
};

// All layers of a stack, bottom up.
Result<std::vector<Layer>> ensure_layers(store::Store& store, store::SnapshotId top,
                                         const LayerChoice& choice, ThreadPool& pool,
                                         progress::VertexReporter& progress, std::stop_token stop);

}  // namespace slipway::exporter
