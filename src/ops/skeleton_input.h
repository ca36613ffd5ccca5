// Inputs of file operations of which only the skeleton is here (layer/skeleton.h): enough to build
// on, not to read from.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "graph/op.h"
#include "solver/op_runner.h"

namespace slipway::ops {

// A file system whose files have no content.
struct SkeletonStack {
  // In overlayfs's form, topmost first, at least one. The files of those above may be whole.
  std::vector<std::filesystem::path> layers;
  // What keeps the directories; co-owned with whoever made them.
  std::vector<std::shared_ptr<const void>> pins;
};

// As an input of FileRunner: its result is then one snapshot on scratch, which holds what the
// operation would have put on top of the whole file system.
solver::StepResult skeleton_result(std::shared_ptr<const SkeletonStack> stack);
// nullptr when it is something else.
std::shared_ptr<const SkeletonStack> skeleton_of_result(const solver::StepResult& result);

// The input that a file operation only builds on, so that its skeleton will do; nullopt when there
// is none: files are read of it, or the operation is not a chain of actions with one result.
std::optional<size_t> input_by_skeleton(const graph::FileOp& op, size_t input_count);

}  // namespace slipway::ops
