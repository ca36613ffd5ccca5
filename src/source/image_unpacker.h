// ImageUnpacker: the layers of an image as a stack of snapshots. Each layer is fetched and unpacked
// once per store, whatever image it belongs to, and whichever process wants it. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/guarded.h"
#include "progress/sink.h"
#include "source/image.h"
#include "store/store.h"

namespace slipway::source {

struct UnpackedImage {
  store::SnapshotId snapshot;  // scratch for an image without layers
  // Keeps the snapshot from prune(); co-owned by everybody who uses it.
  std::shared_ptr<const void> pin;
};

class ImageUnpacker {
 public:
  // `parallel`: layers of one image that are fetched and unpacked at the same time.
  explicit ImageUnpacker(store::Store& store, size_t parallel = 4)
      : store_(store), parallel_(parallel) {}

  // nullopt when it is not unpacked yet; touches no network.
  Result<std::optional<UnpackedImage>> find(const ResolvedImage& image);
  // Fetches and unpacks what is missing.
  Result<UnpackedImage> unpack(const ResolvedImage& image, progress::VertexReporter& reporter,
                               std::stop_token stop);
  // Only brings the layers into the content store.
  Status fetch(const ResolvedImage& image, progress::VertexReporter& reporter,
               std::stop_token stop);

 private:
  Result<std::optional<UnpackedImage>> find_chain(const Digest& chain_id);

  store::Store& store_;
  size_t parallel_;
};

// The ChainID of every layer of an image, bottom up. InvalidInput when manifest and config do not
// agree.
Result<std::vector<Digest>> chain_ids(const ResolvedImage& image);

}  // namespace slipway::source
