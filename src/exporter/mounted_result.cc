#include "exporter/mounted_result.h"

namespace slipway::exporter {

Result<MountedResult> MountedResult::open(store::Store& store, store::SnapshotId snapshot) {
  MountedResult result(TRY(store.scratch_directory("export-")));
  if (snapshot.is_scratch()) return result;
  result.mount_ =
      TRY(store.snapshotter().mount(TRY(store.snapshotter().view(snapshot)), result.path()));
  return result;
}

Result<MountedResult> MountedResult::open_below(TempDir top, store::Store& store,
                                                store::SnapshotId snapshot) {
  MountedResult result(TRY(store.scratch_directory("export-")));
  store::OverlayLayers layers;
  if (!snapshot.is_scratch()) layers = TRY(store.snapshotter().view(snapshot));
  layers.lower.insert(layers.lower.begin(), top.path());
  result.top_ = std::move(top);
  result.mount_ = TRY(store.snapshotter().mount(layers, result.path()));
  return result;
}

}  // namespace slipway::exporter
