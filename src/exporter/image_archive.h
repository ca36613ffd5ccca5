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

// Writes the whole archive, its end included. Every blob must be in `content`.
Status write_image_archive(const AssembledImage& image, const std::vector<Reference>& names,
                           ArchiveKind kind, store::ContentStore& content, layer::TarSink& sink,
                           std::stop_token stop);

// Adds the blobs to the layout in `directory` (made when missing); nothing refers to them yet.
Status add_layout_blobs(const AssembledImage& image, const std::filesystem::path& directory,
                        store::ContentStore& content, std::stop_token stop);
// Puts the image into the layout's index, in the place of one of the same name.
Status add_layout_entry(const AssembledImage& image, const std::vector<Reference>& names,
                        const std::filesystem::path& directory);

}  // namespace slipway::exporter
