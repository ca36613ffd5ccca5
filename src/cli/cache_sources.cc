#include "cli/cache_sources.h"

#include <thread>

#include <fmt/format.h>

#include "cache/remote_cache.h"
#include "cli/internal_step.h"
#include "source/oci_layout.h"

namespace slipway::cli {
namespace {

Result<LoadedCache> load_registry(const CacheSource& source, registry::Client& client,
                                  std::stop_token stop) {
  LoadedCache loaded;
  loaded.reference = source.reference;
  loaded.origin = std::make_shared<source::RegistryOrigin>(client, source.reference);
  const Descriptor target = TRY(client.resolve(source.reference, stop));
  loaded.caches = TRY(cache::load_remote_cache(target, [&](const Descriptor& wanted) {
    return client.fetch_manifest(source.reference, wanted, stop);
  }));
  return loaded;
}

Result<LoadedCache> load_layout(const CacheSource& source, std::stop_token stop) {
  LoadedCache loaded;
  const std::shared_ptr<source::OciLayout> layout = TRY(source::OciLayout::open(source.directory));
  loaded.origin = layout;
  const Descriptor target = source.digest.empty() ? TRY(layout->find_tag(source.tag))
                                                  : TRY(layout->find_digest(source.digest));
  loaded.caches = TRY(cache::load_remote_cache(
      target, [&](const Descriptor& wanted) { return layout->read(wanted, stop); }));
  return loaded;
}

Result<LoadedCache> load(const CacheSource& source, registry::Client& client,
                         std::stop_token stop) {
  if (source.place == CachePlace::Local) return load_layout(source, stop);
  return load_registry(source, client, stop);
}

}  // namespace

std::vector<LoadedCache> load_cache_sources(const std::vector<CacheSource>& sources,
                                            registry::Client& client, progress::Sink& progress,
                                            std::stop_token stop) {
  std::vector<std::optional<LoadedCache>> loaded(sources.size());
  {
    // Most of the time is spent waiting for registries, so each source has its thread.
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < sources.size(); ++i) {
      threads.emplace_back([&, i] {
        const std::string name = sources[i].name();
        InternalStep step(progress, "importing cache manifest from " + name);
        Result<LoadedCache> cache = load(sources[i], client, stop);
        if (!cache) {
          step.reporter().warn(
              fmt::format("cannot use the cache {}: {}", name, cache.error().message()));
        } else if (cache->caches.empty()) {
          step.reporter().warn(fmt::format("{} has no cache in it", name));
        } else {
          loaded[i] = *std::move(cache);
        }
        step.end({});
      });
    }
  }
  std::vector<LoadedCache> result;
  for (std::optional<LoadedCache>& cache : loaded) {
    if (cache) result.push_back(*std::move(cache));
  }
  return result;
}

}  // namespace slipway::cli
