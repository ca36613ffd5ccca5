// RemoteResults: an OpRunner that brings the layers of results that were found in remote caches
// here when a step needs their files, and passes everything on.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/guarded.h"
#include "cache/remote_index.h"
#include "solver/op_runner.h"
#include "source/blob_origin.h"
#include "source/image_unpacker.h"

namespace slipway::cli {

class RemoteResults final : public solver::OpRunner {
 public:
  // All outlive it.
  RemoteResults(solver::OpRunner& runner, cache::RemoteIndex& index,
                source::ImageUnpacker& unpacker)
      : runner_(runner), index_(index), unpacker_(unpacker) {}

  // Where the layers of the next source of the index lie; `reference` when it is a registry. In the
  // order of RemoteIndex::add_source().
  void add_origin(std::shared_ptr<source::BlobOrigin> origin, std::optional<Reference> reference);

  // The result with its files; one that has them already is returned as it is. Each is fetched
  // once.
  Result<solver::StepResult> fetch(const solver::StepResult& result,
                                   progress::VertexReporter& reporter, std::stop_token stop);
  // Only brings the layers into the content store.
  Status fetch_blobs(const cache::RemoteLayers& layers, progress::VertexReporter& reporter,
                     std::stop_token stop);
  // The registry that has these layers; nullopt when they lie elsewhere.
  std::optional<Reference> registry_of(const cache::RemoteLayers& layers);

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  struct Origin {
    std::shared_ptr<source::BlobOrigin> blobs;
    std::optional<Reference> reference;
  };
  // One result; `mutex` is held while it is being fetched.
  struct Fetched {
    std::mutex mutex;
    std::optional<solver::StepResult> result;
  };
  Result<source::ResolvedImage> image_of(const cache::RemoteLayers& layers);

  solver::OpRunner& runner_;
  cache::RemoteIndex& index_;
  source::ImageUnpacker& unpacker_;
  Guarded<std::vector<Origin>> origins_;
  // By result; co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Fetched>>> fetched_;
};

}  // namespace slipway::cli
