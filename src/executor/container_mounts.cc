#include "executor/container_mounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file_io.h"
#include "executor/device_nodes.h"

namespace slipway::executor {
namespace {

bool lies_in(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

std::string below(const std::string& path, const std::string& directory) {
  const std::string rest = directory == "/" ? path : path.substr(directory.size());
  return rest.empty() ? "/" : rest;
}

// A file with exactly this owner and mode.
Status write_file(const std::filesystem::path& path, std::string_view content, uint32_t uid,
                  uint32_t gid, uint32_t mode) {
  const UniqueFd fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(write_all(fd.get(), content));
  if (::fchown(fd.get(), uid, gid) != 0) return errno_error("change owner of {}", path.string());
  if (::fchmod(fd.get(), mode) != 0) return errno_error("change mode of {}", path.string());
  return {};
}

// No device node of a mounted tree opens, see "Devices" in docs/executor.md.
std::vector<std::string> bind_options(bool readonly) {
  return {"bind", "nodev", readonly ? "ro" : "rw"};
}

// For what only has to be read or connected to.
const std::vector<std::string> kConfinedBind = {"bind", "nosuid", "noexec", "nodev", "ro"};

}  // namespace

Status ContainerMounts::add_standard(bool keep) {
  for (const char* path : {"/proc", "/dev", "/sys"}) {
    const std::string real = TRY(rootfs_stubs_.ensure(path, MountStubs::Kind::Directory));
    coverings_.push_back({real, {}, false});
  }
  if (keep) rootfs_stubs_.keep();
  return {};
}

// The innermost mount so far that `path` lies in.
const ContainerMounts::Covering* ContainerMounts::covering(const std::string& path) const {
  const Covering* best = nullptr;
  for (const Covering& candidate : coverings_) {
    if (!lies_in(path, candidate.destination)) continue;
    if (best == nullptr || candidate.destination.size() >= best->destination.size()) {
      best = &candidate;
    }
  }
  return best;
}

Result<std::string> ContainerMounts::mount_point(const std::string& destination,
                                                 MountStubs::Kind kind) {
  const std::string real = TRY(rootfs_.canonical(destination));
  if (real == "/") {
    return make_error(ErrorCode::InvalidInput, "mount on {}: it is the root directory",
                      destination);
  }
  const Covering* outer = covering(real);
  if (outer == nullptr) return rootfs_stubs_.ensure(destination, kind);
  TRY(stub_inside(*outer, real, kind));
  return real;
}

Status ContainerMounts::stub_inside(const Covering& outer, const std::string& path,
                                    MountStubs::Kind kind) {
  // On a fresh file system the runtime itself makes what is missing.
  if (outer.source.empty() || path == outer.destination) return {};
  const std::string inner = below(path, outer.destination);
  Opened& opened = opened_.emplace_back(TRY(RootDir::open(outer.source)));
  if (!outer.readonly) {
    TRY(opened.stubs.ensure(inner, kind));
    return {};
  }
  if (!TRY(opened.directory.stat_at(inner, true))) {
    return make_error(ErrorCode::InvalidInput,
                      "mount on {}: it does not exist in the read-only mount {}", path,
                      outer.destination);
  }
  return {};
}

std::filesystem::path ContainerMounts::next_scratch_file() {
  return scratch_ / fmt::format("mount{}", next_file_++);
}

Status ContainerMounts::add_generated(const std::string& destination, std::string_view content) {
  const std::filesystem::path file = next_scratch_file();
  TRY(write_file(file, content, 0, 0, 0644));
  const std::string real = TRY(mount_point(destination, MountStubs::Kind::File));
  resolved_.push_back({real, "bind", file, kConfinedBind});
  return {};
}

Status ContainerMounts::add_bind(const BindMount& mount) {
  struct stat info;
  if (::stat(mount.source.c_str(), &info) != 0) {
    return errno_error("mount {}: {}", mount.destination, mount.source.string());
  }
  const bool directory = S_ISDIR(info.st_mode);
  const std::string real = TRY(mount_point(
      mount.destination, directory ? MountStubs::Kind::Directory : MountStubs::Kind::File));
  resolved_.push_back({real, "bind", mount.source, bind_options(mount.readonly)});
  if (directory) coverings_.push_back({real, mount.source, mount.readonly});
  return {};
}

Status ContainerMounts::add_tmpfs(const TmpfsMount& mount) {
  const std::string real = TRY(mount_point(mount.destination, MountStubs::Kind::Directory));
  std::vector<std::string> options = {"nosuid", "nodev", "mode=1777"};
  if (mount.size > 0) options.push_back(fmt::format("size={}", mount.size));
  resolved_.push_back({real, "tmpfs", "tmpfs", std::move(options)});
  coverings_.push_back({real, {}, false});
  return {};
}

Status ContainerMounts::add_file(const FileMount& mount) {
  const std::filesystem::path file = next_scratch_file();
  TRY(write_file(file, mount.content, mount.uid, mount.gid, mount.mode));
  const std::string real = TRY(mount_point(mount.destination, MountStubs::Kind::File));
  resolved_.push_back({real, "bind", file, kConfinedBind});
  return {};
}

Status ContainerMounts::add_socket(const SocketMount& mount) {
  const std::filesystem::path socket = next_scratch_file();
  proxies_.push_back(
      TRY(SocketProxy::start({socket, mount.host_socket, mount.uid, mount.gid, mount.mode})));
  const std::string real = TRY(mount_point(mount.destination, MountStubs::Kind::File));
  resolved_.push_back({real, "bind", socket, kConfinedBind});
  return {};
}

Status ContainerMounts::add(const ContainerMount& mount) {
  struct Visitor {
    ContainerMounts& mounts;
    Status operator()(const BindMount& m) const { return mounts.add_bind(m); }
    Status operator()(const TmpfsMount& m) const { return mounts.add_tmpfs(m); }
    Status operator()(const FileMount& m) const { return mounts.add_file(m); }
    Status operator()(const SocketMount& m) const { return mounts.add_socket(m); }
  };
  return std::visit(Visitor{*this}, mount);
}

Status ContainerMounts::add_device(const CdiDeviceNode& node, const ContainerUser& user) {
  const std::filesystem::path source = TRY(device_node(node, user, next_scratch_file()));
  const std::string real = TRY(mount_point(node.path, MountStubs::Kind::File));
  resolved_.push_back({real, "bind", source, {"bind", "nosuid", "noexec"}});
  return {};
}

Status ContainerMounts::add_host(const CdiMount& mount) {
  struct stat info;
  if (::stat(mount.host_path.c_str(), &info) != 0) {
    return errno_error("mount {}: {}", mount.container_path, mount.host_path);
  }
  const bool directory = S_ISDIR(info.st_mode);
  const std::string real = TRY(mount_point(
      mount.container_path, directory ? MountStubs::Kind::Directory : MountStubs::Kind::File));
  std::vector<std::string> options = mount.options;
  const bool has_bind = std::ranges::any_of(
      options, [](const std::string& option) { return option == "bind" || option == "rbind"; });
  if (!has_bind) options.push_back("bind");
  resolved_.push_back({real, "bind", mount.host_path, std::move(options)});
  // The host's: no mount point is made in it.
  if (directory) coverings_.push_back({real, mount.host_path, true});
  return {};
}

Status ContainerMounts::add_devices(const CdiEdits& devices, const ContainerUser& user) {
  for (const CdiDeviceNode& node : devices.nodes) TRY(add_device(node, user));
  std::vector<CdiMount> mounts = devices.mounts;
  std::ranges::stable_sort(mounts, {}, [](const CdiMount& mount) {
    return std::ranges::count(mount.container_path, '/');
  });
  for (const CdiMount& mount : mounts) TRY(add_host(mount));
  return {};
}

Status ContainerMounts::ensure_directory(const std::string& path, const ContainerUser& user) {
  const std::string real = TRY(rootfs_.canonical(path));
  const Covering* outer = covering(real);
  if (outer == nullptr) {
    const auto found = TRY(rootfs_.stat_at(path, true));
    if (!found) TRY(rootfs_.make_directories(path, 0755, user.uid, user.gid));
    return {};
  }
  if (outer->source.empty() || outer->readonly) return {};  // chdir reports what is missing
  const RootDir source = TRY(RootDir::open(outer->source));
  const std::string inner = below(real, outer->destination);
  if (!TRY(source.stat_at(inner, true))) {
    TRY(source.make_directories(inner, 0755, user.uid, user.gid));
  }
  return {};
}

}  // namespace slipway::executor
