#include "layer/tar_entry.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/core.h>

#include "base/check.h"

namespace slipway::layer {
namespace {

// POSIX ustar header; every field is text.
struct RawHeader {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link_name[100];
  char magic[6];
  char version[2];
  char user_name[32];
  char group_name[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(RawHeader) == kTarBlock);

// Octal digits and a NUL; false when the value needs more digits than there are.
template <size_t N>
bool put_octal(char (&field)[N], uint64_t value) {
  field[N - 1] = '\0';
  for (size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  return value == 0;
}

template <size_t N>
void put_text(char (&field)[N], std::string_view text) {
  std::memcpy(field, text.data(), std::min(N, text.size()));
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<signed char>(c) > 0; });
}

char type_flag(EntryType type) {
  switch (type) {
    case EntryType::File:
      return '0';
    case EntryType::HardLink:
      return '1';
    case EntryType::Symlink:
      return '2';
    case EntryType::CharDevice:
      return '3';
    case EntryType::BlockDevice:
      return '4';
    case EntryType::Directory:
      return '5';
    case EntryType::Fifo:
      return '6';
  }
  CHECK(false);
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
void append_record(std::string& records, std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (length != rest + std::to_string(length).size()) {
    length = rest + std::to_string(length).size();
  }
  records += fmt::format("{} {}=", length, key);
  records += value;
  records += '\n';
}

void finish(RawHeader& header) {
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  std::memset(header.checksum, ' ', sizeof header.checksum);
  uint64_t sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (size_t i = 0; i < sizeof header; ++i) sum += bytes[i];
  char digits[7];
  put_octal(digits, sum);
  std::memcpy(header.checksum, digits, sizeof digits);
}

void append_header(std::string& out, const RawHeader& header) {
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
}

void append_pax_header(std::string& out, std::string_view name, const std::string& records) {
  RawHeader header{};
  std::string_view base = name;
  while (base.ends_with('/')) base.remove_suffix(1);
  base = base.substr(base.rfind('/') + 1);
  put_text(header.name, is_ascii(base) ? "PaxHeaders.0/" + std::string(base.substr(0, 80))
                                       : std::string("PaxHeaders.0/entry"));
  put_octal(header.mode, 0);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, records.size());
  put_octal(header.mtime, 0);
  put_octal(header.device_major, 0);
  put_octal(header.device_minor, 0);
  header.type = 'x';
  finish(header);
  append_header(out, header);
  out += records;
  out.append(tar_padding(records.size()), '\0');
}

// The text as ustar can hold it, for readers that know no pax.
std::string fallback_text(std::string_view text) {
  std::string plain(text.substr(0, 100));
  std::erase_if(plain, [](char c) { return static_cast<signed char>(c) <= 0; });
  return plain;
}

}  // namespace

std::string encode_tar_header(const TarEntry& entry) {
  RawHeader header{};
  std::string records;
  const auto text = [&records](auto& field, std::string_view value, const char* key) {
    if (value.size() <= sizeof field && is_ascii(value)) return put_text(field, value);
    append_record(records, key, value);
    put_text(field, fallback_text(value));
  };
  const auto number = [&records](auto& field, uint64_t value, const char* key) {
    if (put_octal(field, value)) return;
    append_record(records, key, std::to_string(value));
    put_octal(field, 0);
  };
  text(header.name, entry.name, "path");
  text(header.link_name, entry.link_name, "linkpath");
  put_octal(header.mode, entry.mode);
  number(header.uid, entry.uid, "uid");
  number(header.gid, entry.gid, "gid");
  number(header.size, entry.size, "size");
  put_octal(header.device_major, entry.device_major);
  put_octal(header.device_minor, entry.device_minor);
  if (entry.mtime < 0 || entry.mtime_nanoseconds != 0 ||
      !put_octal(header.mtime, static_cast<uint64_t>(entry.mtime))) {
    // A pax time is one decimal number: for times before the epoch the fraction counts backwards.
    const bool before = entry.mtime < 0 && entry.mtime_nanoseconds != 0;
    const int64_t whole = before ? entry.mtime + 1 : entry.mtime;
    const uint32_t fraction =
        before ? 1'000'000'000 - entry.mtime_nanoseconds : entry.mtime_nanoseconds;
    std::string value = fmt::format("{}{}", before && whole == 0 ? "-" : "", whole);
    if (fraction != 0) {
      value += fmt::format(".{:09}", fraction);
      while (value.ends_with('0')) value.pop_back();
    }
    append_record(records, "mtime", value);
    put_octal(header.mtime, entry.mtime < 0 ? 0 : static_cast<uint64_t>(entry.mtime));
  }
  for (const auto& [key, value] : entry.xattrs)
    append_record(records, "SCHILY.xattr." + key, value);
  header.type = type_flag(entry.type);
  finish(header);

  std::string out;
  if (!records.empty()) append_pax_header(out, entry.name, records);
  append_header(out, header);
  return out;
}

}  // namespace slipway::layer
