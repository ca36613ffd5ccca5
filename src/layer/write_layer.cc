#include "layer/block_pipeline.h"
#include "layer/diff.h"
#include "layer/tar_entry.h"
#include "layer/tree_writer.h"

namespace slipway::layer {

Result<WrittenLayer> write_layer(const std::filesystem::path& directory,
                                 const WriteOptions& options, store::ContentStore& content,
                                 ThreadPool& pool, std::stop_token stop) {
  const StreamFormat format = TRY(stream_format(options.compression, options.level));
  const std::unique_ptr<store::ContentWriter> writer = TRY(content.writer());
  BlockPipeline pipeline(format, pool, *writer);
  TreeOptions tree;
  tree.user_xattrs = options.user_xattrs;
  tree.clamp_mtime = options.clamp_mtime;
  TRY(write_tree(directory, tree, pipeline, stop));
  TRY(pipeline.append_zeros(kTarEndBytes));
  const BlockPipeline::Totals totals = TRY(pipeline.finish());

  WrittenLayer layer;
  layer.descriptor.size = writer->bytes_written();
  layer.descriptor.digest = TRY(writer->commit());
  layer.descriptor.media_type = layer_media_type(options.compression, options.oci_types);
  layer.diff_id = totals.raw_digest;
  layer.tar_bytes = totals.raw_bytes;
  return layer;
}

}  // namespace slipway::layer
