#include "layer/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace slipway::layer {
namespace {

// No path, link target or set of extended attributes that a kernel accepts comes near this.
constexpr uint64_t kMaxExtended = 1 << 20;
// Members larger than any file system holds are a lie that would make sums overflow.
constexpr uint64_t kMaxSize = uint64_t{1} << 60;

Error malformed(std::string_view what) {
  return make_error(ErrorCode::InvalidInput, "read tar: {}", what);
}

std::string_view field(const char* block, size_t offset, size_t length) {
  return {block + offset, length};
}

std::string_view text_field(const char* block, size_t offset, size_t length) {
  const std::string_view raw = field(block, offset, length);
  return raw.substr(0, std::min(raw.find('\0'), raw.size()));
}

// Octal with white space and NUL around it, or GNU's base-256 (first bit set).
Result<int64_t> number_field(const char* block, size_t offset, size_t length, const char* what) {
  std::string_view raw = field(block, offset, length);
  const auto first = static_cast<unsigned char>(raw[0]);
  if ((first & 0x80) != 0) {
    const bool negative = (first & 0x40) != 0;
    uint64_t value = negative ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      uint64_t byte = static_cast<unsigned char>(raw[i]);
      if (i == 0) byte = negative ? byte | 0x80 : byte & 0x7f;
      const uint64_t lost = value >> 55;
      if (lost != (negative ? 0x1ff : 0)) return malformed(fmt::format("{} is too large", what));
      value = value << 8 | byte;
    }
    return static_cast<int64_t>(value);
  }
  const auto is_blank = [](char c) { return c == ' ' || c == '\0'; };
  while (!raw.empty() && is_blank(raw.front())) raw.remove_prefix(1);
  int64_t value = 0;
  size_t i = 0;
  for (; i < raw.size() && raw[i] >= '0' && raw[i] <= '7'; ++i) value = value << 3 | (raw[i] - '0');
  if (!std::all_of(raw.begin() + static_cast<ptrdiff_t>(i), raw.end(), is_blank)) {
    return malformed(fmt::format("{} is no octal number", what));
  }
  return value;
}

bool checksum_holds(const char* block, int64_t expected) {
  // Some historic writers summed signed bytes.
  int64_t as_unsigned = 0;
  int64_t as_signed = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const char c = i >= 148 && i < 156 ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  return expected == as_unsigned || expected == as_signed;
}

Result<uint64_t> decimal(std::string_view text, const char* what) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return malformed(fmt::format("pax record \"{}\" is no number", what));
  }
  return value;
}

struct Time {
  int64_t seconds;
  uint32_t nanoseconds;
};

// "-12.5": seconds and a fraction of any length.
Result<Time> pax_time(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t dot = std::min(text.find('.'), text.size());
  const uint64_t seconds = TRY(decimal(text.substr(0, dot), "mtime"));
  if (seconds > uint64_t{1} << 40) return malformed("pax record \"mtime\" is out of range");
  uint32_t nanoseconds = 0;
  for (size_t i = 0, scale = 100'000'000; dot + 1 + i < text.size(); ++i, scale /= 10) {
    const char c = text[dot + 1 + i];
    if (c < '0' || c > '9') return malformed("pax record \"mtime\" is no number");
    nanoseconds += static_cast<uint32_t>(scale) * static_cast<uint32_t>(c - '0');
  }
  auto whole = static_cast<int64_t>(seconds);
  if (!negative) return Time{whole, nanoseconds};
  if (nanoseconds == 0) return Time{-whole, 0};
  return Time{-whole - 1, 1'000'000'000 - nanoseconds};
}

Status parse_records(std::string_view text, std::map<std::string, std::string>& records) {
  while (!text.empty()) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 10) {
      return malformed("a pax record has no length");
    }
    const uint64_t length = TRY(decimal(text.substr(0, space), "length"));
    if (length <= space + 1 || length > text.size() || text[length - 1] != '\n') {
      return malformed("the length of a pax record is wrong");
    }
    const std::string_view record = text.substr(space + 1, length - space - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return malformed("a pax record has no key");
    records[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(length);
  }
  return {};
}

Result<EntryType> entry_type(char flag, const std::string& name) {
  switch (flag) {
    case '0':
    case '\0':
    case '7':  // contiguous file: a plain one to everybody
      return name.ends_with('/') ? EntryType::Directory : EntryType::File;
    case '1':
      return EntryType::HardLink;
    case '2':
      return EntryType::Symlink;
    case '3':
      return EntryType::CharDevice;
    case '4':
      return EntryType::BlockDevice;
    case '5':
      return EntryType::Directory;
    case '6':
      return EntryType::Fifo;
    default:
      return make_error(ErrorCode::Unsupported, "read tar: {}: entry type '{}' is not supported",
                        name, flag);
  }
}

Result<uint32_t> narrow(int64_t value, const char* what) {
  if (value < 0 || value > UINT32_MAX) return malformed(fmt::format("{} is out of range", what));
  return static_cast<uint32_t>(value);
}

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

}  // namespace

