// The flags of `slipway build`: those of `docker build`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "frontend/bake/target.h"

namespace CLI {
class App;
}

namespace slipway::cli {

// As written on the command line; to_target() gives them their meaning.
struct BuildFlags {
  std::string context;
  std::string file;
  std::string target;
  std::vector<std::string> build_args;
  std::vector<std::string> build_contexts;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::vector<std::string> tags;
  std::vector<std::string> platforms;
  std::vector<std::string> cache_from;
  std::vector<std::string> cache_to;
  std::vector<std::string> outputs;
  std::vector<std::string> secrets;
  std::vector<std::string> ssh;
  std::vector<std::string> attest;
  std::vector<std::string> no_cache_filter;
  std::vector<std::string> allow;
  std::vector<std::string> add_hosts;
  std::vector<std::string> ulimits;
  std::string network;
  std::string call;
  std::string shm_size;
  std::string provenance;
  std::string sbom;
  std::string cgroup_parent;
  bool check = false;
  bool no_cache = false;
  bool pull = false;
  bool load = false;
  bool push = false;
  bool quiet = false;
  std::string progress;
  std::string metadata_file;
  std::string iidfile;
  std::string layer_split = "auto";
};

// Declares the flags on a command; `flags` must outlive the parse.
void add_build_flags(CLI::App& command, BuildFlags& flags);

// The one target that the flags describe.
Result<bake::Target> to_target(const BuildFlags& flags, const Environment& environment);

}  // namespace slipway::cli
