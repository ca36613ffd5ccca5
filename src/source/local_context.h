// LocalContext: a directory of the user that a build reads (local://NAME).
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "source/file_tree.h"
#include "store/file_digests.h"

namespace slipway::source {

struct LocalContextOptions {
  std::filesystem::path root;                // absolute
  std::vector<std::string> ignore_patterns;  // .dockerignore
  // Where the stat index is kept (Layout::contexts()); empty: none, every file is hashed.
  std::filesystem::path index_directory;
  ThreadPool* pool = nullptr;  // outlives the context
};

// Thread-safe. Reads nothing before it is asked. Open one per directory and set of ignore patterns
// and share it: a second one would walk the same files again.
class LocalContext {
 public:
  static Result<std::shared_ptr<const LocalContext>> open(LocalContextOptions options);
  // save(), without a report.
  ~LocalContext();

  // Owners are 0:0 and there are no extended attributes, as BuildKit sees local contexts.
  FileTree& tree() const { return *tree_; }
  const std::filesystem::path& root() const { return tree_->root(); }
  Result<Digest> digest(const Selection& selection, std::stop_token stop) const {
    return tree_->digest(selection, std::move(stop));
  }
  // Writes down the digests of files that were hashed, for the next build.
  Status save() const;

 private:
  LocalContext(std::unique_ptr<store::FileDigests> digests, std::unique_ptr<FileTree> tree)
      : digests_(std::move(digests)), tree_(std::move(tree)) {}

  const std::unique_ptr<store::FileDigests> digests_;  // may be null
  const std::unique_ptr<FileTree> tree_;
};

}  // namespace slipway::source
