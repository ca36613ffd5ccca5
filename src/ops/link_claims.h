// LinkClaims: which files of committed layers may get another name in a new snapshot. docs/copy.md
// says why not all may.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "store/store.h"

namespace slipway::ops {

// For one active snapshot. Thread-safe.
class LinkClaims {
 public:
  // `parent`: what the snapshot stands on.
  LinkClaims(store::Store& store, store::SnapshotId parent) : store_(store), parent_(parent) {}

  // Whether this file, an own entry of `layer`, may be linked to. Says so once for each file, and
  // only where no layer of the stack has it, so that no two names that a step sees become one file.
  Result<bool> claim(store::SnapshotId layer, const struct stat& file);
  // Tells the store what was claimed. Call before the snapshot is committed.
  Status save(store::SnapshotId snapshot);

 private:
  struct Source {
    store::LinkFamilies families;
    bool in_stack = false;                     // the layer itself
    std::vector<store::SnapshotId> relatives;  // layers of the stack that may have the same files
  };
  struct State {
    std::map<store::SnapshotId, Source> sources;
    std::optional<std::vector<std::pair<store::SnapshotId, store::LinkFamilies>>> stack;
    std::set<store::SnapshotId> walked;  // layers whose linked files are in `taken`
    std::set<std::pair<dev_t, ino_t>> taken;
    store::LinkFamilies families;  // of all layers that a file was claimed of
  };
  Result<const Source*> source_of(State& state, store::SnapshotId layer);
  Status take_files_of(State& state, store::SnapshotId layer);

  store::Store& store_;
  const store::SnapshotId parent_;
  Guarded<State> state_;
};

}  // namespace slipway::ops
