// RecordFile: an array of equal records that a file holds, mapped rather than read. Written at
// once, checked when it is opened.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <type_traits>

#include "base/result.h"

namespace slipway::store {

class RecordFile {
 public:
  using Magic = std::array<char, 8>;  // of one kind and version of records

  // A missing, damaged or foreign file holds nothing.
  static RecordFile open(const std::filesystem::path& path, const Magic& magic, size_t record_size);
  RecordFile() = default;
  RecordFile(RecordFile&& other) noexcept;
  RecordFile& operator=(RecordFile&& other) noexcept;
  ~RecordFile();

  // Valid as long as the RecordFile lives.
  template <typename Record>
  std::span<const Record> records() const {
    static_assert(sizeof(Record) % 8 == 0 && std::is_trivially_copyable_v<Record>);
    return {static_cast<const Record*>(first_), count_};
  }
  // Of the writer's choice.
  uint64_t generation() const { return generation_; }

  // Replaces the file; others see the old one or the new one.
  template <typename Record>
  static Status write(const std::filesystem::path& path, const Magic& magic, uint64_t generation,
                      std::span<const Record> records) {
    static_assert(sizeof(Record) % 8 == 0 && std::is_trivially_copyable_v<Record>);
    return write_bytes(path, magic, generation, records.size(), std::as_bytes(records));
  }

 private:
  static Status write_bytes(const std::filesystem::path& path, const Magic& magic,
                            uint64_t generation, uint64_t count,
                            std::span<const std::byte> records);
  void unmap();

  void* mapping_ = nullptr;
  size_t mapping_size_ = 0;
  const void* first_ = nullptr;
  size_t count_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace slipway::store
