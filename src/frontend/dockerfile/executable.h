// What this program reads but does not do. Asked before anything runs, so that a build does not
// stop in its middle.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/definition.h"

namespace slipway::dockerfile {

// "# syntax=IMAGE" and the build argument BUILDKIT_SYNTAX choose the frontend. docker/dockerfile in
// any version is this one; another image is Unsupported, with the line that names it.
Status check_frontend(std::string_view text, std::string_view file,
                      const std::map<std::string, std::string>& build_args);

// Steps that need what the engine does not have: devices. All of them in one error, with lines.
Status check_steps(const graph::Definition& definition);

}  // namespace slipway::dockerfile
