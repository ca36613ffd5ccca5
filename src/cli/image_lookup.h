// ImageLookup: what base images are, for the conversion of Dockerfiles: from layouts, registries,
// the store.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/guarded.h"
#include "frontend/dockerfile/convert.h"
#include "ops/source_runner.h"
#include "progress/sink.h"
#include "source/image.h"

namespace slipway::cli {

class ImageLookup : public dockerfile::ImageResolver {
 public:
  // All of them outlive the lookup. `pull`: registries are asked even for what is here.
  ImageLookup(source::ImageSource& images, ops::OciLayouts& layouts, progress::Sink& progress,
              bool pull, std::stop_token stop)
      : images_(images), layouts_(layouts), progress_(progress), pull_(pull), stop_(stop) {}

  std::vector<Result<dockerfile::ResolvedImage>> resolve(
      std::span<const dockerfile::ImageQuery> queries) override;

 private:
  // One image; `mutex` is held while it is being looked up.
  struct Lookup {
    std::mutex mutex;
    std::optional<dockerfile::ResolvedImage> image;
  };
  // Each once, and shown once: the conversions for several platforms ask for the same images.
  Result<dockerfile::ResolvedImage> resolve_once(const dockerfile::ImageQuery& query);
  Result<dockerfile::ResolvedImage> resolve_one(const dockerfile::ImageQuery& query,
                                                progress::VertexReporter& reporter);

  source::ImageSource& images_;
  ops::OciLayouts& layouts_;
  progress::Sink& progress_;
  const bool pull_;
  const std::stop_token stop_;
  // Co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Lookup>>> lookups_;
};

}  // namespace slipway::cli
