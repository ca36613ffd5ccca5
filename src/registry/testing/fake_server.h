// FakeServer: an HTTP/1.1 server on loopback whose answers a test decides.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace slipway::registry::testing {

struct FakeRequest {
  std::string method;
  std::string target;                          // "/v2/a/manifests/b?x=y"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct FakeReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // The connection is cut after so many bytes of the body; all are announced.
  size_t cut_after = std::string::npos;
};

class FakeServer {
 public:
  using Handler = std::function<FakeReply(const FakeRequest&)>;

  explicit FakeServer(Handler handler);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string host() const;  // "127.0.0.1:PORT"
  // "METHOD /target" of everything asked so far.
  std::vector<std::string> requests();
  int connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int fd);

  Handler handler_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  Guarded<std::vector<std::string>> requests_;
  Guarded<std::list<UniqueFd>> open_;
  std::vector<std::jthread> workers_;  // of the accepting thread
  std::jthread acceptor_;
};

// A port that was free a moment ago.
int free_port();

}  // namespace slipway::registry::testing
