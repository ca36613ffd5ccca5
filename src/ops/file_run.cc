#include "ops/file_run.h"

#include <map>

#include "ops/copy_links.h"
#include "ops/file_actions.h"
#include "ops/file_copy.h"
#include "ops/file_owner.h"
#include "ops/file_target.h"
#include "source/file_tree.h"

namespace slipway::ops {
namespace {

using store::ActiveSnapshot;
using store::SnapshotId;

// A build context as a tree: what it leaves out is not there, and files that changed since it was
// read are noticed.
Result<Tree> open_context(const std::shared_ptr<source::FileTree>& context) {
  TreeRules rules;
  rules.overlay = false;
  rules.plain_owner = true;
  rules.known = [context](const std::string& path) -> Result<std::optional<KnownFile>> {
    const std::optional<source::FoundFile> found = TRY(context->find("/" + path, false));
    if (!found) return std::optional<KnownFile>();
    const source::FileAttributes& has = found->attributes;
    return std::optional(KnownFile{{has.inode, has.size, has.mtime, has.ctime}, found->digest});
  };
  return Tree::open_directory(context->root(), std::move(rules));
}

// What stands behind an index: an input of the vertex or the result of an action. A result is
// either still being written to (target) or committed (snapshot).
struct Slot {
  std::optional<SnapshotId> snapshot;
  std::shared_ptr<const void> pin;  // of a snapshot that we committed; co-owned with the results
  std::shared_ptr<source::FileTree> context;
  std::unique_ptr<ActiveSnapshot> active;
  std::optional<FileTarget> target;
  std::optional<Tree> tree;  // for reading; opened when somebody looks
};

class FileRun {
 public:
  FileRun(const graph::FileOp& op, const std::vector<FileInput>& inputs,
          const FileRunOptions& options, std::stop_token stop)
      : op_(op), inputs_(inputs.size()), options_(options), stop_(std::move(stop)) {
    slots_.resize(inputs.size() + op.actions.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      slots_[i].context = inputs[i].context;
      if (!inputs[i].context) slots_[i].snapshot = inputs[i].snapshot;
    }
  }

  Result<std::vector<FileOutput>> run() {
    TRY(check_indexes());
    for (size_t i = 0; i < op_.actions.size(); ++i) TRY(run_action(i));
    std::map<int64_t, FileOutput> outputs;
    for (size_t i = 0; i < op_.actions.size(); ++i) {
      if (op_.actions[i].output == graph::kNone) continue;
      Slot& slot = slots_[inputs_ + i];
      TRY(commit(slot));
      outputs[op_.actions[i].output] = {*slot.snapshot, slot.pin};
    }
    std::vector<FileOutput> result;
    for (auto& [index, output] : outputs) result.push_back(std::move(output));
    return result;
  }

 private:
  static Error invalid(std::string_view what) {
    return make_error(ErrorCode::InvalidInput, "file operation: {}", what);
  }

  // Actions may use inputs and earlier actions; outputs are 0, 1, ...
  Status check_indexes() const {
    std::map<int64_t, size_t> outputs;
    for (size_t i = 0; i < op_.actions.size(); ++i) {
      const graph::FileAction& action = op_.actions[i];
      const auto limit = static_cast<int64_t>(inputs_ + i);
      for (const int64_t index : {action.input, action.secondary_input}) {
        if (index < graph::kNone || index >= limit)
          return invalid("an input index is out of range");
      }
      if (action.output != graph::kNone && !outputs.emplace(action.output, i).second) {
        return invalid("two actions have the same output");
      }
    }
    if (outputs.empty()) return invalid("it has no output");
    if (outputs.begin()->first != 0 ||
        outputs.rbegin()->first != static_cast<int64_t>(outputs.size()) - 1) {
      return invalid("an output is missing");
    }
    return {};
  }

  // Whether action `i` may go on in the snapshot of its input: nobody else wants that state.
  bool may_continue(size_t i) const {
    const int64_t input = op_.actions[i].input;
    if (input < static_cast<int64_t>(inputs_)) return false;
    if (op_.actions[static_cast<size_t>(input) - inputs_].output != graph::kNone) return false;
    size_t uses = 0;
    for (const graph::FileAction& action : op_.actions) {
      uses += (action.input == input) + (action.secondary_input == input);
    }
    return uses == 1;
  }

  Status run_action(size_t i) {
    const graph::FileAction& action = op_.actions[i];
    Slot& slot = slots_[inputs_ + i];
    if (may_continue(i)) {
      Slot& previous = slots_[static_cast<size_t>(action.input)];
      slot.active = std::move(previous.active);
      slot.target = std::move(previous.target);
      previous.target.reset();
    } else {
      TRY(start(action.input, slot));
    }
    return std::visit([&](const auto& a) { return apply(a, action, *slot.target); }, action.action);
  }

