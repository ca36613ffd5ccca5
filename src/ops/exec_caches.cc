#include "ops/exec_caches.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <tuple>

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

constexpr auto kShortPause = std::chrono::milliseconds(1);

// Each time longer.
Status wait(const store::CacheMountSpec& spec, std::chrono::milliseconds& pause,
            const std::stop_token& stop) {
  if (stop.stop_requested()) {
    return make_error(ErrorCode::Cancelled, "wait for cache mount {}: cancelled", spec.id);
  }
  std::this_thread::sleep_for(pause);
  pause = std::min(pause * 2, std::chrono::milliseconds(50));
  return {};
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

Result<ExecCaches::Specs> ExecCaches::specs_of(const std::vector<ExecCache>& caches,
                                               std::stop_token stop) {
  Specs specs;
  for (const ExecCache& cache : caches) {
    names_.emplace_back(cache.option.id, TRY(base_of(cache, stop)));
    const store::CacheMountSharing sharing = sharing_of(cache.option.sharing);
    const auto [place, added] = specs.try_emplace(names_.back());
    store::CacheMountSpec& spec = place->second;
    if (!added) {
      spec.sharing = stricter(spec.sharing, sharing);
      spec.readonly = spec.readonly && cache.readonly;
      spec.linkable = false;
      continue;
    }
    std::tie(spec.id, spec.base) = names_.back();
    spec.sharing = sharing;
    spec.readonly = cache.readonly;
    spec.linkable = !cache.place.empty();
    spec.destination_length = cache.place.size();
    if (!spec.base.empty()) {
      spec.populate = [this, &cache, stop](const std::filesystem::path& directory) {
        return populate(cache, directory, stop);
      };
    }
  }
  return specs;
}

// Waits for each in turn. Returns those that another step of this process offers.
Result<std::vector<CacheName>> ExecCaches::take_locks(const Specs& specs, std::stop_token stop) {
  std::vector<CacheName> offered;
  for (const auto& [name, spec] : specs) {
    auto pause = kShortPause;
    for (;;) {
      if (spec.sharing == store::CacheMountSharing::Shared && hosts_.is_offered(name)) {
        offered.push_back(name);
        break;
      }
      std::optional<store::CacheMountLease> lease = TRY(store_.cache_mounts().try_acquire(spec));
      if (lease) {
        leases_.emplace(name, *std::move(lease));
        break;
      }
      TRY(wait(spec, pause, stop));
    }
  }
  return offered;
}

// Never waits. False: one of them is neither offered any more nor free.
Result<bool> ExecCaches::join(const std::vector<CacheName>& names, const Specs& specs) {
  for (const CacheName& name : names) {
    if (std::optional<CacheHosts::Guest> guest = hosts_.join(name)) {
      guests_.emplace(name, *std::move(guest));
      continue;
    }
    std::optional<store::CacheMountLease> lease =
        TRY(store_.cache_mounts().try_acquire(specs.at(name)));
    if (!lease) return false;
    leases_.emplace(name, *std::move(lease));
  }
  return true;
}

Status ExecCaches::acquire(const std::vector<ExecCache>& caches, std::stop_token stop) {
  const Specs specs = TRY(specs_of(caches, stop));
  if (specs.empty()) return {};
  auto pause = kShortPause;
  for (;;) {
    const std::vector<CacheName> offered = TRY(take_locks(specs, stop));
    if (TRY(join(offered, specs))) return {};
    release();
    TRY(wait(specs.begin()->second, pause, stop));
  }
}

const std::filesystem::path& ExecCaches::path(size_t index) const {
  const auto guest = guests_.find(names_.at(index));
  return guest != guests_.end() ? guest->second.path() : leases_.at(names_.at(index)).path();
}

store::CacheMountLease* ExecCaches::lease(size_t index) {
  const auto lease = leases_.find(names_.at(index));
  return lease == leases_.end() ? nullptr : &lease->second;
}

void ExecCaches::release() {
  guests_.clear();
  leases_.clear();
}

}  // namespace slipway::ops
