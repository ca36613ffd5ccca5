#include "layer/toc.h"

#include "base/base64.h"
#include "base/check.h"
#include "oci/json_writer.h"
#include "oci/rfc3339.h"

namespace slipway::layer {
namespace {

// The years that RFC 3339 can write, in seconds since the epoch.
constexpr int64_t kYear0 = -62'167'219'200;
constexpr int64_t kYear10000 = 253'402'300'800;

const char* type_name(EntryType type) {
  switch (type) {
    case EntryType::File:
      return "reg";
    case EntryType::HardLink:
      return "hardlink";
    case EntryType::Symlink:
      return "symlink";
    case EntryType::CharDevice:
      return "char";
    case EntryType::BlockDevice:
      return "block";
    case EntryType::Directory:
      return "dir";
    case EntryType::Fifo:
      return "fifo";
  }
  CHECK(false);
}

class TocWriter {
 public:
  explicit TocWriter(LayerFormat format) : format_(format) {}

  std::string write(const std::vector<TocEntry>& entries, std::span<const Chunk> chunks,
                    const Digest& tar_split) {
    json_.begin_object();
    json_.key("version").number(1);
    json_.key("entries").begin_array();
    for (const TocEntry& entry : entries) {
      CHECK(entry.first_chunk + entry.chunks <= chunks.size());
      add(entry, chunks.subspan(entry.first_chunk, entry.chunks));
    }
    json_.end_array();
    json_.optional("tarSplitDigest", tar_split.str());
    return json_.end_object().take();
  }

 private:
  bool is_estargz() const { return format_ == LayerFormat::Estargz; }

  void add(const TocEntry& toc, std::span<const Chunk> chunks) {
    json_.begin_object();
    describe(toc.entry);
    if (!chunks.empty()) {
      const Digest& digest = toc.digest.empty() ? chunks[0].digest : toc.digest;
      json_.key("digest").string(digest.str());
      if (!is_estargz()) {
        json_.key("endOffset").number(to_int(chunks.back().offset + chunks.back().length));
      }
      place(chunks, 0, 0);
    }
    json_.end_object();
    uint64_t at = 0;
    for (size_t i = 1; i < chunks.size(); ++i) {
      at += chunks[i - 1].raw_bytes;
      json_.begin_object();
      json_.key("name").string(toc.entry.name);
      json_.key("type").string("chunk");
      place(chunks, i, at);
      json_.end_object();
    }
  }

  void describe(const TarEntry& entry) {
    json_.key("name").string(entry.name);
    json_.key("type").string(type_name(entry.type));
    json_.optional("size", to_int(entry.size));
    if (entry.mtime >= kYear0 && entry.mtime < kYear10000) {
      json_.key("modtime").string(format_rfc3339(entry.mtime, entry.mtime_nanoseconds));
    }
    json_.optional("linkName", entry.link_name);
    json_.optional("mode", static_cast<int64_t>(entry.mode));
    json_.optional("uid", static_cast<int64_t>(entry.uid));
    json_.optional("gid", static_cast<int64_t>(entry.gid));
    json_.optional("devMajor", static_cast<int64_t>(entry.device_major));
    json_.optional("devMinor", static_cast<int64_t>(entry.device_minor));
    if (entry.xattrs.empty()) return;
    json_.key("xattrs").begin_object();
    for (const auto& [name, value] : entry.xattrs) json_.key(name).string(encode_base64(value));
    json_.end_object();
  }

  // Chunk `index` of a file's, `at` bytes from its start.
  void place(std::span<const Chunk> chunks, size_t index, uint64_t at) {
    const Chunk& chunk = chunks[index];
    json_.key("offset").number(to_int(chunk.offset));
    json_.optional("chunkOffset", to_int(at));
    // Estargz leaves out the size of the last chunk; zstd:chunked all that is said of a file.
    const bool several = chunks.size() > 1;
    if (is_estargz() ? index + 1 < chunks.size() : several) {
      json_.key("chunkSize").number(to_int(chunk.raw_bytes));
    }
    if (is_estargz() || several) json_.key("chunkDigest").string(chunk.digest.str());
  }

  static int64_t to_int(uint64_t value) { return static_cast<int64_t>(value); }

  const LayerFormat format_;
  JsonWriter json_;
};

}  // namespace

std::string toc_json(LayerFormat format, const std::vector<TocEntry>& entries,
                     std::span<const Chunk> chunks, const Digest& tar_split) {
  return TocWriter(format).write(entries, chunks, tar_split);
}

}  // namespace slipway::layer
