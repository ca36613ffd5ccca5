// Cache keys of file operations: the bytes that BuildKit hashes, so that its caches and ours agree.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/op.h"
#include "solver/cache_key.h"

namespace slipway::ops {

// What an action reads of one input.
struct FileSelector {
  std::string path;
  bool wildcard = false;
  bool follow_links = false;
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
  std::vector<std::string> required_paths;

  bool has_filters() const {
    return wildcard || !include_patterns.empty() || !exclude_patterns.empty();
  }
};

// By input; an input that an action starts from is not there: all of it counts.
std::map<size_t, std::vector<FileSelector>> file_selectors(const graph::FileOp& op,
                                                           size_t input_count);

Result<solver::CacheMap> file_cache_map(const graph::FileOp& op, size_t input_count);

// In the order in which BuildKit hashes them; paths inside other paths left out.
std::vector<FileSelector> without_covered(const std::vector<FileSelector>& selectors);

}  // namespace slipway::ops
