// Unpacking of archives by ADD: what Docker does with a local tar file.
#pragma once

#include <stop_token>

#include "ops/file_target.h"

namespace slipway::ops {

// Where `path` is a tar archive (plain or compressed with gzip, bzip2, xz or zstd), unpacks it into
// directory `destination` and returns true; nothing is done to anything else. Hostile input: every
// entry is resolved inside `destination`, as in a chroot there.
Result<bool> unpack_archive(const Tree& source, const std::string& path, FileTarget& target,
                            const std::string& destination, const std::optional<Owner>& owner,
                            const std::optional<timespec>& time, std::stop_token stop);

}  // namespace slipway::ops
