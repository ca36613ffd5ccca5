// NetworkPool: the network namespaces of steps.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/guarded.h"
#include "executor/process_spec.h"

namespace slipway::executor {

// One network namespace, kept alive by a bind mount; Private ones are connected to the host's
// network by a pasta process.
class NetworkNamespace {
 public:
  static Result<std::unique_ptr<NetworkNamespace>> create_isolated(
      std::filesystem::path mount_point);
  static Result<std::unique_ptr<NetworkNamespace>> create_connected(
      std::filesystem::path mount_point, const std::string& pasta, bool forward_dns,
      std::stop_token stop);
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;
  ~NetworkNamespace();

  const std::filesystem::path& path() const { return path_; }
  // False once the process that connects it has ended.
  bool usable() const;

 private:
  explicit NetworkNamespace(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  std::optional<ChildProcess> pasta_;
};

// The address that the resolver of a connected namespace answers on when the host's own resolver
// sits on its loopback interface.
inline constexpr char kDnsForwarder[] = "169.254.1.53";

// Namespaces are made on demand and reused by later steps, never by two at a time: setting one up
// costs more than running a small step. Thread-safe.
class NetworkPool {
 public:
  struct Options {
    std::filesystem::path directory;  // for the mount points
    std::string pasta;                // program, found in PATH when without a slash
    bool forward_dns = false;         // see kDnsForwarder
    std::function<void(std::string)> on_warning;
  };
  explicit NetworkPool(Options options) : options_(std::move(options)) {}

  // A namespace for one step; goes back to the pool when destroyed.
  class Lease {
   public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    // Path of the namespace; empty for the host's network.
    std::string path() const { return space_ ? space_->path().string() : std::string(); }
    // What the step really got: a Private request falls back to Host when pasta cannot serve it.
    Network kind() const { return kind_; }

   private:
    friend class NetworkPool;
    Lease(NetworkPool* pool, Network kind, std::unique_ptr<NetworkNamespace> space)
        : pool_(pool), kind_(kind), space_(std::move(space)) {}
    NetworkPool* pool_;
    Network kind_;
    std::unique_ptr<NetworkNamespace> space_;
  };
  Result<Lease> acquire(Network kind, std::stop_token stop);

 private:
  struct State {
    std::vector<std::unique_ptr<NetworkNamespace>> isolated;
    std::vector<std::unique_ptr<NetworkNamespace>> connected;
    int next_name = 0;
    bool pasta_failed = false;
  };
  std::unique_ptr<NetworkNamespace> take(Network kind);
  void give_back(Network kind, std::unique_ptr<NetworkNamespace> space);
  std::filesystem::path next_mount_point();
  Result<Lease> connect(std::stop_token stop);

  Options options_;
  Guarded<State> state_;
};

}  // namespace slipway::executor
