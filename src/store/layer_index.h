// LayerIndex: how snapshots and image layers stand for each other, so that a layer is compressed
// once and unpacked once, ever.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.h"
#include "store/core.h"
#include "store/snapshotter.h"

namespace slipway::store {

// The variant under which a layer is known that was fetched: nobody can make its bytes again.
inline constexpr std::string_view kFetchedVariant = "fetched";

// The OCI ChainID (image-spec config.md): `parent` is that of the layers below, empty for none.
Digest chain_id(const Digest& parent, const Digest& diff_id);

// A snapshot's own layer as a blob, or a part of it.
struct LayerBlob {
  Descriptor descriptor;  // media type, digest, size
  Digest diff_id;
  // Of a part: what it holds ("opt/venv/lib"), and what is known of it without reading files
  // (layer/diff.h, LayerOutline). Empty for a whole layer.
  std::string label = {};
  Digest outline = {};
  Digest inodes = {};
};

class LayerIndex {
 public:
  explicit LayerIndex(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // `variant` names everything that decides the bytes: compression, level, options. The blob itself
  // may be gone from the content store; its registry may still have it.
  Result<std::optional<LayerBlob>> find_blob(SnapshotId snapshot, std::string_view variant);
  Result<std::vector<LayerBlob>> blobs_of(SnapshotId snapshot);
  Status add_blob(SnapshotId snapshot, std::string_view variant, const LayerBlob& blob);
  // The same for a layer in parts, in the order in which they are stacked; none: not known.
  Result<std::vector<LayerBlob>> find_parts(SnapshotId snapshot, std::string_view variant);
  Status add_parts(SnapshotId snapshot, std::string_view variant,
                   const std::vector<LayerBlob>& parts);
  // Parts of any snapshot that have this outline.
  Result<std::vector<LayerBlob>> parts_like(const Digest& outline);

  // Digests of what was read of a snapshot, by a text that names the selection (source/).
  Result<std::optional<Digest>> find_content_digest(SnapshotId snapshot,
                                                    std::string_view selection);
  Status add_content_digest(SnapshotId snapshot, std::string_view selection, const Digest& digest);

  // The snapshot that holds the unpacked layers of this chain. Pin it before use; when pinning says
  // NotFound, unpack again.
  Result<std::optional<SnapshotId>> find_chain(const Digest& chain_id);
  // Of two processes that unpacked the same chain, the first wins: returns the snapshot to use.
  Result<SnapshotId> add_chain(const Digest& chain_id, SnapshotId snapshot);

  // What the copy of that name made last, whoever ran it: a hint, for its files to be linked to.
  // Pin it before use.
  Result<std::optional<SnapshotId>> find_latest_copy(std::string_view name);
  Status set_latest_copy(std::string_view name, SnapshotId snapshot);

 private:
  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
