// Skeletons of layers that go into a cache (layer/skeleton.h).
#pragma once

#include <optional>
#include <stop_token>

#include "exporter/layer_blobs.h"
#include "store/store.h"

namespace slipway::exporter {

// The skeleton of a layer that ensure_layers() has made with `choice`, in the content store;
// nullopt where it cannot be had without fetching something. Made once per store. Thread-safe.
Result<std::optional<Descriptor>> ensure_skeleton(store::Store& store, const Layer& layer,
                                                  const LayerChoice& choice, std::stop_token stop);

}  // namespace slipway::exporter
