#include "store/record_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <utility>

#include "base/file_io.h"
#include "base/unique_fd.h"

namespace slipway::store {
namespace {

struct Header {
  RecordFile::Magic magic;
  uint64_t count;
  uint64_t generation;
  uint64_t checksum;  // of the records: a power cut may leave a renamed file without its content
};

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

}  // namespace

RecordFile RecordFile::open(const std::filesystem::path& path, const Magic& magic,
                            size_t record_size) {
  RecordFile file;
  const Result<UniqueFd> fd = open_file(path, O_RDONLY);
  struct stat info;
  if (!fd || ::fstat(fd->get(), &info) != 0) return file;
  const auto size = static_cast<size_t>(info.st_size);
  if (size < sizeof(Header)) return file;
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd->get(), 0);
  if (mapping == MAP_FAILED) return file;
  file.mapping_ = mapping;
  file.mapping_size_ = size;
  const auto* header = static_cast<const Header*>(mapping);
  const size_t bytes = size - sizeof(Header);
  if (header->magic != magic || bytes % record_size != 0 || header->count != bytes / record_size ||
      checksum_of(header + 1, bytes) != header->checksum) {
    return file;
  }
  file.generation_ = header->generation;
  file.first_ = header + 1;
  file.count_ = header->count;
  return file;
}

RecordFile::RecordFile(RecordFile&& other) noexcept {
  *this = std::move(other);
}

RecordFile& RecordFile::operator=(RecordFile&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  mapping_ = std::exchange(other.mapping_, nullptr);
  mapping_size_ = other.mapping_size_;
  first_ = std::exchange(other.first_, nullptr);
  count_ = std::exchange(other.count_, 0);
  generation_ = other.generation_;
  return *this;
}

RecordFile::~RecordFile() {
  unmap();
}

void RecordFile::unmap() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
}

Status RecordFile::write_bytes(const std::filesystem::path& path, const Magic& magic,
                               uint64_t generation, uint64_t count,
                               std::span<const std::byte> records) {
  const Header header = {magic, count, generation, checksum_of(records.data(), records.size())};
  std::string content;
  content.reserve(sizeof header + records.size());
  content.append(reinterpret_cast<const char*>(&header), sizeof header);
  content.append(reinterpret_cast<const char*>(records.data()), records.size());
  return write_file_atomic(path, content, 0600);
}

}  // namespace slipway::store
