// The copy action: BuildKit's rules (fsutil/copy) on our trees.
#pragma once

#include <stop_token>

#include "base/thread_pool.h"
#include "graph/op.h"
#include "ops/file_entry.h"
#include "ops/file_target.h"

namespace slipway::ops {

// Copies what `action` selects of `source`. Files are copied on `pool`; all of them are there when
// it returns. Directory times are set by target.finish(). `links`: of the target.
Status copy_files(const graph::FileCopy& action, const std::optional<Owner>& owner,
                  const Tree& source, FileTarget& target, ThreadPool& pool, LinkSources links,
                  std::stop_token stop);

// The paths that pattern `path` matches in `tree`, sorted; the path itself where it has no
// wildcard. Wildcards (* ? [...]) stay within one component.
Result<std::vector<std::string>> match_wildcards(const Tree& tree, const std::string& path,
                                                 bool follow_links);
bool has_wildcard(std::string_view text);

std::optional<timespec> to_time(int64_t nanoseconds);  // -1: none

}  // namespace slipway::ops
