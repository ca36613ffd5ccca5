// RemoteResults: an OpRunner that brings the layers of results that were found in remote caches
// here when a step needs their files, and passes everything on. Images of registries whose files no
// step reads are such results too.
//
// A step that only builds on such a result (a COPY needs to know where the directory is that it
// copies to) runs on the skeletons of its layers, where the cache has them (oci/layer_skeleton.h).
// Its own result is then again one of which not everything is here: a LazyResult.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "cache/remote_index.h"
#include "graph/definition.h"
#include "ops/skeleton_input.h"
#include "ops/source_runner.h"
#include "solver/op_runner.h"
#include "source/blob_origin.h"
#include "source/image_unpacker.h"
#include "source/skeleton_unpacker.h"

namespace slipway::cli {

// A result with layers that are only known by name: those of a remote cache or an image, and above
// them what this build has made.
struct NamedStack {
  std::shared_ptr<const cache::RemoteLayers> base;  // co-owned with the result
  bool cached = true;                               // it is a cache's
  std::vector<store::SnapshotId> own;               // bottom up; of each only its own layer counts
};

class RemoteResults final : public solver::OpRunner {
 public:
  // All outlive it.
  RemoteResults(solver::OpRunner& runner, const ops::SourceRunner& sources,
                cache::RemoteIndex& index, source::ImageUnpacker& unpacker, store::Store& store)
      : runner_(runner),
        sources_(sources),
        index_(index),
        unpacker_(unpacker),
        store_(store),
        skeletons_(store) {}

  // A definition that is going to be solved: tells which of its images no step reads. Thread-safe.
  void watch(const graph::Definition& definition);

  // Where the layers of the next source of the index lie; `reference` when it is a registry. In the
  // order of RemoteIndex::add_source().
  void add_origin(std::shared_ptr<source::BlobOrigin> origin, std::optional<Reference> reference);

  // nullopt for a result that is here as a whole.
  static std::optional<NamedStack> named_stack_of(const solver::StepResult& result);
  // The result with its files; one that has them already is returned as it is. Each is fetched
  // once.
  Result<solver::StepResult> fetch(const solver::StepResult& result,
                                   progress::VertexReporter& reporter, std::stop_token stop);
  // Only brings the layers, and their skeletons, into the content store.
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
  using Results = std::vector<solver::StepResult>;
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
  std::shared_ptr<Fetched> fetched(const solver::StepResult& result);
  Result<solver::StepResult> unpack(const cache::RemoteLayers& layers, bool cached,
                                    progress::VertexReporter& reporter, std::stop_token stop);
  Result<solver::StepResult> stack_up(const solver::StepResult& base, store::SnapshotId own);
  std::string lazy_id();
  solver::StepResult put_on(const solver::StepResult& base, store::SnapshotId own,
                            std::shared_ptr<const void> pin);

  Result<bool> is_here(const solver::StepResult& result);
  // nullptr: its files are here, or its layers have no skeletons.
  Result<std::shared_ptr<const ops::SkeletonStack>> skeleton(const solver::StepResult& result,
                                                             std::stop_token stop);
  // An image that only its layers' names are needed of; nullopt: its files are, or they are here.
  Result<std::optional<Results>> name_image(const solver::StepContext& context);
  // A file operation, and a merge, without the files that they build on; nullopt: they are needed.
  Result<std::optional<Results>> run_on_skeleton(const solver::StepContext& context,
                                                 const Results& inputs);
  Result<std::optional<Results>> merge_lazily(const solver::StepContext& context,
                                              const Results& inputs);
  Result<Results> fetch_all(const solver::StepContext& context, const Results& inputs,
                            std::optional<size_t> but = {});

  solver::OpRunner& runner_;
  const ops::SourceRunner& sources_;
  cache::RemoteIndex& index_;
  source::ImageUnpacker& unpacker_;
  store::Store& store_;
  source::SkeletonUnpacker skeletons_;
  Guarded<std::vector<Origin>> origins_;
  // By result; co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Fetched>>> fetched_;
  std::atomic<size_t> lazy_results_ = 0;
  // By the digest of its vertex, whether every definition leaves a source unread.
  Guarded<std::map<Digest, bool>> unread_;
};

}  // namespace slipway::cli
