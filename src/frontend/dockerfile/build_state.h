// What a stage has come to: the file system so far and what later RUN steps inherit.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frontend/dockerfile/pending_graph.h"
#include "frontend/dockerfile/shell_lexer.h"
#include "graph/op.h"
#include "oci/image_config.h"

namespace slipway::dockerfile {

// Environment variables in the order in which they were last set.
class EnvList {
 public:
  void set(std::string name, std::string value);
  void unset(const std::string& name);
  const std::string* find(const std::string& name) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }
  const Environment& map() const { return map_; }
  std::vector<std::string> to_strings() const;  // NAME=value

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
  Environment map_;  // the same, for expansion
};

struct BuildState {
  std::optional<Output> output;  // nullopt: scratch
  EnvList env;
  std::string dir = "/";
  std::string user;
  std::string hostname;
  std::optional<Platform> platform;  // normalised; nullopt: the target's
  graph::NetMode network = graph::NetMode::Unset;

  // Takes over environment, working directory and platform.
  void apply(const ImageConfig& config);
};

}  // namespace slipway::dockerfile
