// StubImages: answers for base images made up from their names, for looking at LLB without any
// network.
#pragma once

#include "frontend/dockerfile/convert.h"

namespace slipway::cli {

// Digest: sha256 of the full name with tag. Config: PATH and a shell.
class StubImages : public dockerfile::ImageResolver {
 public:
  std::vector<Result<dockerfile::ResolvedImage>> resolve(
      std::span<const dockerfile::ImageQuery> queries) override;
};

}  // namespace slipway::cli
