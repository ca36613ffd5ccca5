#include "exporter/layer_skeletons.h"

#include "layer/decompress.h"
#include "layer/skeleton.h"
#include "oci/layer_skeleton.h"

namespace slipway::exporter {
namespace {

Result<std::optional<std::string>> make_skeleton(store::Store& store, const Layer& layer,
                                                 const LayerChoice& choice, std::stop_token stop) {
  // A whole layer that was made here is what its directory says; others are what their blobs say.
  if (!layer.fetched && layer.parts == 1) {
    layer::WriteOptions options;
    options.clamp_mtime = choice.clamp_mtime;
    options.user_xattrs = store.core()->user_xattrs();
    return layer::skeleton_of_directory(store.snapshotter().directory(layer.snapshot), options,
                                        std::move(stop));
  }
  const Digest& blob = layer.blob.descriptor.digest;
  if (!TRY(store.content().size(blob))) return std::optional<std::string>();
  const UniqueFd fd = TRY(store.content().open(blob));
  auto skeleton =
      layer::skeleton_of_blob(layer::fd_stream(fd.get()), layer.blob.diff_id, std::move(stop));
  // A damaged copy is no reason to fail: the registry may have a good one.
  if (!skeleton && skeleton.error().code() == ErrorCode::InvalidInput) {
    return std::optional<std::string>();
  }
  return skeleton;
}

}  // namespace

Result<std::optional<Descriptor>> ensure_skeleton(store::Store& store, const Layer& layer,
                                                  const LayerChoice& choice, std::stop_token stop) {
  using Skeleton = std::optional<Descriptor>;
  if (layer.snapshot.is_scratch()) return Skeleton();
  const std::string variant = "skeleton:1:" + layer.blob.descriptor.digest.str();
  const std::optional<store::LayerBlob> known =
      TRY(store.layers().find_blob(layer.snapshot, variant));
  if (known && TRY(store.content().size(known->descriptor.digest))) {
    return Skeleton(known->descriptor);
  }
  const std::optional<std::string> bytes =
      TRY(make_skeleton(store, layer, choice, std::move(stop)));
  if (!bytes) return Skeleton();
  store::LayerBlob made;
  made.descriptor.media_type = kLayerSkeletonType;
  made.descriptor.size = bytes->size();
  made.descriptor.digest = TRY(store.content().put(*bytes));
  made.diff_id = layer.blob.diff_id;
  TRY(store.layers().add_blob(layer.snapshot, variant, made));
  return Skeleton(std::move(made.descriptor));
}

}  // namespace slipway::exporter
