#include "executor/test_rootfs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file_io.h"

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;

// /var/tmp: overlay upper directories and sockets want a real file system with room.
constexpr const char* kTestParent = "/var/tmp";
constexpr const char* kBusybox = "/bin/busybox";

void make_rootfs(const fs::path& root) {
  for (const char* directory :
       {"bin", "dev", "etc", "proc", "sys", "tmp", "root", "home/builder"}) {
    fs::create_directories(root / directory);
  }
  ::chmod((root / "tmp").c_str(), 01777);
  fs::copy_file(kBusybox, root / "bin/busybox");
  for (const char* applet :
       {"sh",      "cat",    "ls",    "id",    "env",      "pwd",   "echo",     "sleep", "stat",
        "mount",   "umount", "mkdir", "rm",    "rmdir",    "touch", "hostname", "grep",  "df",
        "ip",      "mknod",  "dd",    "chmod", "chown",    "nc",    "wc",       "true",  "false",
        "unshare", "mv",     "ln",    "wget",  "nslookup", "kill",  "head"}) {
    fs::create_symlink("busybox", root / "bin" / applet);
  }
}

}  // namespace

TestMachine::TestMachine(std::string runtime) {
  if (::geteuid() != 0) {
    missing_ = "containers need root";
    return;
  }
  if (!fs::exists(kBusybox)) {
    missing_ = "the package busybox-static is not installed";
    return;
  }
  Result<TempDir> directory = TempDir::create(kTestParent, "slipway-executor-test-");
  CHECK(directory);
  directory_ = std::make_unique<TempDir>(std::move(*directory));
  ::chmod(directory_->path().c_str(), 0755);
  make_rootfs(rootfs());
  write("/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nbuilder:x:1000:1001:B:/home/builder:/bin/sh\n");
  write("/etc/group", "root:x:0:\nbuilders:x:1001:\nwheel:x:10:builder,root\naudio:x:63:builder\n");
  OciExecutorOptions options;
  options.scratch = scratch();
  options.runtime = std::move(runtime);
  options.on_warning = [list = warnings_.get()](std::string text) {
    list->push_back(std::move(text));
  };
  Result<std::unique_ptr<OciExecutor>> executor = OciExecutor::create(std::move(options));
  if (executor) {
    executor_ = std::move(*executor);
  } else {
    missing_ = executor.error().message();
  }
}

ProcessSpec TestMachine::spec(std::vector<std::string> args) const {
  ProcessSpec process;
  process.args = std::move(args);
  process.env = {"PATH=/usr/bin:/bin"};
  process.rootfs = rootfs();
  process.network = Network::Host;
  return process;
}

StepOutcome TestMachine::run(const ProcessSpec& process, std::stop_token stop) {
  StepOutcome outcome;
  const Result<ExitStatus> status = executor_->run(
      process,
      [&](int stream, std::string_view data) { (stream == 1 ? outcome.out : outcome.err) += data; },
      stop);
  if (status) {
    outcome.exit_code = status->shell_code();
  } else {
    outcome.error = status.error().message();
    outcome.error_code = status.error().code();
  }
  return outcome;
}

void TestMachine::write(const std::string& path, std::string_view content) const {
  CHECK(write_file_atomic(rootfs().string() + path, content));
}

bool TestMachine::exists(const std::string& path) const {
  return fs::symlink_status(rootfs().string() + path).type() != fs::file_type::not_found;
}

}  // namespace slipway::executor
