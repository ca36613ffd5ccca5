// CacheWrapper: how a cache's directory gets its place in the overlay of a step's root, and how
// what the step changed there gets out of the upper directory again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ops/file_tree.h"

namespace slipway::ops {

// A layer above the image's that has nothing but the way to the destination and, there, a
// redirect to the name under which the layer right below it, the cache's parent directory, has the
// cache. So the cache takes its place without being moved, and hides what the image has there.
class CacheWrapper {
 public:
  // Makes the layer in `path`, where nothing is. `destination`: resolved in `image` (the layers
  // below); what it has of it is directories.
  static Result<CacheWrapper> create(const Tree& image, const std::string& destination,
                                     const std::filesystem::path& cache,
                                     const std::filesystem::path& path);

  // Topmost first.
  std::vector<std::filesystem::path> layers() const { return {path_, cache_.parent_path()}; }
  const std::string& destination() const { return destination_; }

  // After the step, with the overlay unmounted: moves what it changed in the cache out of `upper`
  // to `changes`, where nothing is, and removes what got into `upper` only as the way there. False:
  // it changed nothing.
  Result<bool> take_changes(const std::filesystem::path& upper,
                            const std::filesystem::path& changes) const;

 private:
  class Extraction;
  CacheWrapper(std::string destination, std::filesystem::path cache, std::filesystem::path path)
      : destination_(std::move(destination)), cache_(std::move(cache)), path_(std::move(path)) {}
  Status make_way(const Tree& image, std::vector<std::string> names);
  Status place_cache(int parent, const std::string& name) const;

  std::string destination_;
  std::filesystem::path cache_;
  std::filesystem::path path_;
  size_t parents_in_image_ = 0;  // how many of the directories above the destination it has
};

}  // namespace slipway::ops
