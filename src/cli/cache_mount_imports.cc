#include "cli/cache_mount_imports.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "source/cache_mount_import.h"

namespace slipway::cli {

std::set<std::string> cache_mount_ids(const graph::Vertex& vertex) {
  std::set<std::string> ids;
  const auto* op = std::get_if<graph::ExecOp>(&vertex.op);
  if (op == nullptr) return ids;
  for (const graph::Mount& mount : op->mounts) {
    if (mount.type == graph::MountType::Cache && mount.cache) ids.insert(mount.cache->id);
  }
  return ids;
}

std::set<std::string> CacheMountImports::used() {
  return *used_.lock();
}

Result<CacheMountSource> CacheMountImports::load(const CacheSource& place, std::stop_token stop) {
  if (place.place == CachePlace::Local) {
    return layout_cache_mounts(place.directory, cache_mounts_tag(place.tag), std::move(stop));
  }
  const std::optional<Reference> reference = cache_mounts_reference(place.reference);
  if (!reference) return make_error(ErrorCode::NotFound, "a digest has nothing beside it");
  return registry_cache_mounts(*reference, client_, std::move(stop));
}

const std::vector<CacheMountSource>& CacheMountImports::sources(progress::VertexReporter& reporter,
                                                                std::stop_token stop) {
  const std::scoped_lock lock(loading_);
  if (sources_) return *sources_;
  sources_.emplace();
  for (const CacheSource& place : places_) {
    Result<CacheMountSource> source = load(place, stop);
    if (source) {
      sources_->push_back(*std::move(source));
    } else if (source.error().code() != ErrorCode::NotFound) {
      reporter.warn(fmt::format("cannot use the cache mounts of {}: {}", place.name(),
                                source.error().message()));
    }
  }
  return *sources_;
}

Result<std::set<std::string>> CacheMountImports::absent(std::set<std::string> ids) {
  for (const store::CacheMountInfo& mount : TRY(store::list_cache_mounts(store_)))
    ids.erase(mount.id);
  return ids;
}

// With every base that it was exported with: which one the step's mount has shows only when its
// inputs are here.
void CacheMountImports::import(const std::string& id, progress::VertexReporter& reporter,
                               std::stop_token stop) {
  for (const CacheMountSource& source : sources(reporter, stop)) {
    bool found = false;
    for (const PackedCacheMount& mount : source.mounts) {
      if (mount.id != id) continue;
      found = true;
      const Result<bool> imported = source::import_cache_mount(
          store_, *source.origin, mount, store::ExistingCache::Keep, reporter, stop);
      // A cache makes steps faster, not possible.
      if (!imported && !stop.stop_requested()) reporter.warn(imported.error().message());
    }
    if (found) return;
  }
}

void CacheMountImports::ensure(const std::string& id, progress::VertexReporter& reporter,
                               std::stop_token stop) {
  std::shared_ptr<Import> state;
  {
    auto all = imports_.lock();
    std::shared_ptr<Import>& slot = (*all)[id];
    if (slot == nullptr) slot = std::make_shared<Import>();
    state = slot;
  }
  const std::scoped_lock lock(state->mutex);
  if (!state->done) import(id, reporter, std::move(stop));
  state->done = true;
}

Result<solver::CacheMap> CacheMountImports::cache_map(const solver::StepContext& context) {
  return results_.cache_map(context);
}

Result<Digest> CacheMountImports::content_digest(const solver::StepContext& context, size_t index,
                                                 const solver::StepResult& input) {
  return results_.content_digest(context, index, input);
}

Result<std::vector<solver::StepResult>> CacheMountImports::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  const std::set<std::string> ids = cache_mount_ids(context.vertex);
  used_.lock()->insert(ids.begin(), ids.end());
  if (ids.empty() || places_.empty()) return results_.run(context, inputs);
  const std::set<std::string> wanted = TRY(absent(ids));
  if (wanted.empty()) return results_.run(context, inputs);
  std::vector<solver::StepResult> here;
  {
    const std::jthread importing([&] {
      for (const std::string& id : wanted) ensure(id, context.progress, context.stop);
    });
    for (const solver::StepResult& input : inputs) {
      here.push_back(TRY(results_.fetch(input, context.progress, context.stop)));
    }
  }
  return results_.run(context, here);
}

}  // namespace slipway::cli
