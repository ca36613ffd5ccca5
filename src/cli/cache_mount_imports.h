// CacheMountImports: an OpRunner that brings cache mounts from remote caches here when a step is
// about to run that has none of its own, at the same time as the layers of its inputs, and passes
// everything on. A build that finds all its steps asks for nothing.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "cli/cache_mount_source.h"
#include "cli/cache_options.h"
#include "cli/remote_results.h"
#include "solver/op_runner.h"

namespace slipway::cli {

// The ids of the cache mounts of a vertex.
std::set<std::string> cache_mount_ids(const graph::Vertex& vertex);

class CacheMountImports final : public solver::OpRunner {
 public:
  // All outlive it.
  CacheMountImports(RemoteResults& results, store::Store& store, registry::Client& client)
      : results_(results), store_(store), client_(client) {}

  // A cache that may have cache mounts beside it; asked in the order given. Before anything is
  // solved.
  void add_source(const CacheSource& source) { places_.push_back(source); }

  // The ids that steps which really ran have used. Thread-safe.
  std::set<std::string> used();
  // What the sources have; asked once. A source that has none, or that cannot be read, is left out;
  // the latter with a warning. Thread-safe.
  const std::vector<CacheMountSource>& sources(progress::VertexReporter& reporter,
                                               std::stop_token stop);

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  // One id; `mutex` is held while it is imported.
  struct Import {
    std::mutex mutex;
    bool done = false;
  };
  Result<std::set<std::string>> absent(std::set<std::string> ids);
  void ensure(const std::string& id, progress::VertexReporter& reporter, std::stop_token stop);
  void import(const std::string& id, progress::VertexReporter& reporter, std::stop_token stop);
  Result<CacheMountSource> load(const CacheSource& place, std::stop_token stop);

  RemoteResults& results_;
  store::Store& store_;
  registry::Client& client_;
  std::vector<CacheSource> places_;
  Guarded<std::set<std::string>> used_;
  // Co-owned by the map and by the steps that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Import>>> imports_;
  std::mutex loading_;  // held while the sources are asked
  std::optional<std::vector<CacheMountSource>> sources_;
};

}  // namespace slipway::cli
