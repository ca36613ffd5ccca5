#include "source/archive.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include <archive.h>
#include <archive_entry.h>

namespace slipway::source {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kTarBlock = 512;
constexpr int64_t kLatestTime = 253'402'300'799;  // of the year 9999: the last in RFC 3339
constexpr size_t kChecksumAt = 148;
constexpr size_t kChecksumSize = 8;

// RFC 8878, 3.1.1 and 3.1.2: a frame, or one to skip.
bool is_zstd(std::string_view header) {
  if (header.starts_with("\x28\xb5\x2f\xfd"sv)) return true;
  return header.size() >= 8 && (header[0] & 0xf0) == 0x50 &&
         header.substr(1, 3) == "\x2a\x4d\x18"sv;
}

// POSIX ustar: a header's checksum counts its own field as blanks. Old programs summed signed
// characters.
bool is_tar(std::string_view header) {
  if (header.size() < kTarBlock) return false;
  header = header.substr(0, kTarBlock);
  if (std::ranges::all_of(header, [](char c) { return c == '\0'; })) return false;
  std::string field(header.substr(kChecksumAt, kChecksumSize));
  field.erase(0, field.find_first_not_of(' '));
  char* end = nullptr;
  const long want = std::strtol(field.c_str(), &end, 8);
  if (end == field.c_str()) return false;
  long sum = 0;
  long signed_sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const bool own = i >= kChecksumAt && i < kChecksumAt + kChecksumSize;
    const char c = own ? ' ' : header[i];
    sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return want == sum || want == signed_sum;
}

struct CloseArchive {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};

}  // namespace

bool is_archive(std::string_view header) {
  return header.starts_with("BZh") || header.starts_with("\x1f\x8b\x08"sv) ||
         header.starts_with("\xfd\x37zXZ\0"sv) || is_zstd(header) || is_tar(header);
}

std::optional<int64_t> newest_file_time(int fd) {
  const std::unique_ptr<archive, CloseArchive> reader(::archive_read_new());
  ::archive_read_support_format_tar(reader.get());
  ::archive_read_support_filter_gzip(reader.get());
  ::archive_read_support_filter_bzip2(reader.get());
  ::archive_read_support_filter_xz(reader.get());
  ::archive_read_support_filter_zstd(reader.get());
  if (::archive_read_open_fd(reader.get(), fd, 256 * 1024) != ARCHIVE_OK) return std::nullopt;
  std::optional<int64_t> newest;
  for (archive_entry* entry = nullptr;;) {
    const int status = ::archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return newest;
    if (status < ARCHIVE_WARN) return std::nullopt;
    if (::archive_entry_hardlink(entry) != nullptr) continue;
    if (!S_ISREG(::archive_entry_filetype(entry))) continue;
    // Anybody can write anything; no image has such a time.
    const int64_t time = ::archive_entry_mtime(entry);
    if (time < 0 || time > kLatestTime) continue;
    newest = std::max(newest.value_or(0), time);
  }
}

}  // namespace slipway::source
