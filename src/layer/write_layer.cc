#include "layer/block_pipeline.h"
#include "layer/diff.h"
#include "layer/seekable_layer.h"
#include "layer/tar_entry.h"
#include "layer/tree_writer.h"

namespace slipway::layer {
namespace {

Result<SeekableLayer> write_format(LayerFormat format, const WriteTar& write_tar,
                                   BlockPipeline& pipeline, store::ContentWriter& out) {
  switch (format) {
    case LayerFormat::Estargz:
      return write_estargz(write_tar, pipeline, out);
    case LayerFormat::ZstdChunked:
      return write_zstd_chunked(write_tar, pipeline, out);
    case LayerFormat::Uncompressed:
    case LayerFormat::Gzip:
    case LayerFormat::Zstd:
      break;
  }
  TRY(write_tar(pipeline));
  SeekableLayer layer;
  layer.totals = TRY(pipeline.finish());
  return layer;
}

}  // namespace

TreeOptions tree_options(const WriteOptions& options) {
  TreeOptions tree;
  tree.user_xattrs = options.user_xattrs;
  tree.clamp_mtime = options.clamp_mtime;
  tree.part = options.part;
  tree.overlay = options.overlay;
  tree.exact_times = options.exact_times;
  return tree;
}

Result<WrittenLayer> write_layer(const std::filesystem::path& directory,
                                 const WriteOptions& options, store::ContentStore& content,
                                 ThreadPool& pool, std::stop_token stop) {
  const StreamFormat format = TRY(stream_format(options.compression, options.level));
  const std::unique_ptr<store::ContentWriter> writer = TRY(content.writer());
  std::optional<PieceSource> pieces;
  const bool compressed = options.compression != LayerFormat::Uncompressed;
  if (options.pieces != nullptr && compressed) {
    pieces.emplace(*options.pieces, TRY(options.pieces->keys()), content);
  }
  BlockPipeline pipeline(format, pool, *writer, pieces ? &*pieces : nullptr);
  const auto write_tar = [&](TarSink& sink) -> Status {
    TRY(write_tree(directory, tree_options(options), sink, stop));
    return sink.append_zeros(kTarEndBytes);
  };
  SeekableLayer written = TRY(write_format(options.compression, write_tar, pipeline, *writer));

  WrittenLayer layer;
  layer.descriptor.size = writer->bytes_written();
  layer.descriptor.digest = TRY(writer->commit());
  if (pieces) TRY(options.pieces->add(layer.descriptor.digest, written.totals.pieces));
  layer.descriptor.media_type = layer_media_type(options.compression, options.oci_types);
  layer.descriptor.annotations = std::move(written.annotations);
  layer.diff_id = written.totals.raw_digest;
  layer.tar_bytes = written.totals.raw_bytes;
  return layer;
}

}  // namespace slipway::layer
