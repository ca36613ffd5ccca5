#include "executor/oci_executor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "executor/container_mounts.h"
#include "executor/name_files.h"
#include "executor/seccomp_profile.h"

namespace slipway::executor {
namespace {

constexpr long kTmpfsMagic = 0x01021994;

// crun refuses the layout "cgroup v1 controllers, with cgroup2 at /sys/fs/cgroup/unified" even when
// it is told to leave cgroups alone.
bool has_hybrid_cgroups() {
  struct statfs info;
  return ::statfs("/sys/fs/cgroup", &info) == 0 && info.f_type == kTmpfsMagic &&
         ::access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0;
}

// Runs in the child before crun: in a mount namespace of its own, no cgroup is to be seen.
bool hide_cgroups() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
         ::mount("none", "/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

bool is_in_user_namespace() {
  // The initial namespace maps every id to itself: "0 0 4294967295".
  const Result<std::string> map = read_file("/proc/self/uid_map", 4096);
  return map && map->find("4294967295") == std::string::npos;
}

// Any directory of the sbin kind belongs to it: an ordinary user's PATH often lacks them.
constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string& directory : split(kDefaultPath, ':')) {
    const std::string path = directory + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

Result<std::string> choose_runtime(const std::string& wanted) {
  std::vector<std::string> names = {"crun", "runc"};
  if (!wanted.empty()) names = {wanted};
  for (const std::string& name : names) {
    if (const auto path = find_program(name)) return *path;
  }
  return make_error(ErrorCode::NotFound, "find {}: it is not installed", join(names, " or "))
      .with_hint("install the package crun: apt-get install crun");
}

// A copy of the runtime that nobody can write to, in memory. A container could otherwise overwrite
// the host's binary through /proc/PID/exe (CVE-2019-5736), so crun, unless it finds itself sealed,
// makes a safe copy and executes that: at every start, at a cost of 3 ms. Empty where the kernel
// forbids it (sysctl vm.memfd_noexec).
UniqueFd seal_runtime(const std::string& path) {
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, Linux 6.3
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd memory(::memfd_create("crun", kFlags | kExecutable));
  if (!memory) memory = UniqueFd(::memfd_create("crun", kFlags));
  const Result<std::string> program = read_file(path, 64 << 20);
  if (!memory || !program || !write_all(memory.get(), *program)) return {};
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fchmod(memory.get(), 0500) != 0 || ::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) {
    return {};
  }
  if (::access(fmt::format("/proc/self/fd/{}", memory.get()).c_str(), X_OK) != 0) return {};
  return memory;
}

Result<Mount> mount_tmpfs(const std::filesystem::path& target) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV;
  // noswap (Linux 6.4): what is secret stays in memory.
  Result<Mount> mount = Mount::create("tmpfs", target, "tmpfs", kFlags, "mode=0700,noswap");
  if (mount || mount.error().errno_value() != EINVAL) return mount;
  return Mount::create("tmpfs", target, "tmpfs", kFlags, "mode=0700");
}

std::optional<pid_t> read_pid(const std::filesystem::path& file) {
  const Result<std::string> text = read_file(file, 64);
  pid_t pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc()) {
    return std::nullopt;
  }
  return pid > 1 ? std::optional(pid) : std::nullopt;
}

// Ends a container at once: with the first process of its pid namespace the kernel kills all
// others. (SIGTERM is no use: such a first process ignores it unless it has a handler.) The runtime
// may still be setting up; it is left to come so far that there is something to kill, because
// killing the runtime itself would leave its mounts and processes.
void kill_container(ChildProcess& runtime, const std::filesystem::path& pid_file) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    pollfd ended{runtime.pidfd(), POLLIN, 0};
    if (const auto pid = read_pid(pid_file)) ::kill(*pid, SIGKILL);
    if (::poll(&ended, 1, 5) > 0) return;
  }
  (void)runtime.send_signal(SIGKILL).has_value();
}

// The last error in crun's or runc's log (JSON lines), or empty.
std::string last_logged_error(const std::filesystem::path& log) {
  std::string message;
  const Result<std::string> text = read_file(log, 1 << 20);
  if (!text) return message;
  for (const std::string& line : split(*text, '\n')) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("level", "") != "error") continue;
    message = entry.value("msg", "");
  }
  return message;
}

