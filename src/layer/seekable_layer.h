// The seekable layer formats: tar streams whose files can be read one by one. Both are plain gzip
// or zstd to those who know no better. docs/layers.md has their shape.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "layer/block_pipeline.h"
#include "layer/tar_sink.h"
#include "store/content_store.h"

namespace slipway::layer {

// Writes a whole archive, its end mark included.
using WriteTar = std::function<Status(TarSink&)>;

struct SeekableLayer {
  BlockPipeline::Totals totals;
  std::map<std::string, std::string> annotations;  // that a descriptor of the blob needs
};

// Everything goes to `out`, which `pipeline` writes to; nothing may have been written before.
Result<SeekableLayer> write_estargz(const WriteTar& write_tar, BlockPipeline& pipeline,
                                    store::ContentWriter& out);
Result<SeekableLayer> write_zstd_chunked(const WriteTar& write_tar, BlockPipeline& pipeline,
                                         store::ContentWriter& out);

}  // namespace slipway::layer
