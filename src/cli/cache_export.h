// Exporting what a build learnt as caches: --cache-to.
#pragma once

#include <stop_token>
#include <vector>

#include "cache/cache_builder.h"
#include "cli/cache_options.h"
#include "cli/remote_results.h"
#include "exporter/exporter.h"
#include "exporter/layer_blobs.h"

namespace slipway::cli {

struct CacheExportServices {
  cache::RemoteIndex& index;
  RemoteResults& results;
  store::Store& store;
  registry::Client& registry;
  ThreadPool& pool;
};

// Layers whose names came from a remote cache, as exporters know them.
std::vector<exporter::Layer> named_layers(const cache::LayerStack& stack);

// The cache of one target's build. Keeps the services by reference.
class CacheExport {
 public:
  // `roots`: what solve() returned. `sources`: images that layers may come from. `image_layers`:
  // how the layers of the build's image are made; a cache that says nothing else has the same.
  CacheExport(const CacheExportServices& services, std::vector<solver::StepResult> roots,
              std::vector<Reference> sources, const exporter::LayerChoice& image_layers)
      : services_(services),
        roots_(std::move(roots)),
        sources_(std::move(sources)),
        image_layers_(image_layers) {}

  // Writes the cache where `target` says (not Inline).
  Status write(const CacheTarget& target, progress::VertexReporter& reporter,
               std::stop_token stop) const;
  // The records for inside of an image with these layers, made as `choice` says, as JSON; "" when
  // there is nothing to keep.
  Result<std::string> inline_json(const CacheTarget& target,
                                  const std::vector<exporter::Layer>& image_layers,
                                  const exporter::LayerChoice& choice,
                                  progress::VertexReporter& reporter, std::stop_token stop) const;

 private:
  struct Collected {
    cache::BuiltCache cache;
    std::vector<Reference> registries;  // that have layers which are only known by name
  };
  Result<Collected> collect(const CacheTarget& target, const exporter::LayerChoice& choice,
                            progress::VertexReporter& reporter, std::stop_token stop) const;

  CacheExportServices services_;
  std::vector<solver::StepResult> roots_;
  std::vector<Reference> sources_;
  exporter::LayerChoice image_layers_;
};

}  // namespace slipway::cli
