// The merged compose model: files read, interpolated, with what they include and extend.
#pragma once

#include <span>

#include "base/result.h"
#include "frontend/compose/compose.h"
#include "yaml/value.h"

namespace slipway::compose {

using yaml::Value;

struct Model {
  Value root;
  Environment environment;  // with COMPOSE_PROJECT_NAME
};

Result<Model> load_model(std::span<const File> files, const Options& options);

}  // namespace slipway::compose
