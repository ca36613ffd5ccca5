// SocketProxy: a Unix socket of ours whose connections go to another one.
#pragma once

#include <filesystem>
#include <thread>

#include "base/unique_fd.h"

namespace slipway::executor {

// Why not bind-mount the host's socket: it must appear with the owner and mode the step asks for,
// and the host's own file must not change.
class SocketProxy {
 public:
  struct Options {
    std::filesystem::path listen;  // created
    std::filesystem::path target;  // connected to, once per connection
    uint32_t uid = 0;
    uint32_t gid = 0;
    uint32_t mode = 0600;
  };
  // Serves on a thread of its own until destroyed. Fails when `target` does not accept now.
  static Result<SocketProxy> start(const Options& options);
  SocketProxy(SocketProxy&&) noexcept = default;
  SocketProxy& operator=(SocketProxy&&) = delete;
  ~SocketProxy();

 private:
  SocketProxy(UniqueFd stop, std::jthread thread)
      : stop_(std::move(stop)), thread_(std::move(thread)) {}
  UniqueFd stop_;  // write end of a pipe: closing it ends the thread
  std::jthread thread_;
};

}  // namespace slipway::executor
