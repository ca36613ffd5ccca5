// Slipway's own rules on a checked target: with the files of its context, and what its steps cost
// in earlier builds.
#pragma once

#include "cli/planner.h"
#include "cli/step_times.h"

namespace slipway::cli {

// Adds the findings to the target's. A Dockerfile that cannot be read has none.
Status add_advice(CheckedTarget& target, const StepTimes& times);

}  // namespace slipway::cli
