// SkeletonUnpacker: skeletons of layers (layer/skeleton.h) as directories of this process.
// Thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/mount.h"
#include "source/image.h"
#include "store/store.h"

namespace slipway::source {

class SkeletonUnpacker {
 public:
  // `store` outlives it.
  explicit SkeletonUnpacker(store::Store& store) : store_(store) {}

  // The skeletons of an image's layers (`skeletons`, one for each, bottom up), fetched where the
  // store lacks them, each in overlayfs's form; topmost first. They are there as long as this
  // process.
  Result<std::vector<std::filesystem::path>> unpack(const ResolvedImage& image,
                                                    const std::vector<Descriptor>& skeletons,
                                                    std::stop_token stop);

 private:
  // One layer on top of all that are below it; `mutex` is held while it is being unpacked.
  struct Layer {
    std::mutex mutex;
    std::filesystem::path directory;
    std::vector<std::string> implied_directories;
    bool unpacked = false;
    bool adopted = false;  // its implied directories have the attributes of those below
  };
  Result<std::filesystem::path> fresh_directory();
  Status unpack_layer(Layer& layer, const Descriptor& skeleton, BlobOrigin& origin,
                      std::stop_token stop);

  // Where the directories are.
  struct Place {
    std::filesystem::path directory;  // empty: not made yet
    std::optional<Mount> memory;      // on it, where that can be mounted
    size_t made = 0;                  // directories
  };

  store::Store& store_;
  Guarded<Place> place_;
  // By ChainID; co-owned by the map and by the callers that wait for them.
  Guarded<std::map<Digest, std::shared_ptr<Layer>>> layers_;
};

}  // namespace slipway::source
