#include "cli/layer_starter.h"

#include "graph/layer_chain.h"
#include "store/result_id.h"

namespace slipway::cli {

void LayerStarter::watch(const graph::Definition& definition, const exporter::LayerChoice& choice) {
  if (!definition.root()) return;
  auto watched = watched_.lock();
  for (const graph::Edge& edge : graph::layer_chain(definition, *definition.root())) {
    const Digest& vertex = definition.vertex(edge.vertex).digest;
    watched->emplace(Output(vertex, static_cast<size_t>(edge.output)), choice);
  }
}

Result<solver::CacheMap> LayerStarter::cache_map(const solver::StepContext& context) {
  return runner_.cache_map(context);
}

Result<Digest> LayerStarter::content_digest(const solver::StepContext& context, size_t index,
                                            const solver::StepResult& input) {
  return runner_.content_digest(context, index, input);
}

Result<std::vector<solver::StepResult>> LayerStarter::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  std::vector<solver::StepResult> results = TRY(runner_.run(context, inputs));
  auto watched = watched_.lock();
  for (size_t output = 0; output < results.size(); ++output) {
    const auto snapshot = store::snapshot_of_result(results[output].id);
    if (!snapshot) continue;
    const auto [first, last] = watched->equal_range(Output(context.vertex.digest, output));
    for (auto wish = first; wish != last; ++wish) {
      layers_.want(*snapshot, results[output].keep_alive, wish->second);
    }
  }
  return results;
}

}  // namespace slipway::cli
