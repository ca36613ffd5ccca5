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

// The services' names can be those of targets.
Result<Model> load_model(std::span<const File> files, const Options& options);

// What a service is called as a target, which has no dots in its name.
std::string target_name(std::string service);

}  // namespace slipway::compose
