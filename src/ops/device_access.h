// Which devices a step may have: what it requests, what this machine has, what --allow grants.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "executor/cdi_devices.h"
#include "graph/op.h"

namespace slipway::ops {

// What "--allow device", "--allow device=NAME" and "--allow device=NAME,alias=REQUEST" grant.
struct DeviceGrants {
  bool all = false;
  std::vector<std::string> requests;           // as a step would write them
  std::map<std::string, std::string> aliases;  // what a step requests -> what it gets

  // `text`: what follows "device=", or nothing.
  Status add(std::string_view text);
};

// Qualified names, each once, in the order of the requests. NotFound for a required device that is
// not there, PermissionDenied for devices that are not granted; an optional one that is not there
// is left out.
Result<std::vector<std::string>> devices_for(const std::vector<graph::CdiDevice>& requests,
                                             const executor::CdiDevices& devices,
                                             const DeviceGrants& grants);

}  // namespace slipway::ops
