#include "solver/step.h"

namespace slipway::solver {

std::string_view to_string(State state) {
  switch (state) {
    case State::Idle:
      return "idle";
    case State::Mapping:
      return "mapping";
    case State::AwaitingInputKeys:
      return "awaiting input keys";
    case State::QueryingDefinition:
      return "querying definition";
    case State::Missed:
      return "missed";
    case State::AwaitingFinalInputs:
      return "awaiting final inputs";
    case State::AwaitingContent:
      return "awaiting content";
    case State::Digesting:
      return "digesting";
    case State::Unmatched:
      return "unmatched";
    case State::AwaitingInputResults:
      return "awaiting input results";
    case State::AwaitingTwin:
      return "awaiting twin";
    case State::Claiming:
      return "claiming";
    case State::Running:
      return "running";
    case State::Found:
      return "found";
    case State::Loading:
      return "loading";
    case State::Done:
      return "done";
    case State::Failed:
      return "failed";
  }
  return "";
}

bool Step::is_final() const {
  switch (state) {
    case State::Idle:
    case State::Mapping:
    case State::AwaitingInputKeys:
    case State::QueryingDefinition:
    case State::Missed:
    case State::AwaitingFinalInputs:
    case State::AwaitingContent:
    case State::Digesting:
    case State::Failed:
      return false;
    case State::Unmatched:
    case State::AwaitingInputResults:
    case State::AwaitingTwin:
    case State::Claiming:
    case State::Running:
    case State::Found:
    case State::Loading:
    case State::Done:
      return true;
  }
  return false;
}

bool Step::has_identity() const {
  if (state == State::Failed) return false;
  return is_final() || state == State::Missed || state == State::AwaitingFinalInputs ||
         state == State::AwaitingContent || state == State::Digesting;
}

bool Step::is_busy() const {
  return state == State::Mapping || state == State::QueryingDefinition ||
         state == State::Digesting || state == State::Claiming || state == State::Running ||
         state == State::Loading;
}

}  // namespace slipway::solver
