// Digests of files and directories as BuildKit's content hash defines them: type, permissions,
// owner, size, link target, extended attributes and content; no times, no names of single files.
#pragma once

#include <stop_token>
#include <vector>

#include "source/tree_nodes.h"

namespace slipway::source {

class TreeHasher {
 public:
  TreeHasher(TreeNodes& nodes, bool normalize_owner, store::FileDigests* digests, ThreadPool* pool)
      : nodes_(nodes), normalize_owner_(normalize_owner), digests_(digests), pool_(pool) {}

  // Sets the digest of each of these nodes: from the index where it knows the file, else by reading
  // it, many at once.
  Status hash(const std::vector<TreeNodes::Place>& places, std::stop_token stop);

  // Digest of a node with everything below it.
  Result<Digest> tree_digest(TreeNodes::Place place, std::stop_token stop);

 private:
  Status hash_small(const TreeNodes::Place& place);
  Status hash_files(const std::vector<TreeNodes::Place>& files, std::stop_token stop);
  Status hash_file(const TreeNodes::Place& place, std::string& buffer) const;
  void collect(Directory& directory, std::vector<TreeNodes::Place>& places) const;
  Result<Digest> directory_digest(const Node& node);

  TreeNodes& nodes_;
  const bool normalize_owner_;
  store::FileDigests* const digests_;
  ThreadPool* const pool_;
};

int64_t now_nanoseconds();                                // since the epoch
std::string digest_text(const store::RawDigest& digest);  // "sha256:…"

}  // namespace slipway::source
