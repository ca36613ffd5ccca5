// Step: the state of one vertex while somebody wants it. Touched by the scheduler's owner thread
// only.
//
// docs/solver.md has the picture of the states. The rule behind them: never do for a step what
// nobody has asked for. A step is asked for one of three things (Want), each dearer than the one
// before.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <vector>

#include "graph/definition.h"
#include "solver/cache_index.h"
#include "solver/fan_out.h"
#include "solver/op_runner.h"

namespace slipway::solver {

enum class Want {
  Nothing,
  Identity,       // a name for its result to look further with; may still change
  FinalIdentity,  // the name that will not change; may need the content of its inputs
  Result,         // the results themselves: loaded or run
};

enum class State {
  Idle,
  Mapping,               // worker: OpRunner::cache_map
  AwaitingInputKeys,     // until every input has an identity
  QueryingDefinition,    // worker: CacheIndex::query
  Missed,                // not found by definition; the identity may still change
  AwaitingFinalInputs,   // until every input's identity is final
  AwaitingContent,       // until the inputs that are read by content have results
  Digesting,             // worker: OpRunner::content_digest, then CacheIndex::query
  Unmatched,             // not found by any key: must run when its result is wanted
  AwaitingInputResults,  // until every input has results
  AwaitingTwin,          // another step with the same key is running in this process
  Claiming,              // worker: CacheIndex::claim, then query again
  Running,               // worker: OpRunner::run, then CacheIndex::save
  Found,                 // a record is known, nothing is loaded
  Loading,               // worker: CacheIndex::load
  Done,
  Failed,
};

std::string_view to_string(State state);

struct Step;

struct StepInput {
  std::shared_ptr<Step> step;  // co-owned by the scheduler's table and by the steps that use it
  int64_t output = 0;
};

struct Step : std::enable_shared_from_this<Step> {
  // A copy: the job whose definition it came from may end before this step does.
  graph::Vertex vertex;
  std::vector<StepInput> inputs;
  std::vector<Step*>
      dependents;           // steps that have this one as an input; each keeps itself in this list
  std::set<uint64_t> jobs;  // who wants it; empty: on its way out

  State state = State::Idle;
  Want wanted = Want::Nothing;
  bool mapped = false;
  CacheMap map;
  // The identities of the inputs that `definition_key` was made of.
  std::vector<Digest> input_identities;
  KeyWithIngredients definition_key;
  std::optional<KeyWithIngredients> content_key;
  Digest identity;  // see cache_key.h; empty while unknown
  // Its definition key can't be found in another build (CacheMap::unique, here or in an input).
  bool unique = false;
  std::optional<CacheRecord> record;
  bool record_lost = false;  // load() said the record's results are gone: run, whatever is found
  std::vector<StepResult> results;
  std::unique_ptr<RunClaim> claim;
  std::optional<Error> error;

  std::shared_ptr<FanOut> progress = std::make_shared<FanOut>();  // co-owned by running workers
  std::optional<progress::Time> started;
  std::stop_source stop;

  bool has_identity() const;
  bool is_final() const;
  bool is_busy() const;  // a worker holds it
  bool has_ended() const { return state == State::Done || state == State::Failed; }
  // The dearest key: what it is run under.
  const KeyWithIngredients& best_key() const { return content_key ? *content_key : definition_key; }
};

}  // namespace slipway::solver
