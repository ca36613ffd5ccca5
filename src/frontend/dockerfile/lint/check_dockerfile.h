// One Dockerfile checked as `docker build --check` does: all rules, on all stages unless a target
// is named, without building anything.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/lint/linter.h"

namespace slipway::dockerfile {

struct CheckResult {
  std::vector<Finding> findings;  // in the order in which BuildKit reports them
  // What a build would fail with, "error=true" included. The findings are those up to there.
  std::optional<Error> error;
  std::optional<Conversion> conversion;  // of the target, where there is no error
};

// `options` as for convert(); its linter and all_stages are set here.
CheckResult check_dockerfile(std::string_view text, ConvertOptions options,
                             ImageResolver& resolver);

}  // namespace slipway::dockerfile
