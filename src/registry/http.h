// HttpClient: HTTP requests over kept-open connections. Thread-safe; a call blocks its thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "registry/client.h"
#include "registry/options.h"

namespace slipway::registry {

struct TlsSettings {
  bool verify = true;
  std::string ca_file;  // empty: the system's
  std::string ca_pem;   // used instead of ca_file when not empty
  std::string client_certificate_file;
  std::string client_key_file;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string effective_url;  // after redirects

  bool ok() const { return status >= 200 && status < 300; }
  // The last header of that name; empty when there is none.
  std::string header(std::string_view lower_case_name) const;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  // The body: a text, or `body_size` bytes from a source.
  std::string body;
  const ByteSource* body_source = nullptr;
  uint64_t body_size = 0;
  // Takes the body of a 2xx answer (anything else goes to HttpResponse::body).
  const ByteSink* sink = nullptr;
  // Called before the first byte of a 2xx answer goes to the sink.
  std::function<void(const HttpResponse&)> on_answer;
  size_t max_body_bytes = 4 << 20;  // of HttpResponse::body
  bool follow_redirects = true;     // never with a body
  TlsSettings tls;
  // Give up when nothing moves for so long.
  std::chrono::seconds stall_timeout{60};
};

struct CurlLibrary;

class HttpClient {
 public:
  // Begins to load libcurl, beside whatever the caller does next.
  HttpClient(ProxyOptions proxy, std::string user_agent);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any answer is a success. Errors: Unavailable (connection refused, broken, timed out: a retry
  // may help), PermissionDenied (certificate not trusted), Cancelled, what the sink or source
  // returned.
  Result<HttpResponse> perform(const HttpRequest& request, std::stop_token stop);

 private:
  class Handle;
  struct Shared;
  Result<Shared*> shared();
  std::unique_ptr<Handle> take_handle(const CurlLibrary& curl, const std::string& origin);
  void give_back(std::unique_ptr<Handle> handle);

  ProxyOptions proxy_;
  std::string user_agent_;
  std::once_flag shared_made_;
  std::unique_ptr<Shared> shared_;
  Guarded<std::vector<std::unique_ptr<Handle>>> idle_;
  std::jthread loading_;
};

// Seconds since the epoch of an HTTP date (RFC 9110 5.6.7, the preferred form); nullopt for others.
std::optional<int64_t> http_date(const std::string& text);
// The same the other way: "Tue, 24 Nov 2026 13:33:05 GMT"; empty for what has no date.
std::string format_http_date(int64_t seconds);
// "scheme://host:port" of a URL.
std::string url_origin(std::string_view url);
// The host (and port, when given) of a URL: "registry.lan:5000".
std::string url_host(std::string_view url);
// localhost, 127.0.0.0/8 and ::1, with or without a port.
bool is_loopback_host(std::string_view host);
// `text` with everything escaped that is not an RFC 3986 unreserved character.
std::string percent_encode(std::string_view text);

}  // namespace slipway::registry
