// The table of contents of a seekable layer: its members, and where the data of each lies in the
// blob, so that a reader can fetch one file. Estargz and zstd:chunked share its JSON, which comes
// from CRFS.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "layer/block_pipeline.h"
#include "layer/tar_entry.h"
#include "oci/layer_format.h"

namespace slipway::layer {

struct TocEntry {
  TarEntry entry;
  // Of a file with data: its chunks among all of the layer, one after the other, and the digest of
  // the data where one chunk does not say it.
  size_t first_chunk = 0;
  size_t chunks = 0;
  Digest digest;
};

// `tar_split`: the digest of that frame (tar_split.h), empty for none.
std::string toc_json(LayerFormat format, const std::vector<TocEntry>& entries,
                     std::span<const Chunk> chunks, const Digest& tar_split);

}  // namespace slipway::layer