struct TarReader::Extended {
  std::map<std::string, std::string> records;
  std::string long_name;
  std::string long_link;
};

namespace {

Status apply_records(const std::map<std::string, std::string>& records, TarEntry& entry,
                     uint64_t& size) {
  for (const auto& [key, value] : records) {
    if (value.empty() && !key.starts_with("SCHILY.xattr.")) continue;  // "as in the ustar header"
    if (key == "path") {
      entry.name = value;
    } else if (key == "linkpath") {
      entry.link_name = value;
    } else if (key == "size") {
      size = TRY(decimal(value, "size"));
    } else if (key == "uid") {
      entry.uid = TRY(narrow(static_cast<int64_t>(TRY(decimal(value, "uid"))), "uid"));
    } else if (key == "gid") {
      entry.gid = TRY(narrow(static_cast<int64_t>(TRY(decimal(value, "gid"))), "gid"));
    } else if (key == "mtime") {
      const Time time = TRY(pax_time(value));
      entry.mtime = time.seconds;
      entry.mtime_nanoseconds = time.nanoseconds;
    } else if (key.starts_with("SCHILY.xattr.")) {
      entry.xattrs[key.substr(13)] = value;
    } else if (key.starts_with("GNU.sparse.")) {
      return make_error(ErrorCode::Unsupported, "read tar: {}: sparse files are not supported",
                        entry.name);
    }
  }
  return {};
}

}  // namespace

Status TarReader::read_exactly(char* to, size_t count) {
  while (count > 0) {
    if (rest_.empty()) rest_ = TRY(stream_());
    if (rest_.empty()) return malformed("unexpected end of the archive");
    const size_t step = std::min(count, rest_.size());
    std::memcpy(to, rest_.data(), step);
    rest_.remove_prefix(step);
    to += step;
    count -= step;
  }
  return {};
}

// False at the end of the stream.
Result<bool> TarReader::read_block(char* block) {
  if (rest_.empty()) rest_ = TRY(stream_());
  if (rest_.empty()) return false;
  TRY(read_exactly(block, kTarBlock));
  return true;
}

Result<std::string> TarReader::read_text(uint64_t size, const char* what) {
  if (size > kMaxExtended)
    return malformed(fmt::format("a {} of {} bytes is too long", what, size));
  std::string text(size, '\0');
  TRY(read_exactly(text.data(), text.size()));
  char padding[kTarBlock];
  TRY(read_exactly(padding, tar_padding(size)));
  return text;
}

Status TarReader::skip_member() {
  while (!TRY(data()).empty()) {
  }
  char padding[kTarBlock];
  TRY(read_exactly(padding, padding_left_));
  padding_left_ = 0;
  return {};
}

