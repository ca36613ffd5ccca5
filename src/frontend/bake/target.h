// Target: one thing to build, whichever file or command line asked for it. `slipway build` makes
// one, compose and bake files make several. Field names are those of a bake target (BX
// docs/bake-reference.md).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace slipway::bake {

// "type=oci,dest=x.tar": the fields in a map, "type" among them. A bare "-" or path is expanded to
// this.
using Fields = std::map<std::string, std::string>;

struct UlimitSpec {
  std::string name;
  int64_t soft = 0;
  int64_t hard = 0;
};

struct Target {
  std::string name;
  std::string description;
  std::string context =
      ".";                 // directory, URL, or "-"; as written (relative to the file's directory)
  std::string dockerfile;  // relative to the context; empty: Dockerfile
  std::optional<std::string> dockerfile_inline;
  std::string target;  // stage
  std::map<std::string, std::optional<std::string>>
      args;  // nullopt: from the environment, else unset
  std::map<std::string, std::string>
      contexts;  // name -> docker-image://..., oci-layout://..., dir, target:...
  std::map<std::string, std::string> labels;
  std::vector<std::string> annotations;
  std::vector<std::string> tags;
  std::vector<std::string> platforms;
  std::vector<Fields> cache_from;
  std::vector<Fields> cache_to;
  std::vector<Fields> outputs;
  std::vector<Fields> secrets;   // id, src or env, type
  std::vector<std::string> ssh;  // "default", "id=socket-or-key"
  std::vector<Fields> attest;
  std::vector<std::string> no_cache_filter;
  std::vector<std::string> entitlements;
  std::map<std::string, std::string> extra_hosts;  // name -> ip
  std::vector<UlimitSpec> ulimits;
  std::string network;
  std::string call;
  int64_t shm_size = 0;  // bytes, 0: default
  bool no_cache = false;
  bool pull = false;
  SourceSpan span;  // where the target is defined, for errors
};

}  // namespace slipway::bake
