#include "exporter/cache_mount_packer.h"

#include <sys/stat.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/check.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "exporter/cache_selection.h"
#include "layer/diff.h"
#include "layer/layer_split.h"
#include "layer/tree_links.h"
#include "oci/manifest.h"

namespace slipway::exporter {
namespace {

// The sizes decide what a chunk is: a change of them sends every cache again. Smaller than the
// parts of images, as no container engine has to stack them.
layer::SplitOptions split_options() {
  layer::SplitOptions options;
  options.threshold = 8 << 20;
  options.smallest_part = 2 << 20;
  options.whole_directory = options.whole_package = 8 << 20;
  options.bucket_bytes = 4 << 20;
  options.max_buckets = 64;
  options.max_parts = 256;
  options.overlay = false;
  options.spread_everything = true;
  return options;
}

layer::WriteOptions write_options(store::Store& store) {
  layer::WriteOptions options;
  options.compression = LayerFormat::Zstd;
  options.pieces = &store.pieces();
  options.overlay = false;
  options.exact_times = true;
  return options;
}

Result<std::vector<CacheMountChunk>> write_chunks(store::Store& store,
                                                  const std::filesystem::path& directory,
                                                  ThreadPool& pool, const std::stop_token& stop) {
  const std::vector<layer::LayerPart> parts =
      TRY(layer::plan_split(directory, split_options(), stop));
  const size_t count = std::max<size_t>(parts.size(), 1);
  // The biggest first, so that none is left alone at the end.
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = i;
  if (!parts.empty()) {
    std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return parts[i].bytes; });
  }
  std::vector<std::optional<Result<layer::WrittenLayer>>> written(count);
  pool.parallel_for(count, [&](size_t i) {
    layer::WriteOptions options = write_options(store);
    if (!parts.empty()) options.part = &parts[order[i]];
    written[order[i]].emplace(layer::write_layer(directory, options, store.content(), pool, stop));
  });
  std::vector<CacheMountChunk> chunks;
  for (std::optional<Result<layer::WrittenLayer>>& layer : written) {
    const layer::WrittenLayer one = TRY(*std::move(layer));
    chunks.push_back({one.descriptor, one.diff_id, one.tar_bytes});
  }
  return chunks;
}

// One cache that is held.
Result<PackedCacheMount> pack(store::Store& store, const store::CacheMountInfo& info,
                              const CacheSelection& selection, ThreadPool& pool,
                              const std::stop_token& stop) {
  const std::filesystem::path whole = store.cache_mounts().directory(info.number);
  struct stat attributes;
  if (::stat(whole.c_str(), &attributes) != 0) return errno_error("stat {}", whole.string());
  PackedCacheMount packed;
  packed.id = info.id;
  packed.base = info.base;
  packed.uid = attributes.st_uid;
  packed.gid = attributes.st_gid;
  packed.mode = attributes.st_mode & 07777;
  packed.files = selection.files;
  packed.bytes = selection.bytes;
  if (selection.left_out.empty()) {
    packed.chunks = TRY(write_chunks(store, whole, pool, stop));
    return packed;
  }
  const std::filesystem::path scratch = TRY(store.scratch_path("cache-export-")).parent_path();
  const TempDir some = TRY(TempDir::create(scratch, "cache-export-"));
  TRY(layer::link_tree_over(whole, some.path(), selection.left_out, stop));
  packed.chunks = TRY(write_chunks(store, some.path(), pool, stop));
  return packed;
}

}  // namespace

Result<std::vector<PackedCacheMount>> pack_cache_mounts(store::Store& store,
                                                        std::vector<store::CacheMountInfo> mounts,
                                                        const PackLimits& limits, ThreadPool& pool,
                                                        progress::VertexReporter& reporter,
                                                        std::stop_token stop) {
  std::ranges::stable_sort(mounts, std::greater(), &store::CacheMountInfo::last_used);
  std::vector<PackedCacheMount> packed;
  uint64_t room = limits.max_bytes;
  for (const store::CacheMountInfo& info : mounts) {
    const std::string shown = store::shown_id(info.id);
    const std::string status = "packing " + shown;
    const progress::Time started = std::chrono::system_clock::now();
    reporter.status(status, 0, 0, started, false);
    const auto held = TRY(store::hold_cache_mount(store, info.number, limits.patience, stop));
    if (!held) {
      reporter.warn(fmt::format("cache mount {} is left out: a step is using it", shown));
      reporter.status(status, 0, 0, started, true);
      continue;
    }
    const Result<CacheSelection> selection =
        select_recent(store.cache_mounts().directory(info.number), room, stop);
    if (!selection && selection.error().code() == ErrorCode::NotFound) continue;  // removed by now
    if (!selection) return selection.error();
    if (!selection->left_out.empty()) {
      reporter.warn(fmt::format(
          "cache mount {}: {}, what was used longest ago, is left out: all may have {} together",
          shown, human_bytes(selection->left_out_bytes), human_bytes(limits.max_bytes)));
    }
    const bool nothing_fits = selection->bytes == 0 && !selection->left_out.empty();
    if (!nothing_fits) {
      packed.push_back(
          TRY(pack(store, info, *selection, pool, stop).context("pack cache mount " + shown)));
      room -= selection->bytes;
    }
    const auto bytes = static_cast<int64_t>(selection->bytes);
    reporter.status(status, bytes, bytes, started, true);
  }
  return packed;
}

Result<AssembledImage> assemble_cache_mounts(std::vector<PackedCacheMount> mounts,
                                             store::ContentStore& content) {
  CHECK(!mounts.empty());
  CacheMountArtifact artifact = to_artifact(std::move(mounts));
  AssembledImage image;
  image.layers = std::move(artifact.layers);
  image.config = TRY(put_blob(content, artifact.config, kCacheMountsConfigType));
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.artifact_type = kCacheMountsArtifactType;
  manifest.config = image.config;
  manifest.layers = image.layers;
  image.manifest = TRY(put_blob(content, to_json(manifest), media_type::kOciManifest));
  image.manifest.artifact_type = kCacheMountsArtifactType;
  return image;
}

}  // namespace slipway::exporter