// Hands the two streams of a process to `output` until both have ended; kills when asked to stop.
class OutputPump {
 public:
  OutputPump(UniqueFd out, UniqueFd err, const OutputHandler& output)
      : streams_{std::move(out), std::move(err)}, output_(output) {}

  Status run(std::stop_token stop, const std::function<void()>& kill) {
    const Pipe wake = TRY(make_pipe());
    const std::stop_callback on_stop(stop,
                                     [fd = wake.write_end.get()] { (void)!::write(fd, "x", 1); });
    bool killed = false;
    while (streams_[0] || streams_[1]) {
      pollfd fds[3] = {{streams_[0].get(), POLLIN, 0},
                       {streams_[1].get(), POLLIN, 0},
                       {killed ? -1 : wake.read_end.get(), POLLIN, 0}};
      if (::poll(fds, 3, -1) < 0 && errno != EINTR) return errno_error("poll");
      if (fds[2].revents != 0) {
        kill();
        killed = true;
      }
      for (int i = 0; i < 2; ++i) {
        if (fds[i].revents != 0) forward(i);
      }
    }
    return {};
  }

 private:
  void forward(int i) {
    char buffer[65536];
    const ssize_t got = ::read(streams_[i].get(), buffer, sizeof buffer);
    if (got > 0) output_(i + 1, std::string_view(buffer, static_cast<size_t>(got)));
    if (got == 0 || (got < 0 && errno != EINTR)) streams_[i].reset();
  }

  UniqueFd streams_[2];
  const OutputHandler& output_;
};

}  // namespace

// What one running step owns. Members are destroyed from the last to the first.
struct OciExecutor::Container {
  std::string id;
  TempDir bundle;
  RootDir rootfs;
  NetworkPool::Lease network;
  ContainerMounts mounts;

  Container(std::string name, TempDir directory, RootDir root, NetworkPool::Lease lease)
      : id(std::move(name)),
        bundle(std::move(directory)),
        rootfs(std::move(root)),
        network(std::move(lease)),
        mounts(rootfs, bundle.path()) {}

  std::filesystem::path pid_file() const { return bundle.path() / "pid"; }
  std::filesystem::path log_file() const { return bundle.path() / "log"; }
};

OciExecutor::OciExecutor(OciExecutorOptions options, std::string runtime, TempDir directory,
                         Mount tmpfs, SeccompForm seccomp, std::string host_resolv_conf)
    : options_(std::move(options)),
      runtime_(std::move(runtime)),
      runtime_is_crun_(std::filesystem::path(runtime_).filename() == "crun"),
      sealed_runtime_(runtime_is_crun_ ? seal_runtime(runtime_) : UniqueFd()),
      hide_cgroups_(runtime_is_crun_ && has_hybrid_cgroups()),
      in_user_namespace_(is_in_user_namespace()),
      seccomp_(std::move(seccomp)),
      host_resolv_conf_(std::move(host_resolv_conf)),
      directory_(std::move(directory)),
      tmpfs_(std::move(tmpfs)),
      networks_({directory_.path(), options_.pasta, uses_loopback_resolver(host_resolv_conf_),
                 options_.on_warning}) {}

OciExecutor::~OciExecutor() = default;

Result<std::unique_ptr<OciExecutor>> OciExecutor::create(OciExecutorOptions options) {
  std::string runtime = TRY(choose_runtime(options.runtime));
  TRY(make_directories(options.scratch));
  TempDir directory = TRY(TempDir::create(options.scratch, "executor-"));
  Mount tmpfs = TRY(mount_tmpfs(directory.path()));
  TRY(make_directories(directory.path() / "state", 0700));
  SeccompForm seccomp = FilterRules{};
  if (std::filesystem::path(runtime).filename() == "crun") {
    seccomp = CompiledFilter{TRY(compile_seccomp_filter())};
  }
  // Without the file there are no name servers; a step that needs none still runs.
  std::string resolv_conf = read_file(options.resolv_conf, 1 << 20).value_or("");
  return std::unique_ptr<OciExecutor>(new OciExecutor(std::move(options), std::move(runtime),
                                                      std::move(directory), std::move(tmpfs),
                                                      std::move(seccomp), std::move(resolv_conf)));
}

