// What the targets of a definition from elsewhere want of this machine. A file of one's own may say
// what it likes; somebody else's reads and writes in the working directory only, and gets neither
// the host's network nor all privileges, unless --allow says so.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

struct BakeAccessOptions {
  std::vector<std::string> allow;  // fs=PATH, fs.read=PATH, fs.write=PATH, ssh, network.host, ...
  std::filesystem::path working_directory;
  bool any_file = false;  // BAKE_ALLOW_REMOTE_FS_ACCESS
};

// PermissionDenied names all that is missing, and the flags that would allow it.
Status check_access(const std::vector<bake::Target>& targets, const BakeAccessOptions& options);

}  // namespace slipway::cli
