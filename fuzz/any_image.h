// AnyImage: every image there could be, with one layer.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "frontend/dockerfile/convert.h"

namespace slipway::dockerfile {

class AnyImage : public ImageResolver {
 public:
  std::vector<Result<ResolvedImage>> resolve(std::span<const ImageQuery> queries) override {
    std::vector<Result<ResolvedImage>> images;
    for (const ImageQuery& query : queries) {
      ResolvedImage image{query.reference, Digest::sha256_of(query.reference.str()), {}};
      image.config.platform = query.platform;
      image.config.diff_ids = {image.digest};
      images.emplace_back(std::move(image));
    }
    return images;
  }
};

}  // namespace slipway::dockerfile
