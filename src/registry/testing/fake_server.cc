#include "registry/testing/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"

namespace slipway::registry::testing {
namespace {

std::pair<UniqueFd, int> listen_on_loopback() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(fd.get() >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  CHECK(::listen(fd.get(), 64) == 0);
  socklen_t length = sizeof(address);
  CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return {std::move(fd), ntohs(address.sin_port)};
}

// One connection's bytes, read as requests.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  std::optional<FakeRequest> next() {
    const std::optional<size_t> head_end = fill_until("\r\n\r\n");
    if (!head_end) return std::nullopt;
    FakeRequest request;
    const std::vector<std::string> lines = split(buffer_.substr(0, *head_end), '\n');
    const std::vector<std::string> first = split(trim(lines.at(0)), ' ');
    CHECK(first.size() == 3);
    request.method = first[0];
    request.target = first[1];
    for (size_t i = 1; i < lines.size(); ++i) {
      const size_t colon = lines[i].find(':');
      if (colon == std::string::npos) continue;
      request.headers[to_lower(lines[i].substr(0, colon))] =
          std::string(trim(std::string_view(lines[i]).substr(colon + 1)));
    }
    buffer_.erase(0, *head_end + 4);
    const std::string length = request.header("content-length");
    const size_t body_size = length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < body_size) {
      if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, body_size);
    buffer_.erase(0, body_size);
    return request;
  }

 private:
  bool fill() {
    char bytes[16384];
    const ssize_t count = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  }
  std::optional<size_t> fill_until(std::string_view marker) {
    for (;;) {
      const size_t found = buffer_.find(marker);
      if (found != std::string::npos) return found;
      if (!fill()) return std::nullopt;
    }
  }

  int fd_;
  std::string buffer_;
};

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

FakeServer::FakeServer(Handler handler) : handler_(std::move(handler)) {
  std::tie(listener_, port_) = listen_on_loopback();
  acceptor_ = std::jthread([this] { accept_all(); });
}

FakeServer::~FakeServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    auto open = open_.lock();
    for (const UniqueFd& fd : *open) ::shutdown(fd.get(), SHUT_RDWR);
  }
  workers_.clear();
}

std::string FakeServer::host() const {
  return fmt::format("127.0.0.1:{}", port_);
}

std::vector<std::string> FakeServer::requests() {
  return *requests_.lock();
}

void FakeServer::accept_all() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.get() < 0) return;
    ++connections_;
    const int number = fd.get();
    open_.lock()->push_back(std::move(fd));
    workers_.emplace_back([this, number] { serve(number); });
  }
}

void FakeServer::serve(int fd) {
  Reader reader(fd);
  while (const std::optional<FakeRequest> request = reader.next()) {
    requests_.lock()->push_back(request->method + " " + request->target);
    const FakeReply reply = handler_(*request);
    std::string head = fmt::format("HTTP/1.1 {} X\r\n", reply.status);
    bool has_length = false;
    for (const auto& [name, value] : reply.headers) {
      head += fmt::format("{}: {}\r\n", name, value);
      has_length = has_length || to_lower(name) == "content-length";
    }
    if (!has_length) head += fmt::format("Content-Length: {}\r\n", reply.body.size());
    head += "\r\n";
    if (request->method != "HEAD") head += reply.body.substr(0, reply.cut_after);
    if (!send_all(fd, head)) return;
    if (reply.cut_after != std::string::npos) break;
  }
  ::shutdown(fd, SHUT_RDWR);
}

int free_port() {
  return listen_on_loopback().second;
}

}  // namespace slipway::registry::testing
