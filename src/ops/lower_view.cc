#include "ops/lower_view.h"

#include "base/text.h"

namespace slipway::ops {

Result<LowerView> LowerView::open(const std::vector<std::filesystem::path>& layers,
                                  const std::vector<CachePlace>& caches) {
  LowerView view;
  store::OverlayLayers stack;
  stack.lower = layers;
  view.layers_ = TRY(Tree::open(stack, {}));
  for (const CachePlace& cache : caches) {
    view.destinations_.push_back(cache.destination == "/" ? "" : cache.destination);
    TreeRules rules;
    rules.overlay = false;
    view.caches_.push_back(TRY(Tree::open_directory(cache.directory, std::move(rules))));
  }
  return view;
}

std::optional<size_t> LowerView::cache_at(const std::string& path) const {
  for (size_t i = 0; i < destinations_.size(); ++i) {
    if (destinations_[i] == path) return i;
  }
  return std::nullopt;
}

Result<LowerView::Place> LowerView::root() const {
  const std::optional<size_t> cache = cache_at("");
  return Place{cache ? caches_[*cache].root() : layers_->root(), "", cache};
}

Result<LowerView::Place> LowerView::child(const Place& parent, const std::string& name) const {
  if (parent.is_hidden) return nowhere();
  Place place{nullptr, parent.path + "/" + name, parent.cache};
  if (const std::optional<size_t> cache = cache_at(place.path)) {
    place.cache = cache;
    place.dir = caches_[*cache].root();
    return place;
  }
  if (!parent.dir) return place;
  const std::optional<MergedDir::Entry> entry = TRY(parent.dir->find(name));
  if (entry && S_ISDIR(entry->info.st_mode)) place.dir = TRY(parent.dir->child(name));
  return place;
}

Result<LowerView::Place> LowerView::at(const std::string& path) const {
  Place place = TRY(root());
  std::string_view rest = path;
  // Straight into a cache: no layer of the image has a say in it.
  for (size_t i = 0; i < destinations_.size(); ++i) {
    const std::string& destination = destinations_[i];
    if (!path.starts_with(destination + "/") && path != destination) continue;
    place = {caches_[i].root(), destination, i};
    rest.remove_prefix(destination.size());
  }
  for (const std::string& name : split(rest, '/')) {
    if (!name.empty()) place = TRY(child(place, name));
  }
  return place;
}

}  // namespace slipway::ops
