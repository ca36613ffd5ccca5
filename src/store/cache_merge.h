// What a step changed in a cache that lay below its overlay, carried over into the cache's
// directory.
#pragma once

#include <filesystem>
#include <functional>

#include "base/result.h"

namespace slipway::store {

// A path on the same file system where nothing is, for what is to be removed.
using AwayPath = std::function<Result<std::filesystem::path>()>;

// Merges `changes`, the upper directory of an overlay over `directory`, into it; then `changes` is
// gone. Whiteouts remove, opaque directories replace, everything else is renamed into its place, so
// no file is ever written: what others have linked to stays as it is. There are no redirects and no
// metadata-only copies in `changes` (ops/settle_upper).
//
// Redo: after a crash at any point, a second call with the same arguments (`changes` still being
// there) completes the first.
Status merge_changes(const std::filesystem::path& changes, const std::filesystem::path& directory,
                     const AwayPath& away);

}  // namespace slipway::store
