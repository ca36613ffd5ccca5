// Layers in both directions: a snapshot's own directory (overlay upper form) to a tar stream, and
// back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "layer/layer_part.h"
#include "layer/tar_reader.h"
#include "oci/layer_format.h"
#include "store/content_store.h"
#include "store/piece_index.h"

namespace slipway::layer {

struct WriteOptions {
  LayerFormat compression = LayerFormat::Gzip;
  int level = -1;  // -1: the default of the format (gzip and estargz 0-9, zstd 0-22)
  bool oci_types = true;
  // Modification times later than this (seconds since the epoch) become this: rewrite-timestamp.
  std::optional<int64_t> clamp_mtime;
  // Attributes of overlayfs in a user namespace ("user.overlay.") instead of "trusted.overlay.".
  bool user_xattrs = false;
  // Where compressed pieces of other layers are found and those of this one are noted; null: every
  // block is compressed. The bytes are the same.
  store::PieceIndex* pieces = nullptr;
  // Only this part of the directory; null: all of it.
  const LayerPart* part = nullptr;
  // The directory is an overlay's upper directory; else no name or attribute has a meaning of its
  // own (a cache mount).
  bool overlay = true;
  // Times to the nanosecond: for trees that only we read.
  bool exact_times = false;
};

struct WrittenLayer {
  Descriptor descriptor;  // of the compressed blob, with its toc_annotations()
  Digest diff_id;         // of the tar stream
  uint64_t tar_bytes = 0;
};

// Writes the entries of `directory` as one layer into `content`: tar in one deterministic order
// (parents before children, names by byte order), whiteouts as .wh. files (OCI image-spec
// layer.md), hard links, xattrs (security.capability and user.*), device nodes; times in whole
// seconds as BuildKit's. Blocks (docs/layers.md) are compressed in parallel on `pool`; the bytes do
// not depend on the number of threads. Memory is bounded.
Result<WrittenLayer> write_layer(const std::filesystem::path& directory,
                                 const WriteOptions& options, store::ContentStore& content,
                                 ThreadPool& pool, std::stop_token stop);

// The diff ID that write_layer() would give, at the speed of hashing; nullopt for estargz, of which
// only compressing tells it: the archive's table of contents has the places in the blob.
Result<std::optional<Digest>> layer_diff_id(const std::filesystem::path& directory,
                                            const WriteOptions& options, std::stop_token stop);

// What is known of a layer without reading a file.
struct LayerOutline {
  // Over what write_layer() would write but the data of files, and over how it would compress it:
  // layers that differ here are different.
  Digest headers;
  // Over the inodes (inode_names.h) of its files: layers that agree here and above are equal, as
  // long as no file is written in place. Empty where the file system does not say enough.
  Digest inodes;
};
Result<LayerOutline> layer_outline(const std::filesystem::path& directory,
                                   const WriteOptions& options, std::stop_token stop);

struct ApplyOptions {
  bool user_xattrs = false;
  // The blob is a skeleton (skeleton.h): empty files become sockets.
  bool skeleton = false;
  // As in WriteOptions: whether names that start with ".wh." mean something.
  bool overlay = true;
  // A stream that is longer than this, decompressed, is refused.
  uint64_t max_tar_bytes = UINT64_MAX;
};

struct AppliedLayer {
  Digest diff_id;
  uint64_t tar_bytes = 0;
  // Directories ("usr/lib") that entries lie in but that the layer does not describe itself: they
  // were created as root's with mode 0755, for adopt_directories() to set right.
  std::vector<std::string> implied_directories;
};

// Unpacks a layer blob (any compression, found by its first bytes) into the empty `directory` in
// overlay upper form: whiteouts become 0:0 character devices, opaque markers the xattr. Independent
// of parents, so layers of one image can be unpacked in any order and in parallel. Hostile input:
// entries that leave the directory are refused.
Result<AppliedLayer> apply_layer(ByteStream blob, const std::filesystem::path& directory,
                                 const ApplyOptions& options, std::stop_token stop);
Result<AppliedLayer> apply_layer(int blob_fd, const std::filesystem::path& directory,
                                 const ApplyOptions& options, std::stop_token stop);

// Gives directories that a layer only implies the owner, mode, times and attributes they have in
// the layers below (`lower`: their directories, topmost first), so that the merged view does not
// change them. For the caller that unpacked all layers of an image; needed only for layers from
// tools that leave parents out.
Status adopt_directories(const std::filesystem::path& directory,
                         const std::vector<std::string>& implied,
                         const std::vector<std::filesystem::path>& lower, bool user_xattrs);

}  // namespace slipway::layer
