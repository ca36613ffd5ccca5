#include "exporter/mounted_result.h"

#include "base/file_io.h"

namespace slipway::exporter {

Result<MountedResult> MountedResult::open(store::Store& store, store::SnapshotId snapshot) {
  const std::filesystem::path scratch = TRY(store.scratch_path("export"));
  TRY(make_directories(scratch.parent_path()));
  MountedResult result(TRY(TempDir::create(scratch.parent_path(), "export-")));
  if (snapshot.is_scratch()) return result;
  result.mount_ =
      TRY(store.snapshotter().mount(TRY(store.snapshotter().view(snapshot)), result.path()));
  return result;
}

}  // namespace slipway::exporter
