// The text forms of a target's entries, as buildx reads them: "type=registry,ref=x", "id=s,src=f".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/bake/definition.h"

namespace slipway::bake {

// A cache: "type=...,key=value" or the name of an image alone ("a,b": two of them).
Result<std::vector<Fields>> parse_caches(const std::vector<std::string>& texts);
// An output: "type=...,dest=..."; a path alone is type=local, "-" is type=tar.
Result<Fields> parse_output(std::string_view text);
Result<SecretSpec> parse_secret(std::string_view text);
SshSpec parse_ssh(std::string_view text);
Result<Attestation> parse_attestation(std::string_view text);
// "nofile=1024:2048" or "nofile=1024".
Result<UlimitSpec> parse_ulimit(std::string_view text);
std::string to_string(const UlimitSpec& ulimit);

// "filename=policy.rego,strict=true".
Result<PolicySpec> parse_policy(std::string_view text);
Result<PolicySpec> policy_of_fields(const std::vector<std::string>& fields);
// One limit by its name, as --set resources.NAME=VALUE.
Status set_resource(ResourceLimits& limits, std::string_view name, const std::string& value);

// The attestation that --sbom or --provenance (or compose's keys) ask for: "true", "false",
// "mode=max". Nothing where `value` is empty.
Result<std::optional<Attestation>> attestation_of(std::string_view type, std::string_view value);

// The entries of a list, empty texts left out.
Result<std::vector<Fields>> parse_outputs(const std::vector<std::string>& texts);
Result<std::vector<SecretSpec>> parse_secrets(const std::vector<std::string>& texts);
std::vector<SshSpec> parse_ssh_list(const std::vector<std::string>& texts);

// Whether a context is somewhere else: a git repository or a URL.
bool is_remote(std::string_view context);

}  // namespace slipway::bake
