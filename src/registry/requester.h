// Requester: a request to an endpoint with authorization and retries.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "registry/authorizer.h"
#include "registry/http.h"

namespace slipway::registry {

// How often and after which pauses a failed request is tried again: exponential with jitter.
class Backoff {
 public:
  explicit Backoff(std::chrono::milliseconds first_delay) : delay_(first_delay) {}

  // Sleeps before the next attempt and returns true; false when the attempts are used up or the
  // failure will not go away. Cancelled when `stop` was requested.
  Result<bool> retry_after(const Result<HttpResponse>& failed, std::stop_token stop);
  // Progress was made: count from the start again.
  void reset(std::chrono::milliseconds first_delay) {
    attempts_ = 0;
    delay_ = first_delay;
    started_ = std::chrono::steady_clock::now();
  }

 private:
  int attempts_ = 0;
  std::chrono::milliseconds delay_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// Whether another attempt may succeed: connection failures, 408, 429, 5xx.
bool is_transient(const Result<HttpResponse>& outcome);

// The error of an answer that is not what was hoped for: NotFound, PermissionDenied (with a hint),
// Unavailable, InvalidInput; with the registry's own words.
Error status_error(const HttpResponse& response, std::string_view what, const std::string& hint);

class Requester {
 public:
  Requester(HttpClient& http, Authorizer& authorizer, std::chrono::milliseconds retry_delay)
      : http_(http), authorizer_(authorizer), retry_delay_(retry_delay) {}

  // With retries. Any final answer of the registry is a success, 5xx included.
  Result<HttpResponse> send(const Endpoint& endpoint, const std::string& repository,
                            HttpRequest request, const Scopes& scopes, std::stop_token stop);
  // One attempt, plus one after a 401.
  Result<HttpResponse> send_once(const Endpoint& endpoint, const std::string& repository,
                                 HttpRequest request, const Scopes& scopes, std::stop_token stop);

  Backoff backoff() const { return Backoff(retry_delay_); }
  std::chrono::milliseconds retry_delay() const { return retry_delay_; }
  Error denied(const Endpoint& endpoint, const HttpResponse& response, std::string_view what) {
    return status_error(response, what, authorizer_.hint(endpoint));
  }

 private:
  HttpClient& http_;
  Authorizer& authorizer_;
  std::chrono::milliseconds retry_delay_;
};

}  // namespace slipway::registry
