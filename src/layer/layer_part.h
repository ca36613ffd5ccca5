// LayerPart: which entries of a snapshot's directory one of several layers holds that together are
// that directory. docs/layers.md says why it is cut like that.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace slipway::layer {

// Paths are relative to the snapshot's directory, without a slash at either end.
struct LayerPart {
  enum class Kind {
    Deletions,  // whiteouts and opaque markers; the lowest
    Subtree,    // what lies below `root`
    Rest,       // everything else, and every directory as it really is; the topmost
  };
  Kind kind = Kind::Rest;
  std::string root;
  // Of the entries directly in `root`, a Subtree holds those whose name falls into this bucket.
  uint64_t bucket = 0;
  uint64_t buckets = 1;
  // Roots of other parts: a Subtree leaves them out, Rest holds only their directories.
  std::set<std::string> elsewhere;
  // Files whose hard links lie in several parts: Rest holds them. Shared by all parts of a layer.
  std::shared_ptr<const std::set<std::string>> linked_apart;
  std::string label;   // "opt/venv/lib/python3.12/site-packages/torch"
  uint64_t bytes = 0;  // of its files, about
};

// What of a directory a part holds.
enum class Held {
  Everything,
  DirectoriesOnly,  // and files of linked_apart
  Nothing,
};

// Of the directory `path`, when of its parent `parent` is held.
Held held_below(const LayerPart& part, std::string_view parent_path, std::string_view name,
                const std::string& path, Held parent);
// Whether the part holds that entry, which is no directory.
bool holds_file(const LayerPart& part, std::string_view parent_path, std::string_view name,
                const std::string& path, Held parent);

// The bucket of a name. Names that belong to one Python distribution (numpy, numpy.libs,
// numpy-2.1.0.dist-info) share theirs.
uint64_t bucket_of(std::string_view name, uint64_t buckets);

}  // namespace slipway::layer
