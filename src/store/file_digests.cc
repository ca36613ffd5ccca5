#include "store/file_digests.h"

#include <algorithm>
#include <atomic>
#include <tuple>

namespace slipway::store {

namespace {

constexpr uint64_t kKeptGenerations = 16;

constexpr RecordFile::Magic kMagic = {'S', 'L', 'I', 'P', 'I', 'D', 'X', '1'};

auto place(const FileIdentity& identity) {
  return std::tuple(identity.device, identity.inode);
}

}  // namespace

FileDigests::FileDigests(std::filesystem::path path)
    : path_(std::move(path)),
      file_(RecordFile::open(path_, kMagic, sizeof(Record))),
      records_(file_.records<Record>()),
      seen_(records_.size()) {}

std::unique_ptr<FileDigests> FileDigests::load(std::filesystem::path path) {
  return std::unique_ptr<FileDigests>(new FileDigests(std::move(path)));
}

std::optional<RawDigest> FileDigests::find(const FileIdentity& identity) {
  const auto found = std::lower_bound(
      records_.begin(), records_.end(), identity,
      [](const Record& a, const FileIdentity& b) { return place(a.identity) < place(b); });
  if (found == records_.end() || found->identity != identity) return std::nullopt;
  std::atomic_ref(seen_[static_cast<size_t>(found - records_.begin())])
      .store(1, std::memory_order_relaxed);
  return found->digest;
}

void FileDigests::add(const FileIdentity& identity, const RawDigest& digest, int64_t hash_started) {
  if (std::max(identity.mtime, identity.ctime) + kRacyNanoseconds > hash_started) return;
  added_.lock()->push_back({identity, digest, 0});
}

Status FileDigests::save() {
  std::vector<Record> records = std::exchange(*added_.lock(), {});
  if (records.empty()) return {};
  // Another context or process may have written since we loaded: its entries are kept.
  const std::unique_ptr<FileDigests> latest = load(path_);
  const uint64_t generation = std::max(file_.generation(), latest->file_.generation()) + 1;
  for (Record& record : records) record.generation = generation;
  for (size_t i = 0; i < records_.size(); ++i) {
    if (seen_[i] == 0) continue;
    records.push_back(records_[i]);
    records.back().generation = generation;
  }
  for (const Record& record : latest->records_) {
    if (generation - record.generation < kKeptGenerations) records.push_back(record);
  }
  // Stable: of several entries about one inode, the first pushed is the newest.
  std::ranges::stable_sort(records, {}, [](const Record& r) { return place(r.identity); });
  const auto rest =
      std::ranges::unique(records, {}, [](const Record& r) { return place(r.identity); });
  records.erase(rest.begin(), rest.end());

  return RecordFile::write(path_, kMagic, generation, std::span<const Record>(records));
}

}  // namespace slipway::store
