#include "layer/skeleton.h"

#include "layer/decompress.h"
#include "layer/prefetch.h"
#include "layer/tar_sink.h"
#include "layer/tree_writer.h"
#include "layer/zstd_text.h"

namespace slipway::layer {
namespace {

constexpr int kLevel = 6;
constexpr uint64_t kMostUserFileBytes = 1 << 20;

// Keeps the archive in memory, compressed, up to kMostSkeletonBytes.
class SkeletonSink final : public TarSink {
 public:
  std::span<char> room() override { return buffer_; }
  Status advance(size_t count) override {
    return is_too_big() ? Status() : text_.write(std::string_view(buffer_).substr(0, count));
  }
  bool is_too_big() const { return text_.packed_bytes() > kMostSkeletonBytes; }

  Result<std::optional<std::string>> finish() {
    TRY(append_zeros(kTarEndBytes));
    std::string packed = TRY(text_.finish());
    if (packed.size() > kMostSkeletonBytes) return std::optional<std::string>();
    return std::optional(std::move(packed));
  }

 private:
  ZstdText text_{kLevel};
  std::string buffer_ = std::string(128 << 10, '\0');
};

Status copy_entry(const TarEntry& entry, TarReader& reader, TarSink& sink) {
  if (entry.type != EntryType::File) return sink.member(entry);
  if (!skeleton_keeps(entry.name, entry.size)) return sink.member(without_content(entry));
  TRY(sink.member(entry));
  for (;;) {
    const std::string_view piece = TRY(reader.data());
    if (piece.empty()) break;
    TRY(sink.append(piece));
  }
  return sink.append_zeros(tar_padding(entry.size));
}

}  // namespace

bool skeleton_keeps(std::string_view name, uint64_t size) {
  while (name.starts_with("./") || name.starts_with("/")) name.remove_prefix(name.find('/') + 1);
  // An empty one would look like one that was left out.
  return (name == "etc/passwd" || name == "etc/group") && size > 0 && size <= kMostUserFileBytes;
}

TarEntry without_content(const TarEntry& file) {
  TarEntry entry;
  entry.name = file.name;
  return entry;
}

Result<std::optional<std::string>> skeleton_of_directory(const std::filesystem::path& directory,
                                                         const WriteOptions& options,
                                                         std::stop_token stop) {
  SkeletonSink sink;
  TreeOptions tree = tree_options(options);
  tree.skeleton = true;
  TRY(write_tree(directory, tree, sink, std::move(stop)));
  return sink.finish();
}

Result<std::optional<std::string>> skeleton_of_blob(ByteStream blob, const Digest& diff_id,
                                                    std::stop_token stop) {
  HashingPrefetch stream(TRY(make_decompressor(std::move(blob))), std::move(stop));
  TarReader reader([&stream] { return stream.next(); });
  SkeletonSink sink;
  while (const std::optional<TarEntry> entry = TRY(reader.next())) {
    TRY(copy_entry(*entry, reader, sink));
    if (sink.is_too_big()) return std::optional<std::string>();
  }
  TRY(reader.drain());
  if (stream.digest() != diff_id) {
    return make_error(ErrorCode::InvalidInput,
                      "skeleton of a layer: its content is {} instead of {}", stream.digest().str(),
                      diff_id.str());
  }
  return sink.finish();
}

}  // namespace slipway::layer
