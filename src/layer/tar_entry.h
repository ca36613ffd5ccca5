// TarEntry: one member of a tar stream as a value, and its header bytes (POSIX pax interchange
// format: ustar blocks, extended records only where ustar cannot hold a value).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace slipway::layer {

inline constexpr size_t kTarBlock = 512;

enum class EntryType { File, HardLink, Symlink, CharDevice, BlockDevice, Directory, Fifo };

struct TarEntry {
  std::string name;  // as it stands in the archive; a writer gives directories a trailing "/"
  EntryType type = EntryType::File;
  uint32_t mode = 0;  // permission bits, setuid, setgid, sticky
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;  // bytes of data that follow; 0 for everything but files
  int64_t mtime = 0;  // seconds since the epoch
  uint32_t mtime_nanoseconds = 0;
  std::string link_name;
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  std::map<std::string, std::string> xattrs;
};

// The header of `entry`: one block, preceded by a pax header where needed. Data follows, padded
// with zeros to a whole block. User and group names are left empty: ids are what counts.
std::string encode_tar_header(const TarEntry& entry);

// Zero bytes needed after `size` bytes of data.
inline size_t tar_padding(uint64_t size) {
  return static_cast<size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

// What ends an archive.
inline constexpr size_t kTarEndBytes = 2 * kTarBlock;

}  // namespace slipway::layer
