// Configs of remote caches: parsed, searched, written and parsed again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cache/key_graph.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)cache::parse_cache_records(text, 3).has_value();
  const auto config = cache::parse_cache_config(text);
  if (!config) return 0;
  const auto again = cache::parse_cache_config(to_json(*config));
  if (!again || !(*again == *config)) std::abort();
  std::map<Digest, cache::CachedLayer> layers;
  for (const cache::ConfigLayer& layer : config->layers) layers[layer.blob] = {};
  const cache::KeyGraph graph(*config, layers);
  cache::KeyGraph::Items all;
  for (uint32_t i = 0; i < config->records.size(); ++i) all.push_back(i);
  (void)graph.result(all);
  return 0;
}