  // A new snapshot on top of what `input` is.
  Status start(int64_t input, Slot& slot) {
    SnapshotId parent;
    std::shared_ptr<source::FileTree> context;
    if (input != graph::kNone) {
      Slot& base = slots_[static_cast<size_t>(input)];
      TRY(commit(base));
      context = base.context;
      if (!context) parent = *base.snapshot;
    }
    slot.active = TRY(options_.snapshotter.prepare(parent));
    slot.target = TRY(FileTarget::open(slot.active->layers(), options_.user_xattrs));
    if (!context) return {};
    // Starting from a context: its files become the first layer.
    graph::FileCopy everything;
    everything.src = everything.dest = "/";
    everything.dir_copy_contents = everything.create_dest_path = true;
    return copy_files(everything, {}, *TRY(tree_of(input)), *slot.target, options_.pool,
                      options_.links, stop_);
  }

  Status commit(Slot& slot) {
    if (!slot.target) return {};
    TRY(slot.target->finish());
    slot.target.reset();
    if (options_.links != nullptr) TRY(options_.links->write(slot.active->layers().upper));
    const SnapshotId id = TRY(slot.active->commit());
    // The active snapshot keeps it pinned until the pin of our own is there.
    slot.pin = TRY(options_.snapshotter.pin(id));
    slot.snapshot = id;
    slot.active.reset();
    return {};
  }

  // The tree behind an index, for reading.
  Result<const Tree*> tree_of(int64_t index) {
    if (index < 0 || index >= static_cast<int64_t>(slots_.size())) {
      return invalid("an input index is out of range");
    }
    Slot& slot = slots_[static_cast<size_t>(index)];
    if (slot.tree) return &*slot.tree;
    if (slot.context) {
      slot.tree = TRY(open_context(slot.context));
      return &*slot.tree;
    }
    TRY(commit(slot));
    if (!slot.snapshot) return invalid("an action is used before it ran");
    store::OverlayLayers layers;
    if (!slot.snapshot->is_scratch()) layers = TRY(options_.snapshotter.view(*slot.snapshot));
    TreeRules rules;
    rules.user_xattrs = options_.user_xattrs;
    slot.tree = TRY(Tree::open(layers, std::move(rules)));
    return &*slot.tree;
  }

  Result<std::optional<Owner>> owner_of(const std::optional<graph::ChownOpt>& chown,
                                        const graph::FileAction& action, const FileTarget& target) {
    return resolve_owner(chown, [&](int64_t input) -> Result<const Tree*> {
      // Names of the state that this action starts from: that is what the target shows.
      if (input == action.input) return &target.tree();
      return tree_of(input);
    });
  }

  Status apply(const graph::FileCopy& copy, const graph::FileAction& action, FileTarget& target) {
    const std::optional<Owner> owner = TRY(owner_of(copy.owner, action, target));
    if (action.secondary_input == graph::kNone) {
      const Tree nothing = TRY(Tree::open({}, {}));
      return copy_files(copy, owner, nothing, target, options_.pool, options_.links, stop_);
    }
    const Tree& source = *TRY(tree_of(action.secondary_input));
    return copy_files(copy, owner, source, target, options_.pool, options_.links, stop_);
  }
  Status apply(const graph::FileMkfile& file, const graph::FileAction& action, FileTarget& target) {
    return make_file(file, TRY(owner_of(file.owner, action, target)), target);
  }
  Status apply(const graph::FileMkdir& directory, const graph::FileAction& action,
               FileTarget& target) {
    return make_directory(directory, TRY(owner_of(directory.owner, action, target)), target);
  }
  Status apply(const graph::FileSymlink& link, const graph::FileAction& action,
               FileTarget& target) {
    return make_symlink(link, TRY(owner_of(link.owner, action, target)), target);
  }
  Status apply(const graph::FileRm& rm, const graph::FileAction&, FileTarget& target) {
    return remove_path(rm, target);
  }

  const graph::FileOp& op_;
  const size_t inputs_;
  const FileRunOptions& options_;
  const std::stop_token stop_;
  std::vector<Slot> slots_;
};

}  // namespace

bool copies_only(const graph::FileOp& op) {
  size_t outputs = 0;
  for (const graph::FileAction& action : op.actions) {
    outputs += action.output != graph::kNone;
    const auto* copy = std::get_if<graph::FileCopy>(&action.action);
    if (copy == nullptr || copy->attempt_unpack) return false;
  }
  return outputs == 1;
}

Result<std::vector<FileOutput>> run_file_op(const graph::FileOp& op,
                                            const std::vector<FileInput>& inputs,
                                            const FileRunOptions& options, std::stop_token stop) {
  return FileRun(op, inputs, options, std::move(stop)).run();
}

}  // namespace slipway::ops
