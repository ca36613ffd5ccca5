#include "store/snapshot_contents.h"

#include <sys/stat.h>

#include <algorithm>

namespace slipway::store {
namespace {

constexpr RecordFile::Magic kMagic = {'S', 'L', 'I', 'P', 'C', 'N', 'T', '2'};

// Nanoseconds; 0: there is no such directory. No copy of a directory has the change time of the
// original: it cannot be set.
uint64_t change_time(const std::filesystem::path& directory) {
  struct stat info;
  if (::stat(directory.c_str(), &info) != 0) return 0;
  return static_cast<uint64_t>(info.st_ctim.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(info.st_ctim.tv_nsec);
}

}  // namespace

std::filesystem::path SnapshotContents::file_of(const std::filesystem::path& layer) {
  return layer.parent_path() / "contents";
}

Status SnapshotContents::write(const std::filesystem::path& layer, std::vector<Record> records) {
  std::ranges::reverse(records);
  std::ranges::stable_sort(records, {}, &Record::inode);
  const auto older = std::ranges::unique(records, {}, &Record::inode);
  records.erase(older.begin(), older.end());
  return RecordFile::write(file_of(layer), kMagic, change_time(layer),
                           std::span<const Record>(records));
}

SnapshotContents SnapshotContents::load(const std::filesystem::path& layer) {
  SnapshotContents contents;
  RecordFile file = RecordFile::open(file_of(layer), kMagic, sizeof(Record));
  if (file.generation() == change_time(layer)) contents.file_ = std::move(file);
  return contents;
}

std::optional<RawDigest> SnapshotContents::find(uint64_t inode) const {
  const auto records = file_.records<Record>();
  const auto found = std::ranges::lower_bound(records, inode, {}, &Record::inode);
  if (found == records.end() || found->inode != inode) return std::nullopt;
  return found->digest;
}

}  // namespace slipway::store
