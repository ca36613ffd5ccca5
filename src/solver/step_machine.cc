// The states, their meaning and the reasons are in docs/solver.md; change both together.
#include "solver/step_machine.h"

#include <algorithm>
#include <random>

#include <fmt/core.h>

#include "base/check.h"

namespace slipway::solver {
namespace {

// A name that no other run of the step has: what is built on a step that was run on purpose
// (--no-cache) must not be found by what was built on an older run of it.
Digest fresh_identity(const Digest& definition) {
  std::random_device random;
  return Digest::sha256_of(
      fmt::format("{} run {:x}{:x}{:x}", definition.str(), random(), random(), random()));
}

}  // namespace

// --- the table
// ------------------------------------------------------------------------------------

void StepMachine::advance(Step& step) {
  switch (step.state) {
    case State::Idle:
      if (step.wanted < Want::Identity) return;
      want_inputs(step, Want::Identity);
      return start_mapping(step);
    case State::AwaitingInputKeys:
      if (failed_by_input(step)) return;
      if (!std::ranges::all_of(step.inputs, [](auto& i) { return i.step->has_identity(); })) return;
      make_definition_key(step);
      if (may_look_up(step) && !step.unique) return start_definition_query(step);
      return move_to(step, State::Missed);
    case State::Missed:
      if (step.wanted < Want::FinalIdentity) return;
      want_inputs(step, Want::FinalIdentity);
      return move_to(step, State::AwaitingFinalInputs);
    case State::AwaitingFinalInputs:
      if (failed_by_input(step)) return;
      if (!std::ranges::all_of(step.inputs, [](auto& i) { return i.step->is_final(); })) return;
      return after_final_inputs(step);
    case State::AwaitingContent:
      if (failed_by_input(step)) return;
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        if (step.map.inputs[i].by_content && step.inputs[i].step->state != State::Done) return;
      }
      return start_digesting(step);
    case State::Unmatched:
      if (step.wanted < Want::Result) return;
      want_inputs(step, Want::Result);
      return move_to(step, State::AwaitingInputResults);
    case State::AwaitingInputResults:
      if (failed_by_input(step)) return;
      if (!std::ranges::all_of(step.inputs, [](auto& i) { return i.step->state == State::Done; })) {
        return;
      }
      return claim_or_wait(step);
    case State::Found:
      if (step.wanted < Want::Result) return;
      return start_loading(step);
    case State::Mapping:
    case State::QueryingDefinition:
    case State::Digesting:
    case State::AwaitingTwin:
    case State::Claiming:
    case State::Running:
    case State::Loading:
    case State::Done:
    case State::Failed:
      return;  // a worker or a twin moves it on, or nothing does
  }
}

void StepMachine::settle() {
  while (!touched_.empty()) {
    const std::shared_ptr<Step> step = std::move(touched_.front());
    touched_.pop_front();
    if (!step->jobs.empty()) advance(*step);
  }
  if (on_settled) on_settled();
}

void StepMachine::want(Step& step, Want want) {
  if (want <= step.wanted) return;
  step.wanted = want;
  touch(step);
}

void StepMachine::want_inputs(Step& step, Want want) {
  for (const StepInput& input : step.inputs) this->want(*input.step, want);
}

void StepMachine::touch(Step& step) {
  touched_.push_back(step.shared_from_this());
}

void StepMachine::touch_dependents(Step& step) {
  for (Step* dependent : step.dependents) touch(*dependent);
}

void StepMachine::move_to(Step& step, State state) {
  step.state = state;
  touch(step);
  touch_dependents(step);
}

bool StepMachine::failed_by_input(Step& step) {
  for (const StepInput& input : step.inputs) {
    if (input.step->state != State::Failed) continue;
    release_key(step);
    step.error = *input.step->error;
    move_to(step, State::Failed);
    return true;
  }
  return false;
}

// --- keys
// -----------------------------------------------------------------------------------------

bool StepMachine::may_look_up(const Step& step) const {
  return !step.vertex.metadata.ignore_cache && !step.record_lost;
}

std::vector<Digest> StepMachine::input_identities(const Step& step) const {
  std::vector<Digest> identities;
  for (const StepInput& input : step.inputs) {
    identities.push_back(output_identity(input.step->identity, input.output));
  }
  return identities;
}

void StepMachine::make_definition_key(Step& step) {
  step.input_identities = input_identities(step);
  step.definition_key = make_key(KeyTier::Definition, step.map, step.input_identities);
  step.definition_key.step = step.vertex.name();
  step.unique = step.map.unique || std::ranges::any_of(step.inputs, [](const StepInput& input) {
                  return input.step->unique;
                });
  if (step.record_lost) return;  // later steps have used its identity already
  const Digest& definition = step.definition_key.key.digest;
  step.identity = step.vertex.metadata.ignore_cache ? fresh_identity(definition) : definition;
}

