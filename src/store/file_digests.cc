#include "store/file_digests.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <tuple>

#include "base/file_io.h"
#include "base/unique_fd.h"

namespace slipway::store {

namespace {

// Timestamps advance with the kernel's tick (up to 10 ms at HZ=100).
constexpr int64_t kRacyNanoseconds = 20'000'000;
constexpr uint64_t kKeptGenerations = 16;

struct Header {
  std::array<char, 8> magic;
  uint64_t count;
  uint64_t generation;
  uint64_t checksum;  // of the records: a power cut may leave a renamed file without its content
};
constexpr std::array<char, 8> kMagic = {'S', 'L', 'I', 'P', 'I', 'D', 'X', '1'};

uint64_t checksum_of(const void* data, size_t bytes) {
  uint64_t sum = 0x9e3779b97f4a7c15;
  const auto* next = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    uint64_t word;
    std::memcpy(&word, next + i, 8);
    sum = (sum ^ word) * 0xff51afd7ed558ccd;
    sum ^= sum >> 32;
  }
  return sum;
}

auto place(const FileIdentity& identity) {
  return std::tuple(identity.device, identity.inode);
}

}  // namespace

std::unique_ptr<FileDigests> FileDigests::load(std::filesystem::path path) {
  std::unique_ptr<FileDigests> digests(new FileDigests(std::move(path)));
  digests->map_file();
  digests->seen_.resize(digests->records_.size());
  return digests;
}

FileDigests::~FileDigests() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
}

void FileDigests::map_file() {
  static_assert(sizeof(Record) % 8 == 0 && std::is_trivially_copyable_v<Record>);
  const Result<UniqueFd> fd = open_file(path_, O_RDONLY);
  struct stat info;
  if (!fd || ::fstat(fd->get(), &info) != 0) return;
  const auto size = static_cast<size_t>(info.st_size);
  if (size < sizeof(Header)) return;
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd->get(), 0);
  if (mapping == MAP_FAILED) return;
  mapping_ = mapping;
  mapping_size_ = size;
  const auto* header = static_cast<const Header*>(mapping);
  const size_t bytes = size - sizeof(Header);
  if (header->magic != kMagic || header->count != bytes / sizeof(Record) ||
      bytes % sizeof(Record) != 0 || checksum_of(header + 1, bytes) != header->checksum) {
    return;
  }
  generation_ = header->generation;
  records_ = {reinterpret_cast<const Record*>(header + 1), header->count};
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
  const uint64_t generation = std::max(generation_, latest->generation_) + 1;
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

  const size_t bytes = records.size() * sizeof(Record);
  const Header header = {kMagic, records.size(), generation, checksum_of(records.data(), bytes)};
  std::string content;
  content.reserve(sizeof header + bytes);
  content.append(reinterpret_cast<const char*>(&header), sizeof header);
  content.append(reinterpret_cast<const char*>(records.data()), bytes);
  return write_file_atomic(path_, content, 0600);
}

}  // namespace slipway::store
