// From a build's result to an image in the content store: layers, config, manifest.
#pragma once

#include <vector>

#include "exporter/exporter.h"
#include "exporter/image_options.h"
#include "exporter/layer_blobs.h"

namespace slipway::exporter {

// One manifest with what it refers to.
struct AssembledImage {
  Descriptor manifest;  // with the annotations and the platform that an index gives it
  Descriptor config;
  std::vector<Descriptor> layers;

  std::vector<Descriptor> blobs() const;  // itself included
};

// What the names of an image stand for: an index of descriptors, or one manifest where that is all.
struct AssembledResult {
  // With the annotations that the index of a layout gives it.
  Descriptor target;
  // In the order of the platforms; then the attestations of those that have some.
  std::vector<AssembledImage> images;
  bool has_index = false;

  std::vector<Descriptor> blobs() const;  // itself included
};

// Small content, such as a config or a manifest, as a blob of the store.
Result<Descriptor> put_blob(store::ContentStore& content, const std::string& bytes,
                            const char* media_type);

// The layers that an image with these options is made of. `epoch` is the build's.
LayerChoice layer_choice(const ImageOptions& options, std::optional<int64_t> epoch,
                         bool need_content);

// Whether images of this result have an index: it is that of several, or has attestations.
bool needs_index(const BuildResult& result);

// Everything is in the content store afterwards; with `need_content` the layers of base images too.
Result<AssembledResult> assemble_result(const BuildResult& result, const ImageOptions& options,
                                        bool need_content, const ExportContext& context);

// The config as it is published: diff ids, times, a history entry for every layer. What BuildKit
// does with what its frontends give it.
ImageConfig complete_config(ImageConfig config, const std::vector<Layer>& layers,
                            std::optional<int64_t> epoch);

}  // namespace slipway::exporter
