// RUN --mount: its options, read once variables have values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/expand.h"
#include "frontend/dockerfile/instruction.h"
#include "graph/op.h"

namespace slipway::dockerfile {

struct RunMount {
  graph::MountType type = graph::MountType::Bind;
  std::string from;
  std::string source;
  std::string target;
  bool readonly = true;    // by type where not given: cache and tmpfs are writable
  int64_t size_limit = 0;  // bytes, tmpfs only
  std::string id;
  std::optional<graph::CacheSharing> sharing;  // cache only
  bool required = false;                       // secret and ssh only
  // Secret as an environment variable; an empty name means the name of the secret.
  std::optional<std::string> env;
  std::optional<uint32_t> mode;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;

  bool operator==(const RunMount&) const = default;
};

// The mounts of a RUN, in order. Values are expanded, all but keys.
Result<std::vector<RunMount>> parse_mounts(const RunInstruction& run, const WordExpander& expander);

// What can be said before values are known: broken CSV, or a variable in "from".
Status check_mount(std::string_view value);

}  // namespace slipway::dockerfile
