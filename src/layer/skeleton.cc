#include "layer/skeleton.h"

#include <zstd.h>

#include "base/check.h"
#include "layer/decompress.h"
#include "layer/prefetch.h"
#include "layer/tar_sink.h"
#include "layer/tree_writer.h"

namespace slipway::layer {
namespace {

constexpr int kLevel = 6;
constexpr uint64_t kMostUserFileBytes = 1 << 20;

// Keeps a compressed text in memory, up to kMostSkeletonBytes.
class SkeletonSink final : public TarSink {
 public:
  SkeletonSink() : context_(ZSTD_createCCtx()) {
    CHECK(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel);
  }
  ~SkeletonSink() override { ZSTD_freeCCtx(context_); }
  SkeletonSink(const SkeletonSink&) = delete;
  SkeletonSink& operator=(const SkeletonSink&) = delete;

  std::span<char> room() override { return buffer_; }
  Status advance(size_t count) override { return compress(count, ZSTD_e_continue); }
  bool is_too_big() const { return packed_.size() > kMostSkeletonBytes; }

  Result<std::optional<std::string>> finish() {
    TRY(append_zeros(kTarEndBytes));
    TRY(compress(0, ZSTD_e_end));
    if (is_too_big()) return std::optional<std::string>();
    return std::optional(std::move(packed_));
  }

 private:
  Status compress(size_t count, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{buffer_.data(), count, 0};
    for (;;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_, &out, &in, directive);
      if (ZSTD_isError(left)) {
        return make_error(ErrorCode::Internal, "compress skeleton: {}", ZSTD_getErrorName(left));
      }
      if (!is_too_big()) packed_.append(out_.data(), out.pos);
      const bool done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
      if (done) return {};
    }
  }

  ZSTD_CCtx* context_;
  std::string buffer_ = std::string(128 << 10, '\0');
  std::string out_ = std::string(ZSTD_CStreamOutSize(), '\0');
  std::string packed_;
};

Status copy_entry(const TarEntry& entry, TarReader& reader, TarSink& sink) {
  if (entry.type != EntryType::File) return sink.append(encode_tar_header(entry));
  if (!skeleton_keeps(entry.name, entry.size)) {
    return sink.append(encode_tar_header(without_content(entry)));
  }
  TRY(sink.append(encode_tar_header(entry)));
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
