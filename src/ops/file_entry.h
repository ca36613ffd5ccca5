// Copying one entry that is no directory, and setting what an entry has besides its content.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include "ops/copy_links.h"
#include "ops/file_mode.h"
#include "ops/file_target.h"
#include "ops/file_tree.h"
#include "ops/link_claims.h"

namespace slipway::ops {

// What copies get instead of what their source has.
struct Overrides {
  std::optional<Owner> owner;
  std::optional<ModeChange> mode;  // not for symlinks
  std::optional<timespec> time;
};

// An entry to copy: everything is known, nothing is looked up again.
struct EntryCopy {
  std::shared_ptr<const MergedDir> source;  // co-owned by the entries of a directory
  std::string source_name;
  MergedDir::Entry entry;
  std::shared_ptr<const MergedDir> target;  // writable; the same
  std::string target_name;
  CopyLinks::Directory earlier;  // the target directory of an earlier copy; may be nullptr
};

// What may take the place of a copy.
struct LinkSources {
  LinkClaims* claims = nullptr;  // of the target; nullptr: everything is copied
  CopyLinks* earlier = nullptr;  // for files of contexts; nullptr: they are copied
};

// Creates the copy in the upper directory, in the place of a file or whiteout there. Thread-safe
// for different targets. Content is shared with the source where the file system can (FICLONE).
// InvalidInput when the source changed since its stamp was taken.
Status copy_entry(const EntryCopy& copy, const Overrides& overrides, const LinkSources& links);

// Owner, mode and attributes of a directory of the source, for its open copy. Not the time.
Status copy_directory_attributes(const MergedDir& source, const struct stat& info, int target_fd,
                                 const Overrides& overrides);

}  // namespace slipway::ops
