#include "store/snapshot_contents.h"

#include <algorithm>

namespace slipway::store {
namespace {

constexpr RecordFile::Magic kMagic = {'S', 'L', 'I', 'P', 'C', 'N', 'T', '1'};

}  // namespace

std::filesystem::path SnapshotContents::file_of(const std::filesystem::path& layer) {
  return layer.parent_path() / "contents";
}

Status SnapshotContents::write(const std::filesystem::path& layer, std::vector<Record> records) {
  std::ranges::reverse(records);
  std::ranges::stable_sort(records, {}, &Record::inode);
  const auto older = std::ranges::unique(records, {}, &Record::inode);
  records.erase(older.begin(), older.end());
  return RecordFile::write(file_of(layer), kMagic, 0, std::span<const Record>(records));
}

SnapshotContents SnapshotContents::load(const std::filesystem::path& layer) {
  SnapshotContents contents;
  contents.file_ = RecordFile::open(file_of(layer), kMagic, sizeof(Record));
  return contents;
}

std::optional<RawDigest> SnapshotContents::find(uint64_t inode) const {
  const auto records = file_.records<Record>();
  const auto found = std::ranges::lower_bound(records, inode, {}, &Record::inode);
  if (found == records.end() || found->inode != inode) return std::nullopt;
  return found->digest;
}

}  // namespace slipway::store
