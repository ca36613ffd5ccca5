// LocalIndex: the CacheIndex of this machine's store, shared by all its processes.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/guarded.h"
#include "solver/cache_index.h"
#include "store/store.h"

namespace slipway::cache {

class LocalIndex : public solver::CacheIndex {
 public:
  // `build`: the reference of the running build, kept with the records it makes. `store` must
  // outlive the index.
  LocalIndex(store::Store& store, std::string build);
  // flush(), without a report.
  ~LocalIndex() override;

  Result<std::optional<solver::CacheRecord>> query(const solver::KeyWithIngredients& key) override;
  // Pins the snapshots of the results for as long as the results live.
  Result<std::optional<std::vector<solver::StepResult>>> load(
      const solver::CacheRecord& record) override;
  Result<std::vector<solver::KeyIngredient>> ingredients(
      const solver::CacheRecord& record) override;
  Status save(const solver::NewRecord& record) override;
  Status add_key(const solver::CacheRecord& record, const solver::CacheKey& key) override;
  Result<std::unique_ptr<solver::RunClaim>> claim(const solver::CacheKey& key,
                                                  std::stop_token stop) override;

  // Writes down which records were used (for du and for the order of prune), all at once: a build
  // that changes nothing writes once.
  Status flush();

 private:
  Status drop(int64_t record);

  store::Store& store_;
  const std::string build_;
  Guarded<std::unordered_map<int64_t, int64_t>> used_;  // record -> times since the last flush
};

}  // namespace slipway::cache
