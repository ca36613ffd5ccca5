#include "cli/cache_mount_export.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/cache_mount_list.h"
#include "exporter/cache_mount_packer.h"
#include "exporter/image_archive.h"
#include "exporter/image_pusher.h"

namespace slipway::cli {
namespace {

// Nobody should wait for another build because of a cache.
constexpr std::chrono::seconds kPatience{10};

std::set<std::string> ids_of(const graph::Definition& definition) {
  std::set<std::string> ids;
  for (const graph::Vertex& vertex : definition.vertices()) ids.merge(cache_mount_ids(vertex));
  return ids;
}

bool contains(const std::vector<PackedCacheMount>& mounts, const std::string& id,
              const std::string& base) {
  return std::ranges::any_of(
      mounts, [&](const PackedCacheMount& mount) { return mount.id == id && mount.base == base; });
}

Result<CacheMountSource> load_previous(const CacheTarget& target, registry::Client& client,
                                       const std::stop_token& stop) {
  if (target.place == CachePlace::Local) {
    return layout_cache_mounts(target.directory, cache_mounts_tag(target.tag), stop);
  }
  return registry_cache_mounts(*cache_mounts_reference(target.reference), client, stop);
}

class Writer {
 public:
  Writer(const CacheTarget& target, std::set<std::string> ids, const CacheMountServices& services,
         progress::VertexReporter& reporter, std::stop_token stop)
      : target_(target),
        ids_(std::move(ids)),
        services_(services),
        reporter_(reporter),
        stop_(std::move(stop)) {}

  Status run() {
    // What cannot be read is written anew; whether that can be done shows when it is pushed.
    Result<CacheMountSource> previous = load_previous(target_, services_.registry, stop_);
    if (previous) previous_ = *std::move(previous);
    mounts_ = TRY(
        exporter::pack_cache_mounts(services_.store, TRY(to_pack()),
                                    {.max_bytes = target_.cache_mount_bytes, .patience = kPatience},
                                    services_.pool, reporter_, stop_));
    for (const PackedCacheMount& mount : mounts_) bytes_ += mount.bytes;
    take_over(previous_);
    if (target_.place == CachePlace::Registry) {
      for (const CacheMountSource& source : services_.imports.sources(reporter_, stop_)) {
        if (source.registry && take_over(source)) registries_.push_back(*source.registry);
      }
    }
    return mounts_.empty() ? Status() : write();
  }

 private:
  Result<std::vector<store::CacheMountInfo>> to_pack() {
    const std::set<std::string> used = services_.imports.used();
    std::vector<store::CacheMountInfo> mounts = TRY(latest_cache_mounts(services_.store));
    std::erase_if(mounts, [&](const store::CacheMountInfo& mount) {
      const bool known = contains(previous_.mounts, mount.id, mount.base);
      return !ids_.contains(mount.id) || (known && !used.contains(mount.id));
    });
    return mounts;
  }

  // Caches that we have not packed; false when there are none.
  bool take_over(const CacheMountSource& source) {
    const size_t before = mounts_.size();
    for (const PackedCacheMount& mount : source.mounts) {
      if (!ids_.contains(mount.id) || contains(mounts_, mount.id, mount.base)) continue;
      if (mount.bytes > target_.cache_mount_bytes - std::min(bytes_, target_.cache_mount_bytes)) {
        reporter_.warn(fmt::format("cache mount {} is left out: all may have {} together",
                                   store::shown_id(mount.id),
                                   human_bytes(target_.cache_mount_bytes)));
        continue;
      }
      mounts_.push_back(mount);
      bytes_ += mount.bytes;
    }
    return mounts_.size() > before;
  }

  Status write() {
    store::ContentStore& content = services_.store.content();
    const exporter::AssembledImage image =
        TRY(exporter::assemble_cache_mounts(std::move(mounts_), content));
    if (image.manifest.digest == previous_.manifest) return {};
    if (target_.place == CachePlace::Local) {
      TRY(exporter::add_layout_blobs(image.blobs(), target_.directory, content, stop_));
      return exporter::add_layout_tag(image.manifest, cache_mounts_tag(target_.tag),
                                      target_.directory);
    }
    exporter::PushOptions push;
    push.sources = registries_;
    return exporter::push_image(content, services_.registry, image.manifest,
                                *cache_mounts_reference(target_.reference), push, reporter_, stop_);
  }

  const CacheTarget& target_;
  const std::set<std::string> ids_;
  const CacheMountServices& services_;
  progress::VertexReporter& reporter_;
  const std::stop_token stop_;
  CacheMountSource previous_;  // what is there; empty: nothing
  std::vector<PackedCacheMount> mounts_;
  uint64_t bytes_ = 0;
  std::vector<Reference> registries_;  // that have chunks which are only known by name
};

}  // namespace

bool has_cache_mounts(const CacheTarget& target, const graph::Definition& definition) {
  if (target.place == CachePlace::Inline || target.cache_mount_bytes == 0) return false;
  if (target.place == CachePlace::Registry && !cache_mounts_reference(target.reference)) {
    return false;
  }
  return !ids_of(definition).empty();
}

Status write_cache_mounts(const CacheTarget& target, const graph::Definition& definition,
                          const CacheMountServices& services, progress::VertexReporter& reporter,
                          std::stop_token stop) {
  return Writer(target, ids_of(definition), services, reporter, std::move(stop)).run();
}

}  // namespace slipway::cli
