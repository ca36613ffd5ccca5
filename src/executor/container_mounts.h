// ContainerMounts: everything a step sees besides its root file system, made ready for the runtime.
#pragma once

#include <filesystem>
#include <list>
#include <string>
#include <vector>

#include "executor/mount_stubs.h"
#include "executor/oci_config.h"
#include "executor/process_spec.h"
#include "executor/socket_proxy.h"
#include "executor/user_lookup.h"

namespace slipway::executor {

// Writes secret files, starts socket proxies and makes mount points. What it made is removed by
// the destructor; the container must have ended by then.
class ContainerMounts {
 public:
  // `rootfs` and `scratch` (on a tmpfs, ours alone) must outlive the object.
  ContainerMounts(const RootDir& rootfs, std::filesystem::path scratch)
      : rootfs_(rootfs), scratch_(std::move(scratch)), rootfs_stubs_(rootfs) {}
  ContainerMounts(const ContainerMounts&) = delete;

  // Mount points of the file systems that every container has: /proc, /dev and /sys.
  // They stay when they had to be made, if `keep`.
  Status add_standard(bool keep);
  // A generated file at a fixed place, read-only: /etc/hosts.
  Status add_generated(const std::string& destination, std::string_view content);
  // In order: a mount may lie inside an earlier one.
  Status add(const ContainerMount& mount);
  // The nodes of devices for `user`, and what is mounted for them, as the host's administrator
  // wrote it: here nodes open.
  Status add_devices(const CdiEdits& devices, const ContainerUser& user);
  // Makes the working directory, owned by `user`, when it is missing. It stays in the image.
  Status ensure_directory(const std::string& path, const ContainerUser& user);

  const std::vector<ResolvedMount>& resolved() const { return resolved_; }

 private:
  struct Covering {
    std::string destination;
    std::filesystem::path source;  // empty: a fresh file system
    bool readonly = false;
  };
  // A source directory with its stubs.
  struct Opened {
    explicit Opened(RootDir root) : directory(std::move(root)), stubs(directory) {}
    RootDir directory;
    MountStubs stubs;
  };
  const Covering* covering(const std::string& path) const;
  Result<std::string> mount_point(const std::string& destination, MountStubs::Kind kind);
  Status stub_inside(const Covering& outer, const std::string& path, MountStubs::Kind kind);

  Status add_bind(const BindMount& mount);
  Status add_tmpfs(const TmpfsMount& mount);
  Status add_file(const FileMount& mount);
  Status add_socket(const SocketMount& mount);
  Status add_device(const CdiDeviceNode& node, const ContainerUser& user);
  Status add_host(const CdiMount& mount);
  std::filesystem::path next_scratch_file();

  const RootDir& rootfs_;
  std::filesystem::path scratch_;
  MountStubs rootfs_stubs_;
  std::list<Opened> opened_;  // addresses are kept
  std::vector<SocketProxy> proxies_;
  std::vector<Covering> coverings_;
  std::vector<ResolvedMount> resolved_;
  int next_file_ = 0;
};

}  // namespace slipway::executor
