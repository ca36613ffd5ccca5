#include "ops/exec_caches.h"

#include <sys/stat.h>
#include <unistd.h>

#include "ops/file_copy.h"
#include "source/snapshot_tree.h"

namespace slipway::ops {
namespace {

store::CacheMountSharing stricter(store::CacheMountSharing a, store::CacheMountSharing b) {
  return std::max(a, b);  // Shared < Private < Locked
}

store::CacheMountSharing sharing_of(graph::CacheSharing sharing) {
  switch (sharing) {
    case graph::CacheSharing::Shared:
      return store::CacheMountSharing::Shared;
    case graph::CacheSharing::Private:
      return store::CacheMountSharing::Private;
    case graph::CacheSharing::Locked:
      return store::CacheMountSharing::Locked;
  }
  __builtin_unreachable();
}

}  // namespace

// By content, so that the cache outlives the snapshot it was made from.
Result<std::string> ExecCaches::base_of(const ExecCache& cache, std::stop_token stop) {
  if (!cache.has_initial || cache.initial.is_scratch()) return std::string();
  source::Selection selection;
  selection.path = "/" + cache.selector;
  selection.follow_links = true;
  return TRY(source::snapshot_digest(store_, cache.initial, selection, &pool_, stop)).str();
}

Status ExecCaches::populate(const ExecCache& cache, const std::filesystem::path& directory,
                            std::stop_token stop) {
  TreeRules rules;
  rules.user_xattrs = rootless_;
  const Tree source =
      TRY(Tree::open(TRY(store_.snapshotter().view(cache.initial)), std::move(rules)));
  const std::string path = TRY(source.resolve("/" + cache.selector, true));
  const auto attributes = TRY(source.stat(path));
  if (!attributes || !S_ISDIR(attributes->st_mode)) {
    return make_error(ErrorCode::NotFound, "\"{}\": not found, or no directory", cache.selector);
  }
  graph::FileCopy copy;
  copy.src = path;
  copy.dest = "/";
  copy.dir_copy_contents = true;
  store::OverlayLayers layers;
  layers.upper = directory;
  FileTarget target = TRY(FileTarget::open(layers, rootless_));
  TRY(copy_files(copy, std::nullopt, source, target, pool_, {}, stop));
  TRY(target.finish());
  if (::chown(directory.c_str(), attributes->st_uid, attributes->st_gid) != 0 ||
      ::chmod(directory.c_str(), attributes->st_mode & 07777) != 0) {
    return errno_error("set owner and mode of {}", directory.string());
  }
  return {};
}

Status ExecCaches::acquire(const std::vector<ExecCache>& caches, std::stop_token stop) {
  struct Wanted {
    const ExecCache* cache;
    store::CacheMountSharing sharing;
  };
  std::map<Key, Wanted> wanted;
  for (const ExecCache& cache : caches) {
    keys_.emplace_back(cache.option.id, TRY(base_of(cache, stop)));
    const store::CacheMountSharing sharing = sharing_of(cache.option.sharing);
    const auto [place, added] = wanted.try_emplace(keys_.back(), Wanted{&cache, sharing});
    place->second.sharing = stricter(place->second.sharing, sharing);
  }
  for (const auto& [key, want] : wanted) {
    store::CacheMountSpec spec;
    std::tie(spec.id, spec.base) = key;
    spec.sharing = want.sharing;
    if (!spec.base.empty()) {
      spec.populate = [&](const std::filesystem::path& directory) {
        return populate(*want.cache, directory, stop);
      };
    }
    leases_.emplace(key, TRY(store_.cache_mounts().acquire(spec, stop)));
  }
  return {};
}

const std::filesystem::path& ExecCaches::path(size_t index) const {
  return leases_.at(keys_.at(index)).path();
}

}  // namespace slipway::ops
