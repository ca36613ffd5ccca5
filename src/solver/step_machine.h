// StepMachine: how a step gets from state to state. advance() is the transition table; everything
// else starts one piece of work and says which state its outcome leads to.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "solver/step.h"
#include "solver/workers.h"

namespace slipway::solver {

// All members: owner thread only.
class StepMachine {
 public:
  StepMachine(OpRunner& runner, CacheIndex& cache, Workers& workers)
      : runner_(runner), cache_(cache), workers_(workers) {}

  // Asks for at least `want` of a step.
  void want(Step& step, Want want);
  // Moves every step that can move. Calls `on_change` once afterwards when set.
  void settle();
  // A step that nobody wants any more: tells its worker to stop.
  void abandon(Step& step);

  // Called after each settle(): the scheduler looks after its jobs there.
  std::function<void()> on_settled;

 private:
  void touch(Step& step);
  void touch_dependents(Step& step);
  // One transition, if one is possible now.
  void advance(Step& step);
  void move_to(Step& step, State state);

  // The conditions and actions of the table.
  bool failed_by_input(Step& step);
  void want_inputs(Step& step, Want want);
  void make_definition_key(Step& step);
  void after_final_inputs(Step& step);
  void claim_or_wait(Step& step);

  void start_mapping(Step& step);
  void start_definition_query(Step& step);
  void start_digesting(Step& step);
  void start_claiming(Step& step);
  void start_running(Step& step);
  void start_loading(Step& step);

  void found(Step& step, CacheRecord record);
  void finish(Step& step, std::vector<StepResult> results);
  void fail(Step& step, Error error);
  void release_key(Step& step);
  void announce(Step& step, bool completed, bool cached);

  // Starts `work` for `step`; `then` gets its value on the owner thread unless the step was
  // abandoned.
  template <typename Work, typename Then>
  void start(Workers::Kind kind, Step& step, Work work, Then then);

  bool may_look_up(const Step& step) const;
  std::vector<Digest> input_identities(const Step& step) const;

  OpRunner& runner_;
  CacheIndex& cache_;
  Workers& workers_;
  std::deque<std::shared_ptr<Step>> touched_;
  std::map<Digest, Step*> running_;                     // by the key they run under
  std::multimap<Digest, std::shared_ptr<Step>> twins_;  // AwaitingTwin, by the key they wait for
};

}  // namespace slipway::solver
