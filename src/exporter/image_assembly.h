// From a build's result to an image in the content store: layers, config, manifest.
#pragma once

#include <vector>

#include "exporter/exporter.h"
#include "exporter/image_options.h"
#include "exporter/layer_blobs.h"

namespace slipway::exporter {

struct AssembledImage {
  Descriptor manifest;  // with the annotations and the platform that an index gives it
  Descriptor config;
  std::vector<Descriptor> layers;
};

// Small content, such as a config or a manifest, as a blob of the store.
Result<Descriptor> put_blob(store::ContentStore& content, const std::string& bytes,
                            const char* media_type);

// The layers that an image with these options is made of. `epoch` is the build's.
LayerChoice layer_choice(const ImageOptions& options, std::optional<int64_t> epoch,
                         bool need_content);

// Everything is in the content store afterwards; with `need_content` the layers of base images too.
Result<AssembledImage> assemble_image(const BuildResult& result, const ImageOptions& options,
                                      bool need_content, const ExportContext& context);

// The config as it is published: diff ids, times, a history entry for every layer. What BuildKit
// does with what its frontends give it.
ImageConfig complete_config(ImageConfig config, const std::vector<Layer>& layers,
                            std::optional<int64_t> epoch);

}  // namespace slipway::exporter
