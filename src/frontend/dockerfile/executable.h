// What this program or this machine does not do. Asked before anything runs, so that a build does
// not stop in its middle.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/definition.h"

namespace slipway::dockerfile {

// "# syntax=IMAGE" and the build argument BUILDKIT_SYNTAX choose the frontend. docker/dockerfile in
// any version is this one; another image is Unsupported, with the line that names it.
Status check_frontend(std::string_view text, std::string_view file,
                      const std::map<std::string, std::string>& build_args);

// Asks about the devices of every step that requests some. The first error, at the lines of all
// steps that have it.
using DeviceCheck = std::function<Status(const std::vector<graph::CdiDevice>& requests)>;
Status check_devices(const graph::Definition& definition, const DeviceCheck& check);

}  // namespace slipway::dockerfile
