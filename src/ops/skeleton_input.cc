#include "ops/skeleton_input.h"

#include <utility>

namespace slipway::ops {
namespace {

constexpr char kId[] = "skeleton:";

}  // namespace

solver::StepResult skeleton_result(std::shared_ptr<const SkeletonStack> stack) {
  return {kId, std::move(stack)};
}

std::shared_ptr<const SkeletonStack> skeleton_of_result(const solver::StepResult& result) {
  if (result.id != kId) return nullptr;
  return std::static_pointer_cast<const SkeletonStack>(result.keep_alive);
}

std::optional<size_t> input_by_skeleton(const graph::FileOp& op, size_t input_count) {
  const auto inputs = static_cast<int64_t>(input_count);
  if (op.actions.empty()) return std::nullopt;
  const int64_t base = op.actions.front().input;
  if (base < 0 || base >= inputs) return std::nullopt;
  for (size_t i = 0; i < op.actions.size(); ++i) {
    const graph::FileAction& action = op.actions[i];
    const auto previous = inputs + static_cast<int64_t>(i) - 1;
    if (action.input != (i == 0 ? base : previous)) return std::nullopt;
    const bool last = i + 1 == op.actions.size();
    if ((action.output == 0) != last || (!last && action.output != graph::kNone)) {
      return std::nullopt;
    }
    // What is read must be whole: not the base, and nothing that stands on it.
    if (action.secondary_input == base || action.secondary_input >= inputs) return std::nullopt;
    const auto* copy = std::get_if<graph::FileCopy>(&action.action);
    // Hard links of an archive may lead to files that are there.
    if (copy != nullptr && copy->attempt_unpack) return std::nullopt;
  }
  return static_cast<size_t>(base);
}

}  // namespace slipway::ops
