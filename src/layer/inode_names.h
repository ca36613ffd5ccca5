// InodeNames: the files of a tree told by what the file system says of their inodes, for files that
// nobody writes in place.
#pragma once

#include <cstdint>
#include <string>

#include "oci/digest.h"

namespace slipway::layer {

// What one file is named by: its inode's number and the time when that inode was made, which
// together no two files of a file system ever have, and the time of its last change, to the
// nanosecond. Links of one inode have one name; a change of its link count, which changes its
// ctime, keeps it. Empty where the file system does not know when an inode was made (statx(2),
// STATX_BTIME).
Result<std::string> inode_name(int fd);

// A digest over the names of many files, in the order in which they are added.
class InodeNames {
 public:
  // The next file, open. Errors are those of statx(2).
  Status add(int fd);
  // Empty when one of them has no name.
  Digest finish();

 private:
  Sha256 hash_;
  bool complete_ = true;
};

}  // namespace slipway::layer
