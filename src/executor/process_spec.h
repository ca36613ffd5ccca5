// ProcessSpec: a process and the container it runs in, as the executor needs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/child_process.h"
#include "base/result.h"
#include "executor/cdi_spec.h"

namespace slipway::executor {

// Mounted in the container, in order. `source` is a host path (already confined to its root).
struct BindMount {
  std::filesystem::path source;
  std::string destination;
  bool readonly = false;
};
struct TmpfsMount {
  std::string destination;
  int64_t size = 0;  // bytes, 0: no limit
};
// A file that only this step sees, on a tmpfs: secrets.
struct FileMount {
  std::string destination;
  std::string content;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0400;
};
// A host socket made visible in the container with the given owner and mode: ssh agents.
struct SocketMount {
  std::string destination;
  std::filesystem::path host_socket;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0600;
};
using ContainerMount = std::variant<BindMount, TmpfsMount, FileMount, SocketMount>;

enum class Network { Private, Host, None };

struct Rlimit {
  std::string name;  // "nofile"
  int64_t soft = 0;
  int64_t hard = 0;
};

struct HostEntry {
  std::string name;
  std::string ip;
};

struct ProcessSpec {
  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=value, complete
  std::string cwd = "/";         // created when missing
  // "", "name", "uid", "name:group", ...: looked up in the rootfs's /etc/passwd and /etc/group.
  std::string user;
  std::filesystem::path rootfs;  // a mounted, writable root file system
  bool readonly_rootfs = false;  // the process cannot write to it
  std::vector<ContainerMount> mounts;
  CdiEdits devices;  // what the devices of the step need
  Network network = Network::Private;
  bool insecure = false;  // --security=insecure: all capabilities, no seccomp
  std::string hostname = "buildkitsandbox";
  std::vector<HostEntry> extra_hosts;
  std::vector<Rlimit> rlimits;
  int64_t shm_size = 64 << 20;  // bytes
};

// Called with what the process writes, from one thread: stream 1 or 2, any bytes.
using OutputHandler = std::function<void(int stream, std::string_view data)>;

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the process to its end. A non-zero exit is no error here; Cancelled when `stop` was
  // requested. On return no process, mount or file of the container is left. /proc, /dev and /sys
  // stay in a writable rootfs that had none; other stubs that had to be made there for mount
  // points are removed again when the step left them empty.
  virtual Result<ExitStatus> run(const ProcessSpec& spec, const OutputHandler& output,
                                 std::stop_token stop) = 0;
};

}  // namespace slipway::executor
