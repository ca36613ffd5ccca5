#include "layer/block_pipeline.h"
#include "layer/diff.h"
#include "layer/tar_entry.h"
#include "layer/tree_writer.h"

namespace slipway::layer {

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
  const bool compressed = options.compression != Compression::Uncompressed;
  if (options.pieces != nullptr && compressed) pieces.emplace(*options.pieces, content);
  BlockPipeline pipeline(format, pool, *writer, pieces ? &*pieces : nullptr);
  TRY(write_tree(directory, tree_options(options), pipeline, stop));
  TRY(pipeline.append_zeros(kTarEndBytes));
  const BlockPipeline::Totals totals = TRY(pipeline.finish());

  WrittenLayer layer;
  layer.descriptor.size = writer->bytes_written();
  layer.descriptor.digest = TRY(writer->commit());
  if (pieces) TRY(options.pieces->add(layer.descriptor.digest, totals.pieces));
  layer.descriptor.media_type = layer_media_type(options.compression, options.oci_types);
  layer.diff_id = totals.raw_digest;
  layer.tar_bytes = totals.raw_bytes;
  return layer;
}

}  // namespace slipway::layer
