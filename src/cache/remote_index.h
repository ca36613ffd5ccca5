// RemoteIndex: the local index first, then remote caches, in the order in which they were given.
//
// A result that is found in a remote cache is its layers' names: nothing is fetched before somebody
// needs the files (cli/remote_results). It also keeps how the steps of the build got their keys,
// for the export of caches.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"
#include "cache/key_graph.h"
#include "solver/cache_index.h"

namespace slipway::cache {

// What a step's result is while its layers are only known by name.
struct RemoteLayers {
  size_t source = 0;  // the number of the source: how many were added before it
  LayerStack stack;
};

// nullptr when the result is of another kind.
std::shared_ptr<const RemoteLayers> remote_layers_of(const solver::StepResult& result);

// Results with this prefix are of this process alone: they stand on one that was found remotely,
// whose files are not here (cli/remote_results). The local index learns of them in keep().
inline constexpr std::string_view kLazyPrefix = "lazy:";
bool is_lazy(const solver::StepResult& result);

// What the build learnt of a step, by its identity.
struct SolvedStep {
  std::vector<solver::KeyParts> keys;         // every way in which it was asked for
  std::optional<solver::CacheRecord> record;  // it was found
  std::vector<solver::StepResult> results;    // it has run
  // More records that its inputs are known by (KeyGraph), by the number of the input: what was read
  // of them when the step was first run.
  std::set<std::pair<size_t, Digest>> read_records;
};

class RemoteIndex : public solver::CacheIndex {
 public:
  // `local` outlives it.
  explicit RemoteIndex(solver::CacheIndex& local) : local_(local) {}

  // One more source to ask, before anything is solved.
  void add_source(std::vector<KeyGraph> caches);

  Result<std::optional<solver::CacheRecord>> query(const solver::KeyWithIngredients& key) override;
  Result<std::optional<std::vector<solver::StepResult>>> load(
      const solver::CacheRecord& record) override;
  Result<std::vector<solver::KeyIngredient>> ingredients(
      const solver::CacheRecord& record) override;
  Status save(const solver::NewRecord& record) override;
  Status add_key(const solver::CacheRecord& record, const solver::CacheKey& key) override;
  Result<std::unique_ptr<solver::RunClaim>> claim(const solver::CacheKey& key,
                                                  std::stop_token stop) override;

  // The files of a result that was found remotely, or of a lazy one, are here now, as `here`: the
  // local index keeps them, so the next build finds them without the remote cache.
  Status keep(const solver::StepResult& result, const solver::StepResult& here);

  // nullopt when no step has this identity.
  Result<std::optional<SolvedStep>> solved_step(const Digest& identity);

 private:
  // One remote cache, and the records of it that the steps of this build stand for.
  struct Cache {
    size_t source;
    KeyGraph graph;
    std::unordered_map<std::string, KeyGraph::Items> items;  // by identity
  };
  // A step that was found remotely.
  struct Found {
    solver::CacheRecord record;
    solver::NewRecord local;  // what keep() saves
    std::shared_ptr<const RemoteLayers> layers;
  };
  struct State {
    size_t sources = 0;
    std::vector<Cache> caches;
    std::vector<std::shared_ptr<Found>> found;                // by number
    std::unordered_map<std::string, size_t> found_by_key;     // key -> number
    std::unordered_map<std::string, SolvedStep> steps;        // by identity
    std::unordered_map<std::string, solver::NewRecord> lazy;  // by result
  };
  static void note_key(State& state, const Digest& identity, const solver::KeyParts& key);
  // The remote results of a step with this key, in the order of the sources: the first.
  static std::optional<RemoteLayers> find_remote(State& state,
                                                 const solver::KeyWithIngredients& key,
                                                 const std::optional<Digest>& identity);
  std::shared_ptr<Found> found_by_id(std::string_view id);

  solver::CacheIndex& local_;
  Guarded<State> state_;
};

}  // namespace slipway::cache
