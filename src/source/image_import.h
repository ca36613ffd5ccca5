// Bringing images into the local store by name: from a registry (pull) or from an archive (load).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "oci/manifest.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "progress/sink.h"
#include "source/image.h"
#include "source/image_unpacker.h"
#include "store/store.h"

namespace slipway::source {

struct ImportedImage {
  std::string name;  // as in ImageStore: a full name, or a digest when the archive has none
  Descriptor target;
};

// Fetches an image for one platform with all its layers and names it. The name stands for the
// platform's manifest afterwards, so that what is named is complete.
Result<ImportedImage> pull_image(store::Store& store, ImageSource& images, ImageUnpacker& unpacker,
                                 const Reference& reference, const Platform& platform,
                                 progress::VertexReporter& reporter, std::stop_token stop);

// Reads what `docker save`, `podman save` or `skopeo copy ... oci-archive:` wrote: a tar archive of
// an OCI layout or of Docker's older format, gzip or zstd or plain, from the current offset of any
// descriptor (a pipe will do). Hostile input. `platform`: only this one of every index.
Result<std::vector<ImportedImage>> load_archive(store::Store& store, int fd,
                                                const std::optional<Platform>& platform,
                                                progress::VertexReporter& reporter,
                                                std::stop_token stop);

// Brings the blobs of an archive with an OCI layout into the content store and names nothing;
// returns its index.json.
Result<Index> load_archive_blobs(store::Store& store, int fd, progress::VertexReporter& reporter,
                                 std::stop_token stop);

// The same from the directory of an OCI layout: every image that its index.json names.
Result<std::vector<ImportedImage>> load_layout(store::Store& store, OciLayout& layout,
                                               const std::optional<Platform>& platform,
                                               progress::VertexReporter& reporter,
                                               std::stop_token stop);

// The full name that the annotations of an entry of index.json give; empty for a bare tag or none.
Result<std::string> annotated_name(const Descriptor& entry);

}  // namespace slipway::source