void StepMachine::after_final_inputs(Step& step) {
  // Inputs found by content have taken the identity of an older record: look again under that.
  if (input_identities(step) != step.input_identities) {
    return move_to(step, State::AwaitingInputKeys);
  }
  bool by_content = false;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (!step.map.inputs[i].by_content) continue;
    by_content = true;
    want(*step.inputs[i].step, Want::Result);
  }
  move_to(step, by_content ? State::AwaitingContent : State::Unmatched);
}

// --- work
// -----------------------------------------------------------------------------------------

template <typename Work, typename Then>
void StepMachine::start(Workers::Kind kind, Step& step, Work work, Then then) {
  // The step is kept by its work: it may be abandoned meanwhile.
  const std::shared_ptr<Step> kept = step.shared_from_this();
  workers_.start(
      kind,
      [kept, work = std::move(work)]() mutable {
        progress::VertexReporter reporter(*kept->progress, kept->vertex.digest);
        const StepContext context{kept->vertex, reporter, kept->stop.get_token()};
        return work(context);
      },
      [this, kept, then = std::move(then)](auto value) mutable {
        if (kept->jobs.empty()) {
          fail(*kept, make_error(ErrorCode::Cancelled, "cancelled"));
        } else if (!value.has_value()) {
          fail(*kept, std::move(value).error());
        } else {
          then(*kept, *std::move(value));
        }
        settle();
      });
}

void StepMachine::start_mapping(Step& step) {
  step.state = State::Mapping;
  start(
      Workers::Kind::Ask, step,
      [this](const StepContext& context) { return runner_.cache_map(context); },
      [this](Step& done, CacheMap map) {
        CHECK(map.inputs.size() == done.inputs.size());
        done.map = std::move(map);
        move_to(done, State::AwaitingInputKeys);
      });
}

void StepMachine::start_definition_query(Step& step) {
  step.state = State::QueryingDefinition;
  start(
      Workers::Kind::Ask, step,
      [this, key = step.definition_key](const StepContext&) { return cache_.query(key); },
      [this](Step& done, std::optional<CacheRecord> record) {
        if (record) return found(done, *std::move(record));
        move_to(done, State::Missed);
      });
}

void StepMachine::start_digesting(Step& step) {
  step.state = State::Digesting;
  struct Outcome {
    KeyWithIngredients key;
    std::optional<CacheRecord> record;
  };
  std::vector<StepResult> inputs(step.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const StepInput& input = step.inputs[i];
    if (step.map.inputs[i].by_content) {
      inputs[i] = input.step->results.at(static_cast<size_t>(input.output));
    }
  }
  const bool look_up = may_look_up(step);
  const bool keep_definition = look_up && !step.unique;
  start(
      Workers::Kind::Ask, step,
      [this, inputs = std::move(inputs), map = step.map, identities = step.input_identities,
       definition = step.definition_key.key, look_up,
       keep_definition](const StepContext& context) mutable -> Result<Outcome> {
        std::vector<Digest> contents(inputs.size());
        for (size_t i = 0; i < inputs.size(); ++i) {
          if (!map.inputs[i].by_content) continue;
          contents[i] = TRY(runner_.content_digest(context, i, inputs[i]));
        }
        Outcome outcome{make_key(KeyTier::Content, map, identities, contents), std::nullopt};
        outcome.key.step = context.vertex.name();
        if (!look_up) return outcome;
        outcome.record = TRY(cache_.query(outcome.key));
        if (outcome.record && keep_definition) {
          TRY(cache_.add_key(*outcome.record, definition));
        }
        return outcome;
      },
      [this](Step& done, Outcome outcome) {
        done.content_key = std::move(outcome.key);
        if (outcome.record) return found(done, *std::move(outcome.record));
        if (may_look_up(done)) done.identity = done.content_key->key.digest;
        done.unique = false;  // its content names it
        move_to(done, State::Unmatched);
      });
}

void StepMachine::claim_or_wait(Step& step) {
  const Digest key = step.best_key().key.digest;
  const auto [twin, first] = running_.emplace(key, &step);
  if (first) return start_claiming(step);
  twins_.emplace(key, step.shared_from_this());
  step.state = State::AwaitingTwin;
}

