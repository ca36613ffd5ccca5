// ImageStore: the names of local images.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.h"
#include "store/core.h"

namespace slipway::store {

struct StoredImage {
  // Reference::str() with a tag ("docker.io/library/busybox:latest"); for an image nobody named,
  // its digest.
  std::string name;
  Descriptor target;    // the manifest or index; its bytes are in the content store
  int64_t created = 0;  // when it got this name, microseconds since the epoch
};

class ImageStore {
 public:
  explicit ImageStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // By name.
  Result<std::vector<StoredImage>> list();
  Result<std::optional<StoredImage>> find(std::string_view name);
  // Names an image, or moves the name to it. Everything it refers to must be in the content store
  // (layers of a base image may be missing when their registry has them). Giving an image the name
  // it has changes nothing.
  Status tag(std::string_view name, const Descriptor& target);
  // Forgets images that nobody gave a name (before then, microseconds since the epoch): they would
  // keep their content for ever.
  Status forget_unnamed(std::optional<int64_t> before);
  // False when there is no such name. Content goes with the next prune().
  Result<bool> remove(std::string_view name);

 private:
  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
