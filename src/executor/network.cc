#include "executor/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::executor {
namespace {

Status bring_up_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error("create socket");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return errno_error("bring up lo");
  return {};
}

// Makes a namespace with only `lo` in it and keeps it at `mount_point`.
Status make_namespace(const std::filesystem::path& mount_point) {
  TRY(open_file(mount_point, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Status result;
  // unshare() moves only the calling thread, so a thread of its own is all that it takes.
  std::thread([&] {
    result = [&]() -> Status {
      if (::unshare(CLONE_NEWNET) != 0) return errno_error("create network namespace");
      TRY(bring_up_loopback());
      if (::mount("/proc/thread-self/ns/net", mount_point.c_str(), nullptr, MS_BIND, nullptr) !=
          0) {
        return errno_error("keep network namespace at {}", mount_point.string());
      }
      return {};
    }();
  }).join();
  if (!result) ::unlink(mount_point.c_str());
  return result;
}

Result<std::string> what_it_said(int messages_fd) {
  if (::lseek(messages_fd, 0, SEEK_SET) != 0) return errno_error("rewind memory file");
  std::vector<std::string> lines;
  for (const std::string& line : split(trim(TRY(read_fd(messages_fd, 1 << 20))), '\n')) {
    if (!line.starts_with("Failed to send")) lines.push_back(line);  // no syslog: not our matter
  }
  return join(lines, "; ");
}

// Why a step got no network of its own, and what helps.
std::string_view advice(const Error& error) {
  if (error.code() == ErrorCode::NotFound) {
    return "to give each one its own, install the package passt";
  }
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) {
    return "to give each one its own, make /dev/net/tun (module tun) accessible, mode 0666";
  }
  return "pasta could not connect one of their own";
}

// pasta writes its process id once the namespace is configured. What it says is only worth showing
// when it fails.
Result<ChildProcess> start_pasta(const std::string& program, const std::filesystem::path& space,
                                 bool forward_dns, std::stop_token stop) {
  Pipe ready = TRY(make_pipe());
  // A file, not a pipe: pasta lives on after we stop reading.
  const UniqueFd messages(::memfd_create("pasta-messages", MFD_CLOEXEC));
  if (!messages) return errno_error("create memory file");
  ProcessOptions options;
  options.argv = {program, "--foreground", "--quiet", "--config-net", "--netns-only",
                  // Started as root it would become nobody, who may not join the namespace; it
                  // drops its capabilities and confines itself all the same.
                  "--runas", "0",
                  // No port of the step on the host, none of the host in the step, and no way to
                  // the host's loopback services through the gateway's address.
                  "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns",
                  "none", "--no-map-gw", "--pid", "/proc/self/fd/1", "--netns", space.string()};
  if (forward_dns) {
    options.argv.insert(options.argv.end(), {"--dns-forward", kDnsForwarder});
  }
  options.stdout_fd = ready.write_end.get();
  options.stderr_fd = messages.get();
  ChildProcess child = TRY(ChildProcess::start(options));
  ready.write_end.reset();
  for (;;) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    pollfd readable{ready.read_end.get(), POLLIN, 0};
    if (::poll(&readable, 1, 50) < 0 && errno != EINTR) return errno_error("poll");
    if ((readable.revents & POLLIN) != 0) return child;
    if (readable.revents != 0) break;
  }
  return make_error(ErrorCode::Unavailable, "{}: {}", program, TRY(what_it_said(messages.get())));
}

}  // namespace

Result<std::unique_ptr<NetworkNamespace>> NetworkNamespace::create_isolated(
    std::filesystem::path mount_point) {
  TRY(make_namespace(mount_point));
  return std::unique_ptr<NetworkNamespace>(new NetworkNamespace(std::move(mount_point)));
}

Result<std::unique_ptr<NetworkNamespace>> NetworkNamespace::create_connected(
    std::filesystem::path mount_point, const std::string& pasta, bool forward_dns,
    std::stop_token stop) {
  std::unique_ptr<NetworkNamespace> space = TRY(create_isolated(std::move(mount_point)));
  space->pasta_ = TRY(start_pasta(pasta, space->path_, forward_dns, stop));
  return space;
}

NetworkNamespace::~NetworkNamespace() {
  pasta_.reset();
  ::umount2(path_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  ::unlink(path_.c_str());
}

bool NetworkNamespace::usable() const {
  if (!pasta_) return true;
  pollfd ended{pasta_->pidfd(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

NetworkPool::Lease::~Lease() {
  if (space_) pool_->give_back(kind_, std::move(space_));
}

std::unique_ptr<NetworkNamespace> NetworkPool::take(Network kind) {
  auto state = state_.lock();
  auto& free = kind == Network::None ? state->isolated : state->connected;
  while (!free.empty()) {
    std::unique_ptr<NetworkNamespace> space = std::move(free.back());
    free.pop_back();
    if (space->usable()) return space;
  }
  return nullptr;
}

void NetworkPool::give_back(Network kind, std::unique_ptr<NetworkNamespace> space) {
  auto state = state_.lock();
  (kind == Network::None ? state->isolated : state->connected).push_back(std::move(space));
}

std::filesystem::path NetworkPool::next_mount_point() {
  return options_.directory / fmt::format("net{}", state_.lock()->next_name++);
}

Result<NetworkPool::Lease> NetworkPool::acquire(Network kind, std::stop_token stop) {
  if (kind == Network::Host) return Lease(this, kind, nullptr);
  if (auto space = take(kind)) return Lease(this, kind, std::move(space));
  if (kind == Network::Private) return connect(stop);
  return Lease(this, kind, TRY(NetworkNamespace::create_isolated(next_mount_point())));
}

Result<NetworkPool::Lease> NetworkPool::connect(std::stop_token stop) {
  if (state_.lock()->pasta_failed) return Lease(this, Network::Host, nullptr);
  Result<std::unique_ptr<NetworkNamespace>> space = NetworkNamespace::create_connected(
      next_mount_point(), options_.pasta, options_.forward_dns, stop);
  if (space) return Lease(this, Network::Private, std::move(*space));
  if (space.error().code() == ErrorCode::Cancelled) return std::move(space).error();
  const bool first = !std::exchange(state_.lock()->pasta_failed, true);
  if (first && options_.on_warning) {
    options_.on_warning(fmt::format("steps use the host's network: {} ({})", advice(space.error()),
                                    space.error().message()));
  }
  return Lease(this, Network::Host, nullptr);
}

}  // namespace slipway::executor
