// The file actions that are one call each: mkfile, mkdir, rm, symlink. BuildKit's rules.
#pragma once

#include "graph/op.h"
#include "ops/file_target.h"

namespace slipway::ops {

Status make_file(const graph::FileMkfile& action, const std::optional<Owner>& owner,
                 FileTarget& target);
Status make_directory(const graph::FileMkdir& action, const std::optional<Owner>& owner,
                      FileTarget& target);
Status remove_path(const graph::FileRm& action, FileTarget& target);
Status make_symlink(const graph::FileSymlink& action, const std::optional<Owner>& owner,
                    FileTarget& target);

}  // namespace slipway::ops