Result<std::string_view> TarReader::data() {
  if (data_left_ == 0) return std::string_view();
  if (rest_.empty()) rest_ = TRY(stream_());
  if (rest_.empty()) return malformed("unexpected end of the archive");
  const std::string_view piece = rest_.substr(0, std::min<uint64_t>(data_left_, rest_.size()));
  rest_.remove_prefix(piece.size());
  data_left_ -= piece.size();
  return piece;
}

// A header that describes the next one.
Status TarReader::take_special(char type, uint64_t size, Extended& extended) {
  const auto cut = [](std::string text) {
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  };
  switch (type) {
    case 'x':
      return parse_records(TRY(read_text(size, "pax header")), extended.records);
    case 'g':
      return parse_records(TRY(read_text(size, "pax header")), global_);
    case 'L':
      extended.long_name = cut(TRY(read_text(size, "name")));
      return {};
    default:
      extended.long_link = cut(TRY(read_text(size, "link name")));
      return {};
  }
}

Result<std::optional<TarEntry>> TarReader::next() {
  if (ended_) return std::optional<TarEntry>();
  TRY(skip_member());
  Extended extended;
  bool described = false;  // a special header was read that wants a member after it
  for (;;) {
    char block[kTarBlock];
    const bool got = TRY(read_block(block));
    if (!got || std::all_of(block, block + kTarBlock, [](char c) { return c == '\0'; })) {
      if (described) return malformed("unexpected end of the archive");
      ended_ = true;
      return std::optional<TarEntry>();
    }
    if (!checksum_holds(block, TRY(number_field(block, 148, 8, "checksum")))) {
      return malformed("the checksum of a header is wrong");
    }
    const int64_t raw_size = TRY(number_field(block, 124, 12, "size"));
    if (raw_size < 0) return malformed("a size is negative");
    auto size = static_cast<uint64_t>(raw_size);
    const char flag = block[156];
    if (flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K') {
      TRY(take_special(flag, size, extended));
      described = described || flag != 'g';
      continue;
    }

    TarEntry entry;
    entry.name = text_field(block, 0, 100);
    const bool is_ustar = std::memcmp(block + 257, "ustar\0", 6) == 0;
    const std::string_view prefix = text_field(block, 345, 155);
    if (is_ustar && !prefix.empty()) entry.name = fmt::format("{}/{}", prefix, entry.name);
    entry.link_name = text_field(block, 157, 100);
    entry.mode = static_cast<uint32_t>(TRY(number_field(block, 100, 8, "mode")) & 07777);
    entry.uid = TRY(narrow(TRY(number_field(block, 108, 8, "uid")), "uid"));
    entry.gid = TRY(narrow(TRY(number_field(block, 116, 8, "gid")), "gid"));
    entry.mtime = TRY(number_field(block, 136, 12, "mtime"));
    TRY(apply_records(global_, entry, size));
    if (!extended.long_name.empty()) entry.name = extended.long_name;
    if (!extended.long_link.empty()) entry.link_name = extended.long_link;
    TRY(apply_records(extended.records, entry, size));
    entry.type = TRY(entry_type(flag, entry.name));
    if (entry.type == EntryType::CharDevice || entry.type == EntryType::BlockDevice) {
      entry.device_major = TRY(narrow(TRY(number_field(block, 329, 8, "device")), "device"));
      entry.device_minor = TRY(narrow(TRY(number_field(block, 337, 8, "device")), "device"));
    }
    if (entry.name.empty() || has_nul(entry.name) || has_nul(entry.link_name)) {
      return malformed("a name is empty or has a NUL in it");
    }
    if (size > kMaxSize) return malformed("a size is out of range");
    // Only files have data; some writers leave the size of the target in a hard link's header.
    entry.size = entry.type == EntryType::File ? size : 0;
    data_left_ = entry.size;
    padding_left_ = tar_padding(entry.size);
    return std::optional<TarEntry>(std::move(entry));
  }
}

Status TarReader::drain() {
  rest_ = {};
  while (!TRY(stream_()).empty()) {
  }
  return {};
}

}  // namespace slipway::layer