void StepMachine::start_claiming(Step& step) {
  // Nobody else can find what has no lasting key, and nobody's result will do for --no-cache.
  if (step.unique || !may_look_up(step)) return start_running(step);
  step.state = State::Claiming;
  struct Outcome {
    std::unique_ptr<RunClaim> claim;
    std::optional<CacheRecord> record;
  };
  start(
      Workers::Kind::Run, step,
      [this, key = step.best_key()](const StepContext& context) -> Result<Outcome> {
        Outcome outcome;
        outcome.claim = TRY(cache_.claim(key.key, context.stop));
        outcome.record = TRY(cache_.query(key));
        return outcome;
      },
      [this](Step& done, Outcome outcome) {
        if (outcome.record) return found(done, *std::move(outcome.record));
        done.claim = std::move(outcome.claim);
        start_running(done);
      });
}

void StepMachine::start_running(Step& step) {
  step.state = State::Running;
  announce(step, false, false);
  std::vector<StepResult> inputs;
  for (const StepInput& input : step.inputs) {
    inputs.push_back(input.step->results.at(static_cast<size_t>(input.output)));
  }
  NewRecord record;
  if (!step.unique) record.keys.push_back(step.definition_key.key);
  if (step.content_key) record.keys.push_back(step.content_key->key);
  record.parts = step.best_key().parts;
  record.identity = step.identity;
  record.description = step.vertex.name();
  record.ingredients = step.best_key().ingredients;
  start(
      Workers::Kind::Run, step,
      [this, inputs = std::move(inputs), record = std::move(record)](
          const StepContext& context) mutable -> Result<std::vector<StepResult>> {
        record.results = TRY(runner_.run(context, inputs));
        if (!record.keys.empty()) TRY(cache_.save(record));
        return std::move(record.results);
      },
      [this](Step& done, std::vector<StepResult> results) {
        announce(done, true, false);
        finish(done, std::move(results));
      });
}

void StepMachine::start_loading(Step& step) {
  step.state = State::Loading;
  start(
      Workers::Kind::Ask, step,
      [this, record = *step.record](const StepContext&) { return cache_.load(record); },
      [this](Step& done, std::optional<std::vector<StepResult>> results) {
        if (results) return finish(done, *std::move(results));
        done.record_lost = true;
        done.record.reset();
        move_to(done, State::Missed);
      });
}

// --- outcomes
// -------------------------------------------------------------------------------------

void StepMachine::found(Step& step, CacheRecord record) {
  release_key(step);
  step.identity = record.identity;
  step.unique = false;
  step.record = std::move(record);
  announce(step, true, true);
  move_to(step, State::Found);
}

void StepMachine::finish(Step& step, std::vector<StepResult> results) {
  release_key(step);
  step.results = std::move(results);
  move_to(step, State::Done);
}

void StepMachine::fail(Step& step, Error error) {
  release_key(step);
  const bool cancelled = error.code() == ErrorCode::Cancelled;
  // A step that was stopped before it ran has nothing to tell; one that failed always has.
  if (step.started || !cancelled) {
    progress::VertexEvent event = event_of(step.vertex);
    event.completed = std::chrono::system_clock::now();
    event.started = step.started.value_or(*event.completed);
    event.error = cancelled ? "context canceled" : error.message();
    step.progress->handle(event);
  }
  step.error = std::move(error);
  move_to(step, State::Failed);
}

// Lets the next step with the same key go on; it asks the cache again first.
void StepMachine::release_key(Step& step) {
  step.claim.reset();
  if (step.map.inputs.size() != step.inputs.size()) return;  // never mapped: has no key
  const Digest key = step.best_key().key.digest;
  const auto mine = running_.find(key);
  if (mine == running_.end() || mine->second != &step) return;
  running_.erase(mine);
  const auto [first, last] = twins_.equal_range(key);
  for (auto twin = first; twin != last; ++twin) {
    move_to(*twin->second, State::AwaitingInputResults);
  }
  twins_.erase(first, last);
}

void StepMachine::abandon(Step& step) {
  step.stop.request_stop();
  if (step.state != State::AwaitingTwin) return;
  std::erase_if(twins_, [&](const auto& twin) { return twin.second.get() == &step; });
}

void StepMachine::announce(Step& step, bool completed, bool cached) {
  const progress::Time now = std::chrono::system_clock::now();
  if (!step.started) step.started = now;
  progress::VertexEvent event = event_of(step.vertex);
  event.started = step.started;
  event.cached = cached;
  for (const StepInput& input : step.inputs) event.inputs.push_back(input.step->vertex.digest);
  if (completed) event.completed = now;
  step.progress->handle(event);
}

}  // namespace slipway::solver
