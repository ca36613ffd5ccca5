// LayerStarter: an OpRunner that passes everything on and, when a step has run whose result will be
// in an exported image, has its layers made at once (exporter/early_layers.h). The scheduler knows
// nothing of it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "exporter/early_layers.h"
#include "graph/definition.h"
#include "solver/op_runner.h"

namespace slipway::cli {

class LayerStarter final : public solver::OpRunner {
 public:
  // Both outlive it.
  LayerStarter(solver::OpRunner& runner, exporter::EarlyLayers& layers)
      : runner_(runner), layers_(layers) {}

  // The root of `definition` will be exported with such layers. Call before it is solved.
  // Thread-safe.
  void watch(const graph::Definition& definition, const exporter::LayerChoice& choice);

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  using Output = std::pair<Digest, size_t>;  // of a vertex

  solver::OpRunner& runner_;
  exporter::EarlyLayers& layers_;
  Guarded<std::multimap<Output, exporter::LayerChoice>> watched_;
};

}  // namespace slipway::cli
