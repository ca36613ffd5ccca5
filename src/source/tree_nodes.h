// The nodes of a FileTree: what its directories hold, read from disk on demand. Not thread-safe
// (FileTree guards it), but reads many directories at once on the pool.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/root_dir.h"
#include "source/file_tree.h"

namespace slipway::source {

struct Directory;

struct Node {
  uint32_t name_offset = 0;
  uint32_t name_size = 0;
  FileAttributes attributes;
  // Set for directories.
  Directory* directory = nullptr;
  // A directory that the ignore patterns leave out, here only because something in it may be taken
  // back ("!pattern").
  bool left_out = false;
  bool hashed = false;
  store::RawDigest digest{};  // of attributes and content; of a directory: of its attributes
};

struct Directory {
  std::string path;  // real path from the root of the tree: "" or "/a/b"
  std::string names;
  std::vector<Node> nodes;  // by name, byte order; never changes once scanned
  PatternMatcher::ParentMatches ignore;
  bool scanned = false;

  std::string_view name(const Node& node) const {
    return std::string_view(names).substr(node.name_offset, node.name_size);
  }
  std::string path_of(const Node& node) const { return path + "/" + std::string(name(node)); }
};

class TreeNodes {
 public:
  TreeNodes(RootDir root, Node root_node, PatternMatcher ignore, bool normalize_owner,
            ThreadPool* pool);

  // A node and the directory it is in; the root is in none.
  struct Place {
    Directory* parent = nullptr;
    Node* node = nullptr;
    std::string real_path() const { return parent == nullptr ? "" : parent->path_of(*node); }
  };
  Place root() { return {nullptr, &root_node_}; }

  Status scan(Directory& directory);
  // Everything below, in parallel.
  Status scan_tree(Directory& directory, std::stop_token stop);
  // nullopt: not there. Symlinks before the end (and there, with `follow`) are resolved in the
  // tree.
  Result<std::optional<Place>> resolve(std::string_view path, bool follow);
  Result<Node*> child(Directory& directory, std::string_view name);
  // Whether a left-out directory holds something that is not left out.
  Result<bool> holds_anything(Directory& directory);

  const RootDir& root_dir() const { return root_; }
  const PatternMatcher& ignore() const { return ignore_; }

 private:
  Status read_directory(Directory& directory) const;
  bool admit(Directory& directory, std::string_view name, Node& node,
             PatternMatcher::ParentMatches& below) const;
  void link_subdirectories(Directory& directory);

  RootDir root_;
  PatternMatcher ignore_;
  const bool normalize_owner_;
  ThreadPool* const pool_;
  Node root_node_;
  std::deque<Directory> directories_;  // stable addresses
};

FileAttributes attributes_of(const struct stat& info, bool normalize_owner);

}  // namespace slipway::source
