// The images of the local store as people see and name them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/platform.h"
#include "oci/reference.h"
#include "store/store.h"

namespace slipway::cli {

struct LocalImage {
  store::StoredImage stored;
  std::optional<Reference> name;  // of an image that has one
  // Of a manifest: its config's; of an index: its own.
  Digest id;
  std::string created;  // RFC 3339; when the config does not say: when it was named
  uint64_t size = 0;    // bytes of manifests, configs and (compressed) layers, each once
  std::vector<Platform> platforms;
  std::vector<Descriptor> layers;
  bool damaged = false;  // its manifest or config cannot be read

  std::string repository() const;  // "busybox", "localhost:5000/team/app", "<none>"
  std::string tag() const;         // or "<none>"
  // What to call it on a command line.
  std::string display_name() const { return name ? name->familiar() : stored.name; }
};

// By name.
Result<std::vector<LocalImage>> list_local_images(store::Store& store);

// The names that `text` stands for: a name (":latest" is added when it has neither tag nor digest),
// or all names of the image whose ID or digest is, or begins with, `text`. NotFound with the
// nearest name; InvalidInput for an ID that several images begin with.
Result<std::vector<LocalImage>> find_local_images(store::Store& store, std::string_view text);

// The one image that `text` stands for, by any of its names.
Result<LocalImage> find_local_image(store::Store& store, std::string_view text);

}  // namespace slipway::cli