Result<std::string> OciExecutor::write_bundle(const ProcessSpec& spec, Container& container) {
  ContainerUser user = TRY(look_up_user(container.rootfs, spec.user));
  const std::vector<uint32_t>& gids = spec.devices.additional_gids;
  user.additional_gids.insert(user.additional_gids.end(), gids.begin(), gids.end());
  ContainerMounts& mounts = container.mounts;
  // Images have them; with BuildKit one that has not gets them from its first step.
  TRY(mounts.add_standard(!spec.readonly_rootfs));
  const bool forwarded =
      container.network.kind() == Network::Private && uses_loopback_resolver(host_resolv_conf_);
  TRY(mounts.add_generated(
      "/etc/resolv.conf",
      resolver_file(host_resolv_conf_,
                    forwarded ? std::optional<std::string>(kDnsForwarder) : std::nullopt)));
  TRY(mounts.add_generated("/etc/hosts", hosts_file(spec.hostname, spec.extra_hosts)));
  for (const ContainerMount& mount : spec.mounts) TRY(mounts.add(mount));
  TRY(mounts.add_devices(spec.devices, user));
  TRY(mounts.ensure_directory(spec.cwd.empty() ? "/" : spec.cwd, user));
  return make_oci_config(
      {spec, user, container.network.path(), mounts.resolved(), seccomp_, in_user_namespace_});
}

Result<ExitStatus> OciExecutor::run(const ProcessSpec& spec, const OutputHandler& output,
                                    std::stop_token stop) {
  if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
  if (spec.args.empty() || spec.args.front().empty()) {
    return make_error(ErrorCode::InvalidInput, "run: no command given");
  }
  TempDir bundle = TRY(TempDir::create(directory_.path(), "c-"));
  RootDir rootfs = TRY(RootDir::open(spec.rootfs));
  NetworkPool::Lease network = TRY(networks_.acquire(spec.network, stop));
  // runc makes a cgroup of this name, on the machine. Our directory's is like no other's; our
  // process id, in a namespace, is the same in every build.
  const std::string name =
      fmt::format("slipway-{}-{}", directory_.path().filename().string(), next_id_++);
  Container container(name, std::move(bundle), std::move(rootfs), std::move(network));
  const std::string config = TRY(write_bundle(spec, container));
  const UniqueFd file =
      TRY(open_file(container.bundle.path() / "config.json", O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(write_all(file.get(), config));
  return run_container(container, output, stop);
}

Result<ExitStatus> OciExecutor::run_container(const Container& container,
                                              const OutputHandler& output, std::stop_token stop) {
  const std::string state = directory_.path() / "state";
  const std::string log = container.log_file();
  std::vector<std::string> global = {runtime_, "--root",       state, "--log",
                                     log,      "--log-format", "json"};
  if (runtime_is_crun_) global.push_back("--cgroup-manager=disabled");
  ProcessOptions options;
  options.argv = global;
  options.argv.insert(options.argv.end(), {"run", "--bundle", container.bundle.path(), "--pid-file",
                                           container.pid_file(), container.id});
  if (sealed_runtime_) {
    options.executable = fmt::format("/proc/self/fd/{}", sealed_runtime_.get());
  }
  if (hide_cgroups_) options.before_exec = hide_cgroups;
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  options.stdout_fd = out.write_end.get();
  options.stderr_fd = err.write_end.get();
  ChildProcess child = TRY(ChildProcess::start(options));
  out.write_end.reset();
  err.write_end.reset();

  OutputPump pump(std::move(out.read_end), std::move(err.read_end), output);
  TRY(pump.run(stop, [&] { kill_container(child, container.pid_file()); }));
  const ExitStatus status = TRY(child.wait());

  // The runtime cleans up after itself, except when it was killed.
  if (::access((state + "/" + container.id).c_str(), F_OK) == 0) {
    options.argv = std::move(global);
    options.argv.insert(options.argv.end(), {"delete", "--force", container.id});
    options.stdout_fd = options.stderr_fd = -1;
    ChildProcess deletion = TRY(ChildProcess::start(options));
    TRY(deletion.wait());
  }
  if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
  if (status.success()) return status;
  if (const std::string message = last_logged_error(log); !message.empty()) {
    return make_error(ErrorCode::StepFailed, "{}", message);
  }
  if (status.signal() != 0) {
    return make_error(ErrorCode::Internal, "{} was killed by signal {}", runtime_, status.signal());
  }
  return status;
}

}  // namespace slipway::executor
