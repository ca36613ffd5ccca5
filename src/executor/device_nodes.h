// Device nodes for a container: the host's own, or new ones.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "executor/cdi_spec.h"
#include "executor/user_lookup.h"

namespace slipway::executor {

// The node to mount for `node`: the host's where it is what is asked for. Where numbers, mode or
// owner are others (a container's user who is not root owns what nobody else is said to own), a new
// one is made at `own`; who may not make nodes gets the host's, if it is the same device.
Result<std::filesystem::path> device_node(const CdiDeviceNode& node, const ContainerUser& user,
                                          const std::filesystem::path& own);

}  // namespace slipway::executor
