#include <fmt/format.h>

#include "layer/block_codec.h"
#include "layer/diff.h"
#include "layer/tar_entry.h"
#include "layer/tree_writer.h"

namespace slipway::layer {
namespace {

class HashSink final : public TarSink {
 public:
  std::span<char> room() override { return buffer_; }
  Status advance(size_t count) override {
    hash_.update(std::string_view(buffer_).substr(0, count));
    return {};
  }
  Digest finish() { return hash_.finish(); }

 private:
  std::string buffer_ = std::string(1 << 20, '\0');
  Sha256 hash_;
};

}  // namespace

Result<LayerOutline> layer_outline(const std::filesystem::path& directory,
                                   const WriteOptions& options, std::stop_token stop) {
  const StreamFormat format = TRY(stream_format(options.compression, options.level));
  HashSink sink;
  TRY(sink.append("outline 1 " + format.name()));
  if (is_seekable(format.compression)) {
    TRY(sink.append(fmt::format(" {} 1", layer_format_name(format.compression))));
  }
  TRY(sink.append("\n"));
  TreeOptions tree = tree_options(options);
  tree.headers_only = true;
  InodeNames inodes;
  tree.inodes = &inodes;
  TRY(write_tree(directory, tree, sink, std::move(stop)));
  return LayerOutline{sink.finish(), inodes.finish()};
}

Result<std::optional<Digest>> layer_diff_id(const std::filesystem::path& directory,
                                            const WriteOptions& options, std::stop_token stop) {
  if (options.compression == LayerFormat::Estargz) return std::optional<Digest>();
  HashSink sink;
  TRY(write_tree(directory, tree_options(options), sink, std::move(stop)));
  TRY(sink.append_zeros(kTarEndBytes));
  return std::optional(sink.finish());
}

}  // namespace slipway::layer
