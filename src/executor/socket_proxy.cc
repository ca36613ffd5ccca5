#include "executor/socket_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <list>
#include <string>
#include <vector>

namespace slipway::executor {
namespace {

// A socket's address holds 107 bytes of path: less than some stores' directories need. So sockets
// are named through a descriptor of the directory they are in.
struct ShortAddress {
  UniqueFd directory;
  sockaddr_un address{};

  static Result<ShortAddress> of(const std::filesystem::path& path) {
    ShortAddress result;
    const std::filesystem::path absolute = std::filesystem::absolute(path);
    result.directory = TRY(open_file(absolute.parent_path(), O_PATH | O_DIRECTORY));
    const std::string name =
        fmt::format("/proc/self/fd/{}/{}", result.directory.get(), absolute.filename().string());
    if (name.size() >= sizeof result.address.sun_path) {
      return make_error(ErrorCode::InvalidInput, "the name of socket {} is too long",
                        path.string());
    }
    result.address.sun_family = AF_UNIX;
    std::memcpy(result.address.sun_path, name.data(), name.size());
    return result;
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<UniqueFd> unix_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("create socket");
  return fd;
}

Result<UniqueFd> connect_to(const std::filesystem::path& path) {
  const ShortAddress address = TRY(ShortAddress::of(path));
  UniqueFd fd = TRY(unix_socket());
  if (::connect(fd.get(), address.get(), sizeof address.address) != 0) {
    return errno_error("connect to {}", path.string());
  }
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

Result<UniqueFd> listen_on(const SocketProxy::Options& options) {
  const ShortAddress address = TRY(ShortAddress::of(options.listen));
  UniqueFd fd = TRY(unix_socket());
  if (::bind(fd.get(), address.get(), sizeof address.address) != 0 ||
      ::chmod(options.listen.c_str(), options.mode) != 0 ||
      ::chown(options.listen.c_str(), options.uid, options.gid) != 0 ||
      ::listen(fd.get(), 16) != 0) {
    return errno_error("listen on {}", options.listen.string());
  }
  return fd;
}

// One direction of one connection: bytes read from one side that the other has yet to take.
struct Flow {
  std::string pending;
  bool source_ended = false;
  bool shut = false;  // the end was passed on

  bool wants_read() const { return !source_ended && pending.size() < (64 << 10); }
  bool wants_write() const { return !pending.empty(); }

  // Returns false when the connection is broken.
  bool read_from(int fd) {
    char buffer[16384];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) pending.append(buffer, static_cast<size_t>(got));
    if (got == 0) source_ended = true;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
  }
  bool write_to(int fd) {
    const ssize_t sent = ::send(fd, pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) pending.erase(0, static_cast<size_t>(sent));
    return sent >= 0 || errno == EAGAIN || errno == EINTR;
  }
  void pass_end_to(int fd) {
    if (!source_ended || shut || !pending.empty()) return;
    ::shutdown(fd, SHUT_WR);
    shut = true;
  }
};

struct Connection {
  UniqueFd client;
  UniqueFd agent;
  Flow to_agent;
  Flow to_client;

  // A side that nothing is wanted of is left out: poll() would report its hang-up for ever.
  static pollfd interest(int fd, const Flow& in, const Flow& out) {
    const int events = (in.wants_read() ? POLLIN : 0) | (out.wants_write() ? POLLOUT : 0);
    return {events == 0 ? -1 : fd, static_cast<short>(events), 0};
  }
  // Returns false when it is over.
  bool serve(short client_ready, short agent_ready) {
    constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
    if ((client_ready & kReadable) != 0 && to_agent.wants_read() &&
        !to_agent.read_from(client.get())) {
      return false;
    }
    if ((agent_ready & kReadable) != 0 && to_client.wants_read() &&
        !to_client.read_from(agent.get())) {
      return false;
    }
    if (to_agent.wants_write() && !to_agent.write_to(agent.get())) return false;
    if (to_client.wants_write() && !to_client.write_to(client.get())) return false;
    to_agent.pass_end_to(agent.get());
    to_client.pass_end_to(client.get());
    return !(to_agent.shut && to_client.shut);
  }
};

void accept_one(int listener, const std::filesystem::path& target,
                std::list<Connection>& connections) {
  UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client) return;
  // The host's agent may have gone: the step then sees its connection closed.
  Result<UniqueFd> agent = connect_to(target);
  if (agent) connections.push_back({std::move(client), std::move(*agent), {}, {}});
}

void serve(const UniqueFd& stop, const UniqueFd& listener, const std::filesystem::path& target) {
  std::list<Connection> connections;
  for (;;) {
    std::vector<pollfd> fds = {{stop.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
    for (const Connection& connection : connections) {
      const auto& [client, agent, to_agent, to_client] = connection;
      fds.push_back(Connection::interest(client.get(), to_agent, to_client));
      fds.push_back(Connection::interest(agent.get(), to_client, to_agent));
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents != 0) return;
    size_t i = 2;
    for (auto connection = connections.begin(); connection != connections.end(); i += 2) {
      const bool alive = connection->serve(fds[i].revents, fds[i + 1].revents);
      connection = alive ? std::next(connection) : connections.erase(connection);
    }
    if (fds[1].revents != 0) accept_one(listener.get(), target, connections);
  }
}

}  // namespace

Result<SocketProxy> SocketProxy::start(const Options& options) {
  TRY(connect_to(options.target));
  UniqueFd listener = TRY(listen_on(options));
  Pipe stop = TRY(make_pipe());
  std::jthread thread([stop_end = std::move(stop.read_end), listener = std::move(listener),
                       target = options.target] { serve(stop_end, listener, target); });
  return SocketProxy(std::move(stop.write_end), std::move(thread));
}

SocketProxy::~SocketProxy() {
  stop_.reset();
}

}  // namespace slipway::executor
