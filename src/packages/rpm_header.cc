// An rpm header: two counts, an index of typed entries, and a store that they point into. All
// numbers are big-endian. Nothing in it can be trusted: every offset is checked.
#include <cstdint>
#include <optional>

#include "packages/databases.h"

namespace slipway::packages {
namespace {

constexpr size_t kEntryBytes = 16;
constexpr uint32_t kMaxEntries = 1 << 16;  // rpm's own limit (HEADER_TAGS_MAX)

enum Tag : uint32_t {
  kName = 1000,
  kVersion = 1001,
  kRelease = 1002,
  kEpoch = 1003,
  kVendor = 1011,
  kLicense = 1014,
  kArchitecture = 1022,
  kSourceRpm = 1044,
};
enum Type : uint32_t { kInt32 = 4, kString = 6, kStringArray = 8, kTranslated = 9 };

uint32_t big_endian(std::string_view bytes, size_t offset) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[offset + i]);
  return value;
}

class Header {
 public:
  static Result<Header> parse(std::string_view bytes) {
    if (bytes.size() < 8) return invalid("it is cut off");
    const uint32_t entries = big_endian(bytes, 0);
    const uint32_t store_bytes = big_endian(bytes, 4);
    if (entries > kMaxEntries) return invalid("its index is too long");
    const size_t index_bytes = entries * kEntryBytes;
    if (bytes.size() - 8 < index_bytes || bytes.size() - 8 - index_bytes < store_bytes) {
      return invalid("it is shorter than it says");
    }
    return Header(bytes.substr(8, index_bytes), bytes.substr(8 + index_bytes, store_bytes));
  }

  // The first text of an entry; empty: there is none.
  Result<std::string> text(Tag tag) const {
    const std::optional<Entry> entry = find(tag);
    if (!entry) return std::string();
    const bool is_text =
        entry->type == kString || entry->type == kStringArray || entry->type == kTranslated;
    if (!is_text) return invalid("a text has another type");
    if (entry->offset > store_.size()) return invalid("an entry points out of it");
    const size_t end = store_.find('\0', entry->offset);
    if (end == std::string_view::npos) return invalid("a text has no end");
    return std::string(store_.substr(entry->offset, end - entry->offset));
  }

  Result<std::optional<uint32_t>> number(Tag tag) const {
    const std::optional<Entry> entry = find(tag);
    if (!entry || entry->count == 0) return std::optional<uint32_t>();
    if (entry->type != kInt32) return invalid("a number has another type");
    if (entry->offset > store_.size() || store_.size() - entry->offset < 4) {
      return invalid("an entry points out of it");
    }
    return std::optional(big_endian(store_, entry->offset));
  }

 private:
  struct Entry {
    uint32_t type = 0;
    uint32_t offset = 0;
    uint32_t count = 0;
  };

  Header(std::string_view index, std::string_view store) : index_(index), store_(store) {}

  static Error invalid(std::string_view why) {
    return make_error(ErrorCode::InvalidInput, "rpm header: {}", why);
  }

  std::optional<Entry> find(Tag tag) const {
    for (size_t at = 0; at < index_.size(); at += kEntryBytes) {
      if (big_endian(index_, at) != tag) continue;
      return Entry{big_endian(index_, at + 4), big_endian(index_, at + 8),
                   big_endian(index_, at + 12)};
    }
    return std::nullopt;
  }

  std::string_view index_;
  std::string_view store_;
};

// "bash-5.1.8-6.el9.src.rpm" was made of "bash".
std::string name_of_source(std::string_view file) {
  for (int dashes = 0; dashes < 2; ++dashes) {
    const size_t dash = file.rfind('-');
    if (dash == std::string_view::npos) return {};
    file = file.substr(0, dash);
  }
  return std::string(file);
}

}  // namespace

Result<Package> parse_rpm_header(std::string_view bytes) {
  const Header header = TRY(Header::parse(bytes));
  Package package{.kind = PackageKind::Rpm};
  package.name = TRY(header.text(kName));
  package.version = TRY(header.text(kVersion));
  const std::string release = TRY(header.text(kRelease));
  if (!release.empty()) package.version += "-" + release;
  const std::optional<uint32_t> epoch = TRY(header.number(kEpoch));
  if (epoch) package.version = std::to_string(*epoch) + ":" + package.version;
  package.architecture = TRY(header.text(kArchitecture));
  package.license = TRY(header.text(kLicense));
  package.supplier = TRY(header.text(kVendor));
  package.source = name_of_source(TRY(header.text(kSourceRpm)));
  if (package.source == package.name) package.source.clear();
  if (package.name.empty() || package.version.empty()) {
    return make_error(ErrorCode::InvalidInput, "rpm header: it has no name or version");
  }
  return package;
}

}  // namespace slipway::packages
