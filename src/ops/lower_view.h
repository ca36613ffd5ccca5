// LowerView: what is below the upper directory of an overlay in which caches lie: the layers, and
// in the places of the caches their directories.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops/file_tree.h"

namespace slipway::ops {

// A cache's directory and where it is seen: "/root/.cache/uv", or "/" for the whole overlay. No
// destination lies in another.
struct CachePlace {
  std::string destination;
  std::filesystem::path directory;
};

class LowerView {
 public:
  static Result<LowerView> open(const std::vector<std::filesystem::path>& layers,
                                const std::vector<CachePlace>& caches);

  // A directory of the view, or a place where there is none.
  struct Place {
    std::shared_ptr<const MergedDir> dir;  // co-owned by all who look into it; may be nullptr
    std::string path;                      // "" for the root, "/a/b"
    std::optional<size_t> cache;           // the cache it belongs to
    bool is_hidden = false;                // nothing of the lower layers shows here
  };
  Result<Place> root() const;
  // Its directory `name`; dir is nullptr when it has none.
  Result<Place> child(const Place& parent, const std::string& name) const;
  // `path` is absolute and without "..", "." and symlinks.
  Result<Place> at(const std::string& path) const;
  static Place nowhere() { return {nullptr, "", std::nullopt, true}; }

 private:
  std::optional<size_t> cache_at(const std::string& path) const;
  std::vector<std::string> destinations_;
  std::vector<Tree> caches_;
  std::optional<Tree> layers_;
};

}  // namespace slipway::ops
