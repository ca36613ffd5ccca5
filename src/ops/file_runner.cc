#include "ops/file_runner.h"

#include <algorithm>

#include "base/check.h"
#include "base/pattern_matcher.h"
#include "base/text.h"
#include "ops/copy_links.h"
#include "ops/file_keys.h"
#include "ops/file_run.h"
#include "ops/skeleton_input.h"
#include "source/file_tree.h"
#include "source/snapshot_tree.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

const graph::FileOp& op_of(const solver::StepContext& context) {
  const auto* op = std::get_if<graph::FileOp>(&context.vertex.op);
  CHECK(op != nullptr);
  return *op;
}

source::Selection selection_of(const FileSelector& selector) {
  source::Selection selection;
  selection.path = clean_path("/" + selector.path);
  selection.wildcard = selector.wildcard;
  selection.follow_links = selector.follow_links;
  selection.include_patterns = selector.include_patterns;
  selection.exclude_patterns = selector.exclude_patterns;
  selection.required_paths = selector.required_paths;
  return selection;
}

// What the copies of one instruction, from one context, are known by: whose files are likely to be
// the same.
Result<std::string> name_of_copy(const graph::FileOp& op,
                                 const std::vector<solver::StepResult>& inputs) {
  std::string name = TRY(file_cache_map(op, inputs.size())).digest.str();
  for (const solver::StepResult& input : inputs) {
    if (!store::snapshot_of_result(input.id) && !skeleton_of_result(input)) name += " " + input.id;
  }
  return name;
}

// What an earlier copy of that name left to link to.
struct EarlierCopy {
  std::shared_ptr<const void> pin;  // of its snapshot; co-owned with nobody
  std::unique_ptr<CopyLinks> links;
};

Result<EarlierCopy> find_earlier_copy(store::Store& store, const std::string& name) {
  EarlierCopy earlier;
  const std::optional<store::SnapshotId> id = TRY(store.layers().find_latest_copy(name));
  if (id) {
    std::optional<std::shared_ptr<const void>> pin = TRY(store.snapshotter().try_pin(*id));
    if (pin) {
      earlier.pin = *std::move(pin);
      earlier.links = TRY(CopyLinks::open(*id, store.snapshotter().directory(*id)));
      return earlier;
    }
  }
  earlier.links = std::make_unique<CopyLinks>();
  return earlier;
}

}  // namespace

Result<solver::CacheMap> FileRunner::cache_map(const solver::StepContext& context) {
  return file_cache_map(op_of(context), context.vertex.inputs.size());
}

Result<Digest> FileRunner::content_digest(const solver::StepContext& context, size_t index,
                                          const solver::StepResult& input) {
  const auto selectors = file_selectors(op_of(context), context.vertex.inputs.size());
  const auto found = selectors.find(index);
  CHECK(found != selectors.end());
  const std::shared_ptr<source::FileTree> local = contexts_.find_result(input.id);
  const std::optional<store::SnapshotId> snapshot = store::snapshot_of_result(input.id);
  if (!local && !snapshot) {
    return make_error(ErrorCode::Internal, "file operation: unknown input \"{}\"", input.id);
  }
  std::vector<std::string> digests;
  for (const FileSelector& selector : without_covered(found->second)) {
    const source::Selection selection = selection_of(selector);
    Result<Digest> digest =
        local ? local->digest(selection, context.stop)
              : source::snapshot_digest(store_, *snapshot, selection, &pool_, context.stop);
    if (!digest && local && local->is_ignored(selection.path)) {
      return std::move(digest).error().with_hint(selection.path.substr(1) +
                                                 " is there, but .dockerignore excludes it");
    }
    digests.push_back(TRY(std::move(digest)).str());
  }
  return Digest::sha256_of(join(digests, std::string_view("\0", 1)));
}

Result<std::vector<solver::StepResult>> FileRunner::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  std::vector<FileInput> file_inputs;
  for (const solver::StepResult& input : inputs) {
    FileInput file_input;
    file_input.context = contexts_.find_result(input.id);
    file_input.skeleton = skeleton_of_result(input);
    if (!file_input.context && !file_input.skeleton) {
      const std::optional<store::SnapshotId> id = store::snapshot_of_result(input.id);
      if (!id) {
        return make_error(ErrorCode::Internal, "file operation: unknown input \"{}\"", input.id);
      }
      file_input.snapshot = *id;
    }
    file_inputs.push_back(std::move(file_input));
  }
  const graph::FileOp& op = op_of(context);
  FileRunOptions options{store_, pool_, rootless_};
  const bool linkable = copies_only(op) && std::ranges::any_of(file_inputs, [](const FileInput& i) {
                          return i.context != nullptr;
                        });
  std::string name;
  EarlierCopy earlier;
  if (linkable) {
    name = TRY(name_of_copy(op, inputs));
    earlier = TRY(find_earlier_copy(store_, name));
    options.links = earlier.links.get();
  }
  std::vector<FileOutput> outputs = TRY(run_file_op(op, file_inputs, options, context.stop));
  if (linkable) TRY(store_.layers().set_latest_copy(name, outputs.front().snapshot));
  std::vector<solver::StepResult> results;
  for (FileOutput& output : outputs) {
    results.push_back({store::to_result_id(output.snapshot), std::move(output.pin)});
  }
  return results;
}

}  // namespace slipway::ops
