#include "exporter/layer_blobs.h"

#include <algorithm>

#include <fmt/format.h>

#include "layer/diff.h"

namespace slipway::exporter {
namespace {

// The variant under which source/image_unpacker keeps what it fetched.
constexpr char kFetched[] = "fetched";

// Names everything that decides the bytes, the version of our writer included.
std::string variant_of(const LayerChoice& choice) {
  const char* name = choice.compression == Compression::Gzip   ? "gzip"
                     : choice.compression == Compression::Zstd ? "zstd"
                                                               : "tar";
  std::string variant = fmt::format("{}:{}:1", name, choice.level);
  if (choice.clamp_mtime) variant += fmt::format(":clamp={}", *choice.clamp_mtime);
  return variant;
}

Result<std::optional<store::LayerBlob>> find(store::Store& store, store::SnapshotId snapshot,
                                             const std::string& variant, bool need_content) {
  std::optional<store::LayerBlob> blob = TRY(store.layers().find_blob(snapshot, variant));
  if (!blob || !need_content) return blob;
  if (!TRY(store.content().size(blob->descriptor.digest))) blob.reset();
  return blob;
}

Result<store::LayerBlob> write(store::Store& store, store::SnapshotId snapshot,
                               const std::string& variant, const LayerChoice& choice,
                               ThreadPool& pool, std::stop_token stop) {
  layer::WriteOptions options;
  options.compression = choice.compression;
  options.level = choice.level;
  options.clamp_mtime = choice.clamp_mtime;
  options.user_xattrs = store.core()->user_xattrs();
  const layer::WrittenLayer written = TRY(layer::write_layer(
      store.snapshotter().directory(snapshot), options, store.content(), pool, std::move(stop)));
  store::LayerBlob blob{written.descriptor, written.diff_id};
  TRY(store.layers().add_blob(snapshot, variant, blob));
  return blob;
}

// Whether a fetched layer already is what is wanted.
bool fits(const store::LayerBlob& fetched, const LayerChoice& choice) {
  return !choice.force || layer_compression(fetched.descriptor.media_type) == choice.compression;
}

}  // namespace

Result<store::LayerBlob> ensure_layer_blob(store::Store& store, store::SnapshotId snapshot,
                                           const LayerChoice& choice, ThreadPool& pool,
                                           std::stop_token stop) {
  LayerChoice wanted = choice;
  const std::optional<store::LayerBlob> fetched = TRY(store.layers().find_blob(snapshot, kFetched));
  if (fetched) {
    wanted.clamp_mtime.reset();  // files of a base image keep their times
    const bool there =
        !choice.need_content || TRY(store.content().size(fetched->descriptor.digest));
    if (there && fits(*fetched, choice)) return *fetched;
  }
  const std::string variant = variant_of(wanted);
  if (auto blob = TRY(find(store, snapshot, variant, true))) return *std::move(blob);
  const store::RangeLock claim =
      TRY(store.claim(fmt::format("layer {} {}", snapshot.value, variant), stop));
  if (auto blob = TRY(find(store, snapshot, variant, true))) return *std::move(blob);
  return write(store, snapshot, variant, wanted, pool, std::move(stop))
      .context(fmt::format("write layer of snapshot {}", snapshot.value));
}

Result<std::vector<store::LayerBlob>> ensure_layer_blobs(store::Store& store,
                                                         store::SnapshotId snapshot,
                                                         const LayerChoice& choice,
                                                         ThreadPool& pool, std::stop_token stop) {
  store::LayerBlob blob = TRY(ensure_layer_blob(store, snapshot, choice, pool, std::move(stop)));
  return std::vector{std::move(blob)};
}

Result<std::vector<Layer>> ensure_layers(store::Store& store, store::SnapshotId top,
                                         const LayerChoice& choice, ThreadPool& pool,
                                         progress::VertexReporter& progress, std::stop_token stop) {
  std::vector<store::SnapshotId> ids = TRY(store.snapshotter().ancestry(top));
  std::ranges::reverse(ids);
  std::vector<std::vector<Layer>> layers(ids.size());
  std::vector<Status> results(ids.size());
  const progress::Time started = std::chrono::system_clock::now();
  progress.status("exporting layers", 0, 0, started, false);
  pool.parallel_for(ids.size(), [&](size_t i) {
    results[i] = [&]() -> Status {
      const auto blobs = TRY(ensure_layer_blobs(store, ids[i], choice, pool, stop));
      const int64_t created = TRY(store.snapshotter().created(ids[i]));
      const auto fetched = TRY(store.layers().find_blob(ids[i], kFetched));
      for (const store::LayerBlob& blob : blobs) {
        layers[i].push_back({blob, created, fetched.has_value()});
      }
      return {};
    }();
  });
  for (Status& result : results) TRY(std::move(result));
  progress.status("exporting layers", 0, 0, started, true);
  std::vector<Layer> stack;
  for (std::vector<Layer>& own : layers) std::ranges::move(own, std::back_inserter(stack));
  return stack;
}

}  // namespace slipway::exporter
