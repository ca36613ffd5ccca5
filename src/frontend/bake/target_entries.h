// The keys of a target that hold lists of entries, each a text ("type=registry,ref=x") or an
// object: read from values, and given back as the values that other targets see.
#pragma once

#include <vector>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/hcl/value.h"

namespace slipway::bake {

// The elements of a list or tuple; empty texts are left out.
Result<std::vector<Attestation>> attestations_from(const hcl::Value& value);
Result<std::vector<Fields>> caches_from(const hcl::Value& value);
Result<std::vector<Fields>> outputs_from(const hcl::Value& value);
Result<std::vector<SecretSpec>> secrets_from(const hcl::Value& value);
Result<std::vector<SshSpec>> ssh_from(const hcl::Value& value);
Result<std::vector<PolicySpec>> policies_from(const hcl::Value& value);
Result<ResourceLimits> resources_from(const hcl::Value& value);

hcl::Value to_value(const std::vector<Attestation>& attestations);
hcl::Value caches_value(const std::vector<Fields>& caches);
hcl::Value outputs_value(const std::vector<Fields>& outputs);
hcl::Value to_value(const std::vector<SecretSpec>& secrets);
hcl::Value to_value(const std::vector<SshSpec>& ssh);
hcl::Value to_value(const std::vector<PolicySpec>& policies);
hcl::Value to_value(const ResourceLimits& limits);
hcl::Type resources_type();

}  // namespace slipway::bake
