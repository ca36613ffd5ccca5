// What --secret and --ssh give to RUN steps, read when a step asks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

struct Secrets {
  struct Source {
    std::filesystem::path file;  // or
    std::string variable;
    bool operator==(const Source&) const = default;
  };
  std::map<std::string, Source> by_id;
  // What a step gets the use of: an agent, or key files.
  struct Ssh {
    std::filesystem::path socket;  // or
    std::vector<std::filesystem::path> keys;
    bool operator==(const Ssh&) const = default;
  };
  std::map<std::string, Ssh> ssh_by_id;
};

// Of all targets of an invocation. The same id with different sources in two targets is
// InvalidInput: a step is shared by its graph, which does not say whose secret it means.
Result<Secrets> collect_secrets(const std::vector<bake::Target>& targets,
                                const Environment& environment);

// The bytes of a secret; nullopt when there is none of that id. A file that cannot be read is an
// error.
Result<std::optional<std::string>> read_secret(const Secrets& secrets, const std::string& id,
                                               const Environment& environment);

}  // namespace slipway::cli
