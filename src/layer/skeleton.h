// The skeleton of a layer: the layer itself, but its files have no content. A small archive from
// which apply_layer() makes all that decides where things lie: directories with their owners,
// modes, times and attributes, symlinks, whiteouts, and that there is a file.
//
// What is left of a file is a name. apply_layer() makes a socket of it (ApplyOptions::skeleton): no
// layer has sockets, and nobody can take one for an empty file. The users and groups of an image
// (etc/passwd, etc/group) are kept.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "layer/diff.h"
#include "layer/tar_entry.h"
#include "layer/tar_reader.h"
#include "oci/digest.h"

namespace slipway::layer {

// Bigger ones are not made: whoever reads them holds them in memory.
inline constexpr size_t kMostSkeletonBytes = 16 << 20;

// The skeleton of what write_layer() writes of `directory`; nullopt: it is too big.
Result<std::optional<std::string>> skeleton_of_directory(const std::filesystem::path& directory,
                                                         const WriteOptions& options,
                                                         std::stop_token stop);

// The skeleton of a layer blob, whatever it is compressed with; nullopt: it is too big.
// InvalidInput when the blob's content is not `diff_id`.
Result<std::optional<std::string>> skeleton_of_blob(ByteStream blob, const Digest& diff_id,
                                                    std::stop_token stop);

// Whether a skeleton has the content of the file of this name, as it stands in an archive.
bool skeleton_keeps(std::string_view name, uint64_t size);
// What a skeleton has of a file that it does not keep.
TarEntry without_content(const TarEntry& file);

}  // namespace slipway::layer
