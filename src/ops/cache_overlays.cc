#include "ops/cache_overlays.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/file_io.h"
#include "ops/entry_metadata.h"
#include "ops/link_claims.h"
#include "ops/settle_upper.h"

namespace slipway::ops {

Result<std::filesystem::path> CacheOverlays::fresh_directory() {
  std::filesystem::path path = directory_ / ("cache" + std::to_string(next_++));
  TRY(make_directories(path));
  return path;
}

Status CacheOverlays::place(store::CacheMountLease& lease, const CacheName& name, const Tree& image,
                            const std::string& destination) {
  const std::filesystem::path path = TRY(fresh_directory());
  CacheWrapper wrapper =
      TRY(CacheWrapper::create(image, destination, lease.path(), path / "wrapper"));
  placed_.push_back({lease, name, std::move(wrapper), std::nullopt, std::nullopt});
  return {};
}

Result<std::filesystem::path> CacheOverlays::mount_apart(store::CacheMountLease& lease) {
  const std::filesystem::path path = TRY(fresh_directory());
  store::OverlayLayers layers;
  layers.lower = {lease.path()};
  layers.upper = path / "upper";
  layers.work = path / "work";
  layers.refer_to_lower = TRY(store_.snapshotter().can_refer());
  const std::filesystem::path target = path / "merged";
  for (const std::filesystem::path& made : {layers.upper, layers.work, target}) {
    TRY(make_directories(made));
  }
  const UniqueFd cache = TRY(open_file(lease.path(), O_RDONLY | O_DIRECTORY));
  const UniqueFd upper = TRY(open_file(layers.upper, O_RDONLY | O_DIRECTORY));
  TRY(copy_directory(cache.get(), upper.get()));
  Mount mount = TRY(store_.snapshotter().mount(layers, target));
  apart_.push_back({lease, std::move(layers), std::move(mount)});
  return target;
}

std::vector<std::filesystem::path> CacheOverlays::layers() const {
  std::vector<std::filesystem::path> layers;
  for (const Placed& placed : placed_) {
    for (std::filesystem::path& layer : placed.wrapper.layers()) layers.push_back(std::move(layer));
  }
  return layers;
}

Status CacheOverlays::offer(CacheHosts& hosts, const std::filesystem::path& rootfs) {
  for (Placed& placed : placed_) {
    if (!placed.lease.may_be_joined()) continue;
    const std::filesystem::path entrance = TRY(fresh_directory());
    // Before the step runs: nothing on the way can be a symlink yet.
    const std::filesystem::path inside = rootfs / placed.wrapper.destination().substr(1);
    placed.entrance = TRY(Mount::create(inside, entrance, "", MS_BIND, ""));
    placed.offer.emplace(hosts.offer(placed.name, entrance));
  }
  return {};
}

void CacheOverlays::close() {
  for (Placed& placed : placed_) {
    placed.offer.reset();
    placed.entrance.reset();
  }
}

Status CacheOverlays::finish_placed(const store::ActiveSnapshot& root,
                                    const std::vector<std::filesystem::path>& lower) {
  std::vector<CachePlace> places;
  std::vector<Placed*> caches;
  for (Placed& placed : placed_) {
    places.push_back({placed.wrapper.destination(), placed.lease.path()});
    caches.push_back(&placed);
  }
  const std::filesystem::path& upper = root.layers().upper;
  LinkClaims claims(store_, root.parent());
  SettleRules rules;
  rules.trash = TRY(fresh_directory());
  rules.expect_links = [&](size_t i) { return caches[i]->lease.expect_links(); };
  rules.may_link = [&](size_t i, const struct stat& file) {
    return claims.claim({caches[i]->lease.link_family()}, file);
  };
  const std::vector<store::CacheMountOutcome> outcomes =
      TRY(settle_upper(upper, lower, places, rules));
  (void)store_.trash().take(rules.trash).has_value();  // else it goes with our directory
  for (size_t i = 0; i < caches.size(); ++i) {
    store::CacheMountLease& lease = caches[i]->lease;
    const std::filesystem::path changes = TRY(fresh_directory()) / "changes";
    const bool changed = TRY(caches[i]->wrapper.take_changes(upper, changes));
    if (outcomes[i].linked_outside) {
      TRY(store_.links().add_families(root.id(), {lease.link_family()}));
    }
    if (changed) TRY(lease.merge(changes));
    TRY(lease.note(outcomes[i]));
  }
  return {};
}

Status CacheOverlays::finish_apart(Apart& apart) {
  TRY(apart.mount.unmount());
  SettleRules rules;  // nothing is outside that could be linked to
  rules.trash = TRY(fresh_directory());
  rules.expect_links = [&apart](size_t) { return apart.lease.expect_links(); };
  rules.may_link = [](size_t, const struct stat&) -> Result<bool> { return false; };
  const std::vector<store::CacheMountOutcome> outcomes =
      TRY(settle_upper(apart.layers.upper, {}, {{"/", apart.lease.path()}}, rules));
  (void)store_.trash().take(rules.trash).has_value();  // else it goes with our directory
  TRY(apart.lease.merge(apart.layers.upper));
  return apart.lease.note(outcomes.front());
}

Status CacheOverlays::finish(const store::ActiveSnapshot* root,
                             const std::vector<std::filesystem::path>& lower) {
  Status result;
  if (root != nullptr && has_places()) result = finish_placed(*root, lower);
  for (Apart& apart : apart_) {
    Status finished = finish_apart(apart);
    if (result) result = std::move(finished);
  }
  return result;
}

}  // namespace slipway::ops
