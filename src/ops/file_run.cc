#include "ops/file_run.h"

#include <map>

#include "ops/copy_links.h"
#include "ops/file_actions.h"
#include "ops/file_copy.h"
#include "ops/file_owner.h"
#include "ops/file_target.h"
#include "ops/link_claims.h"
#include "ops/skeleton_input.h"
#include "source/file_tree.h"
#include "store/root_attributes.h"

namespace slipway::ops {
namespace {

using store::ActiveSnapshot;
using store::SnapshotId;

timespec to_timespec(int64_t nanoseconds) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t rest = (nanoseconds % kSecond + kSecond) % kSecond;
  return {(nanoseconds - rest) / kSecond, rest};
}

struct stat to_stat(const source::FileAttributes& attributes) {
  struct stat info{};
  info.st_mode = attributes.mode;
  info.st_uid = attributes.uid;
  info.st_gid = attributes.gid;
  info.st_nlink = attributes.links;
  info.st_size = static_cast<off_t>(attributes.size);
  info.st_dev = attributes.device;
  info.st_ino = attributes.inode;
  info.st_rdev = attributes.rdev;
  info.st_mtim = to_timespec(attributes.mtime);
  info.st_ctim = to_timespec(attributes.ctime);
  return info;
}

// A build context as a tree: what it leaves out is not there, and files that changed since it was
// read are noticed.
Result<Tree> open_context(const std::shared_ptr<source::FileTree>& context) {
  TreeRules rules;
  rules.overlay = false;
  rules.plain_owner = true;
  rules.listing = [context](const std::string& path) -> Result<std::vector<KnownEntry>> {
    std::vector<KnownEntry> entries;
    for (source::NamedEntry& entry : TRY(context->directory(path.empty() ? "" : "/" + path))) {
      entries.push_back({std::move(entry.name), to_stat(entry.attributes), entry.digest});
    }
    return entries;
  };
  return Tree::open_directory(context->root(), std::move(rules));
}

// What stands behind an index: an input of the vertex or the result of an action. A result is
// either still being written to (target) or committed (snapshot).
struct Slot {
  std::optional<SnapshotId> snapshot;
  std::shared_ptr<const void> pin;  // of a snapshot that we committed; co-owned with the results
  std::shared_ptr<source::FileTree> context;
  std::shared_ptr<const SkeletonStack> skeleton;
  std::unique_ptr<ActiveSnapshot> active;
  std::optional<FileTarget> target;
  std::unique_ptr<LinkClaims> claims;  // of active
  std::optional<Tree> tree;            // for reading; opened when somebody looks
};

class FileRun {
 public:
  FileRun(const graph::FileOp& op, const std::vector<FileInput>& inputs,
          const FileRunOptions& options, std::stop_token stop)
      : op_(op), inputs_(inputs.size()), options_(options), stop_(std::move(stop)) {
    slots_.resize(inputs.size() + op.actions.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      slots_[i].context = inputs[i].context;
      slots_[i].skeleton = inputs[i].skeleton;
      if (!inputs[i].context && !inputs[i].skeleton) slots_[i].snapshot = inputs[i].snapshot;
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
      slot.claims = std::move(previous.claims);
      previous.target.reset();
    } else {
      TRY(start(action.input, slot));
    }
    return std::visit([&](const auto& a) { return apply(a, action, slot); }, action.action);
  }

  // A new snapshot on top of what `input` is.
  Status start(int64_t input, Slot& slot) {
    SnapshotId parent;
    std::shared_ptr<source::FileTree> context;
    if (input != graph::kNone) {
      Slot& base = slots_[static_cast<size_t>(input)];
      if (base.skeleton) return start_on(*base.skeleton, slot);
      TRY(commit(base));
      context = base.context;
      if (!context) parent = *base.snapshot;
    }
    slot.active = TRY(options_.store.snapshotter().prepare(parent));
    slot.target = TRY(FileTarget::open(slot.active->layers(), options_.user_xattrs));
    slot.claims = std::make_unique<LinkClaims>(options_.store, parent);
    if (!context) return {};
    // Starting from a context: its files become the first layer.
    graph::FileCopy everything;
    everything.src = everything.dest = "/";
    everything.dir_copy_contents = everything.create_dest_path = true;
    return copy_files(everything, {}, *TRY(tree_of(input)), *slot.target, options_.pool,
                      {slot.claims.get(), options_.links}, stop_);
  }

  // A new snapshot that has what comes on top of a skeleton.
  Status start_on(const SkeletonStack& skeleton, Slot& slot) {
    slot.active = TRY(options_.store.snapshotter().prepare(SnapshotId()));
    store::OverlayLayers layers = slot.active->layers();
    layers.lower = skeleton.layers;
    TRY(store::copy_root_attributes(layers.lower.front(), layers.upper));
    slot.target = TRY(FileTarget::open(layers, options_.user_xattrs));
    // Whoever puts the layer on the whole file system looks what that has.
    slot.claims = std::make_unique<LinkClaims>(options_.store, SnapshotId());
    return {};
  }

  Status commit(Slot& slot) {
    if (!slot.target) return {};
    TRY(slot.target->finish());
    slot.target.reset();
    if (options_.links != nullptr) TRY(options_.links->write(slot.active->layers().upper));
    TRY(slot.claims->save(slot.active->id()));
    const SnapshotId id = TRY(slot.active->commit());
    // The active snapshot keeps it pinned until the pin of our own is there.
    slot.pin = TRY(options_.store.snapshotter().pin(id));
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
    store::OverlayLayers layers;
    if (slot.skeleton) {
      layers.lower = slot.skeleton->layers;
    } else if (!slot.snapshot) {
      return invalid("an action is used before it ran");
    }
    TreeRules rules;
    rules.user_xattrs = options_.user_xattrs;
    if (!slot.skeleton && !slot.snapshot->is_scratch()) {
      layers = TRY(options_.store.snapshotter().view(*slot.snapshot));
      rules.snapshots = TRY(options_.store.snapshotter().ancestry(*slot.snapshot));
    }
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

  Status apply(const graph::FileCopy& copy, const graph::FileAction& action, Slot& slot) {
    const std::optional<Owner> owner = TRY(owner_of(copy.owner, action, *slot.target));
    const auto copy_from = [&](const Tree& source) {
      return copy_files(copy, owner, source, *slot.target, options_.pool,
                        {slot.claims.get(), options_.links}, stop_);
    };
    if (action.secondary_input != graph::kNone) {
      return copy_from(*TRY(tree_of(action.secondary_input)));
    }
    const Tree nothing = TRY(Tree::open({}, {}));
    return copy_from(nothing);
  }
  Status apply(const graph::FileMkfile& file, const graph::FileAction& action, Slot& slot) {
    return make_file(file, TRY(owner_of(file.owner, action, *slot.target)), *slot.target);
  }
  Status apply(const graph::FileMkdir& directory, const graph::FileAction& action, Slot& slot) {
    return make_directory(directory, TRY(owner_of(directory.owner, action, *slot.target)),
                          *slot.target);
  }
  Status apply(const graph::FileSymlink& link, const graph::FileAction& action, Slot& slot) {
    return make_symlink(link, TRY(owner_of(link.owner, action, *slot.target)), *slot.target);
  }
  Status apply(const graph::FileRm& rm, const graph::FileAction&, Slot& slot) {
    return remove_path(rm, *slot.target);
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
