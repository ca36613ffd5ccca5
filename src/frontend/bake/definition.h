// What compose and bake files define: targets with what they leave open, and groups of them.
// resolve.h makes the finished targets (target.h) of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/bake/target.h"

namespace slipway::bake {

// An attestation: "type=provenance,mode=max". Off where disabled.
struct Attestation {
  std::string type;
  bool disabled = false;
  std::map<std::string, std::string> attributes;
  bool operator==(const Attestation&) const = default;
};

struct SecretSpec {
  std::string id;
  std::string file;
  std::string env;
  bool operator==(const SecretSpec&) const = default;
};

struct SshSpec {
  std::string id;
  std::vector<std::string> paths;
  auto operator<=>(const SshSpec&) const = default;
};

// Limits of what a step may use. Read and printed; building with them is refused.
struct ResourceLimits {
  std::optional<std::string> memory;
  std::optional<std::string> memory_swap;
  std::optional<int64_t> cpu_shares;
  std::optional<int64_t> cpu_period;
  std::optional<int64_t> cpu_quota;
  std::optional<std::string> cpuset_cpus;
  std::optional<std::string> cpuset_mems;
};

// A source policy. Read and printed; building with one is refused.
struct PolicySpec {
  std::vector<std::string> files;
  bool reset = false;
  bool disabled = false;
  std::optional<bool> strict;
  std::optional<std::string> log_level;
};

// Something a file asks for that is understood but not done: building with it is refused.
struct Unsupported {
  std::string what;  // "services.app.build.isolation"
  SourceSpan span;
};

// A target as defined: an unset field is inherited, or has its default. Fields and their merging
// are buildx's.
struct TargetDefinition {
  std::string name;
  std::string description;
  std::vector<std::string> inherits;
  std::optional<std::vector<std::string>> annotations;
  std::optional<std::vector<Attestation>> attest;
  std::optional<std::string> context;
  std::map<std::string, std::string> contexts;
  std::optional<std::string> dockerfile;
  std::optional<std::string> dockerfile_inline;
  std::map<std::string, std::string> args;
  std::map<std::string, std::string> labels;
  std::optional<std::vector<std::string>> tags;
  std::optional<std::vector<Fields>> cache_from;
  std::optional<std::vector<Fields>> cache_to;
  std::optional<std::string> target;
  std::optional<std::vector<SecretSpec>> secrets;
  std::optional<std::vector<SshSpec>> ssh;
  std::optional<std::vector<std::string>> platforms;
  std::optional<std::vector<Fields>> outputs;
  std::optional<bool> pull;
  std::optional<bool> no_cache;
  std::optional<std::string> network;
  std::optional<std::vector<std::string>> no_cache_filter;
  std::optional<std::string> shm_size;
  std::optional<std::vector<std::string>> ulimits;  // "nofile=1024:2048"
  std::optional<ResourceLimits> resources;
  std::optional<std::string> call;
  std::optional<std::vector<std::string>> entitlements;
  std::map<std::string, std::string> extra_hosts;
  std::optional<std::vector<PolicySpec>> policy;
  std::vector<Unsupported> unsupported;
  bool linked = false;  // built only because another target's context is this one
  SourceSpan span;

  // Takes over what `other` sets: scalars and some lists replace, maps and other lists add.
  void merge(const TargetDefinition& other);
  // Removes what is said twice.
  void normalize();
};

struct Group {
  std::string name;
  std::string description;
  std::vector<std::string> targets;  // of targets and groups
};

// A variable of a bake file, with the value it has.
struct VariableSpec {
  std::string name;
  std::string description;
  std::string type;                  // empty: not said
  std::optional<std::string> value;  // a text, or JSON; nothing: null
};

struct Definitions {
  std::vector<Group> groups;
  std::vector<TargetDefinition> targets;
  std::vector<VariableSpec> variables;
  std::vector<std::string> warnings;  // what is probably a slip, but buildx accepts

  // Adds those of a later file: targets of one name merge, groups of one name join.
  void merge(const Definitions& later);
};

// The later entries of one key (or, without key, of one value) replace earlier ones.
std::vector<Attestation> merged(std::vector<Attestation> entries);
std::vector<SecretSpec> merged(std::vector<SecretSpec> entries);
std::vector<SshSpec> merged(std::vector<SshSpec> entries);
std::vector<Fields> merged(std::vector<Fields> entries);

}  // namespace slipway::bake
