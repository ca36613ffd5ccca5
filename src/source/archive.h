// Archives that come as build contexts: recognised by their first bytes, dated by their files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace slipway::source {

// How many bytes is_archive() wants to see.
inline constexpr size_t kArchiveHeaderBytes = 1024;

// Whether a file that begins so is a tar archive, or compressed: gzip, bzip2, xz, zstd.
bool is_archive(std::string_view header);

// The newest modification time of an archive's regular files, in seconds; nullopt where there is
// none, or where this is no archive. Hostile input.
std::optional<int64_t> newest_file_time(int fd);

}  // namespace slipway::source
