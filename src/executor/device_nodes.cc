#include "executor/device_nodes.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <optional>

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;

struct Node {
  mode_t type = 0;
  dev_t numbers = 0;
  mode_t permissions = 0666;
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Node&) const = default;

  bool is_same_device(const Node& other) const {
    return type == other.type && numbers == other.numbers;
  }
};

Result<std::optional<Node>> host_node(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::optional<Node>();
    return errno_error("device node {}", path);
  }
  const mode_t type = info.st_mode & S_IFMT;
  if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO) {
    return make_error(ErrorCode::InvalidInput, "device node {}: it is none", path);
  }
  return std::optional(Node{type, type == S_IFIFO ? 0 : info.st_rdev, info.st_mode & 07777,
                            info.st_uid, info.st_gid});
}

mode_t type_of(char letter) {
  return letter == 'b' ? S_IFBLK : letter == 'p' ? S_IFIFO : S_IFCHR;
}

// What the specification says by itself: a type, and numbers for what has some.
bool is_complete(const CdiDeviceNode& node) {
  return node.type == 'p' || (node.type != 0 && node.major_number.value_or(0) != 0);
}

Result<Node> wanted_node(const CdiDeviceNode& node, const std::optional<Node>& host,
                         const ContainerUser& user) {
  if (!host && !is_complete(node)) {
    return make_error(ErrorCode::NotFound, "device node {}: there is none on this machine",
                      node.host_path)
        .with_hint("load the driver, or write the device's CDI file anew");
  }
  Node wanted = host.value_or(Node());
  if (is_complete(node)) {
    wanted.type = type_of(node.type);
    wanted.numbers = node.type == 'p'
                         ? 0
                         : ::makedev(static_cast<unsigned>(*node.major_number),
                                     static_cast<unsigned>(node.minor_number.value_or(0)));
  } else if (node.type != 0 && type_of(node.type) != wanted.type) {
    return make_error(ErrorCode::InvalidInput, "device node {}: it is not of type {}",
                      node.host_path, node.type);
  }
  if (node.mode) wanted.permissions = *node.mode & 07777;
  wanted.uid = node.uid.value_or(user.uid > 0 ? user.uid : wanted.uid);
  wanted.gid = node.gid.value_or(user.gid > 0 ? user.gid : wanted.gid);
  return wanted;
}

}  // namespace

Result<fs::path> device_node(const CdiDeviceNode& node, const ContainerUser& user,
                             const fs::path& own) {
  const std::optional<Node> host = TRY(host_node(node.host_path));
  const Node wanted = TRY(wanted_node(node, host, user));
  if (host && *host == wanted) return fs::path(node.host_path);
  if (::mknod(own.c_str(), wanted.type | 0600, wanted.numbers) != 0) {
    // In a user namespace nobody may.
    if (errno == EPERM && host && host->is_same_device(wanted)) return fs::path(node.host_path);
    return errno_error("device node {}: make it", node.path);
  }
  if (::chown(own.c_str(), wanted.uid, wanted.gid) != 0) {
    return errno_error("device node {}: give it to {}:{}", node.path, wanted.uid, wanted.gid);
  }
  if (::chmod(own.c_str(), wanted.permissions) != 0) {
    return errno_error("device node {}: set its mode", node.path);
  }
  return own;
}

}  // namespace slipway::executor
