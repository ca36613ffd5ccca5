// plan_ignores: lines that a .dockerignore lacks. What they leave out is made by tools from the
// rest, or git does not have it, and no instruction names it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/advice/advice.h"
#include "frontend/dockerfile/fix/fix.h"

namespace slipway::dockerfile {

struct IgnoreInput {
  std::string text;               // of the ignore file; empty where there is none
  ContextFiles* files = nullptr;  // as that file lets them through
  // All Dockerfiles that are built with it.
  std::vector<const Dockerfile*> dockerfiles;
};

struct IgnorePlan {
  std::string text;                   // of the file; equal to the input's where nothing is added
  std::vector<std::string> patterns;  // that were added
  std::vector<Fixed> fixes;           // no lines: they are about the whole context
  std::vector<Left> left;
};

Result<IgnorePlan> plan_ignores(const IgnoreInput& input);

}  // namespace slipway::dockerfile
