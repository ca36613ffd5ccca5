// Images outside of the store: OCI image layouts as tar archives or directories, and the archives
// of docker save (a layout with a manifest.json beside it).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "exporter/image_assembly.h"
#include "layer/tar_sink.h"
#include "store/content_store.h"

namespace slipway::exporter {

enum class ArchiveKind { Oci, Docker };

// One image of an archive.
struct ArchivedImage {
  // What the names stand for: the image's manifest, or an index.
  Descriptor target;
  std::vector<Reference> names;
  // What docker load gets: of an index, the image for one platform.
  AssembledImage image;
  // Everything that the target refers to, itself included.
  std::vector<Descriptor> blobs;
};

// An image of the content store. `platform` is the one that docker load gets of an index. NotFound
// when a blob is missing.
Result<ArchivedImage> read_archived_image(const Descriptor& target, std::vector<Reference> names,
                                          const Platform& platform, store::ContentStore& content);

// Writes the whole archive, its end included. Every blob must be in `content`.
Status write_image_archive(const std::vector<ArchivedImage>& images, ArchiveKind kind,
                           store::ContentStore& content, layer::TarSink& sink,
                           std::stop_token stop);

// Adds the blobs to the layout in `directory` (made when missing); nothing refers to them yet.
Status add_layout_blobs(const std::vector<Descriptor>& blobs,
                        const std::filesystem::path& directory, store::ContentStore& content,
                        std::stop_token stop);
// Puts an image into the layout's index, in the place of one of the same name.
Status add_layout_entry(const Descriptor& target, const std::vector<Reference>& names,
                        const std::filesystem::path& directory);

// As add_layout_entry(), for what has a tag and no name of an image: a build cache.
Status add_layout_tag(const Descriptor& target, const std::string& tag,
                      const std::filesystem::path& directory);

}  // namespace slipway::exporter
