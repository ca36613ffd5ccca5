// The contents of /etc/hosts and /etc/resolv.conf of a step: pure text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executor/process_spec.h"

namespace slipway::executor {

std::string hosts_file(std::string_view hostname, const std::vector<HostEntry>& extra_hosts);

// Whether the first name server is an address of the loopback interface, which a container with a
// network of its own cannot reach.
bool uses_loopback_resolver(std::string_view resolv_conf);

// The host's resolv.conf with every name server replaced by `forwarder` when it is given.
std::string resolver_file(std::string_view host_resolv_conf,
                          const std::optional<std::string>& forwarder);

}  // namespace slipway::executor
