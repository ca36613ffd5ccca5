// Who a process runs as: USER and --user text, looked up in the image's own user database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_dir.h"

namespace slipway::executor {

struct ContainerUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;  // sorted
  std::string home = "/";
};

// `user` is "", "name", "uid", "name:group", "uid:gid" ... With a name or a lone uid, the primary
// group and the additional groups come from /etc/passwd and /etc/group; a group given by hand
// replaces them all. Ids need not be in the files; names must.
Result<ContainerUser> look_up_user(const RootDir& rootfs, std::string_view user);

}  // namespace slipway::executor
