#include "registry/requester.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/json_fields.h"

namespace slipway::registry {
namespace {

using std::chrono::milliseconds;

constexpr int kConnectAttempts = 4;
constexpr int kStatusAttempts = 6;
constexpr milliseconds kLongestSilence{20'000};
constexpr milliseconds kLongestDelay{10'000};
// A server that asks for more patience than this is treated as down.
constexpr milliseconds kLongestRetryAfter{120'000};

// Retry-After in either of its forms (RFC 9110 10.2.3).
std::optional<milliseconds> retry_after_header(const HttpResponse& response) {
  const std::string text = response.header("retry-after");
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == std::string::npos && text.size() <= 9) {
    return std::chrono::seconds(std::stol(text));
  }
  const std::optional<int64_t> date = http_date(text);
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::max<int64_t>(0, *date - time(nullptr)));
}

// False when `stop` was requested.
bool sleep_for(milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

milliseconds with_jitter(milliseconds delay) {
  thread_local std::minstd_rand random(std::random_device{}());
  return delay * std::uniform_int_distribution<int>(80, 120)(random) / 100;
}

// The messages of {"errors": [{"code", "message", "detail"}]}.
std::string registry_message(const std::string& body) {
  const auto document = json_fields::parse_object(body, 1 << 20);
  std::vector<std::string> messages;
  if (document) {
    const auto errors = json_fields::objects(*document, "errors");
    if (errors) {
      for (const nlohmann::json* error : *errors) {
        const std::string message = json_fields::string(*error, "message").value_or("");
        const std::string code = json_fields::string(*error, "code").value_or("");
        if (!message.empty() || !code.empty()) messages.push_back(message.empty() ? code : message);
        if (messages.size() == 3) break;
      }
    }
  }
  std::string text = join(messages, ", ").substr(0, 400);
  // It goes to a terminal.
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return text;
}

ErrorCode code_of_status(int status) {
  if (status == 404) return ErrorCode::NotFound;
  if (status == 401 || status == 403) return ErrorCode::PermissionDenied;
  if (status == 408 || status == 429 || status >= 500) return ErrorCode::Unavailable;
  if (status == 405 || status == 415) return ErrorCode::Unsupported;
  return ErrorCode::InvalidInput;
}

}  // namespace

bool is_transient(const Result<HttpResponse>& outcome) {
  if (!outcome) return outcome.error().code() == ErrorCode::Unavailable;
  const int status = outcome->status;
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

Result<bool> Backoff::retry_after(const Result<HttpResponse>& failed, std::stop_token stop) {
  if (!is_transient(failed)) return false;
  const int limit = failed ? kStatusAttempts : kConnectAttempts;
  if (++attempts_ >= limit) return false;
  // A host that lets every attempt time out is down.
  const auto waited = std::chrono::steady_clock::now() - started_;
  if (!failed && waited > kLongestSilence) return false;
  milliseconds pause = with_jitter(delay_);
  if (failed) {
    const std::optional<milliseconds> asked = retry_after_header(*failed);
    if (asked > kLongestRetryAfter) return false;
    if (asked) pause = std::max(pause, *asked);
  }
  delay_ = std::min(delay_ * 2, kLongestDelay);
  if (!sleep_for(pause, stop)) return Error(ErrorCode::Cancelled, "cancelled");
  return true;
}

Error status_error(const HttpResponse& response, std::string_view what, const std::string& hint) {
  const ErrorCode code = code_of_status(response.status);
  std::string cause = registry_message(response.body);
  if (cause.empty() && code == ErrorCode::NotFound) cause = "not found";
  if (cause.empty() && code == ErrorCode::PermissionDenied) cause = "access denied";
  const std::string text =
      fmt::format("{}: {}{}HTTP status {}{}", what, cause, cause.empty() ? "" : " (",
                  response.status, cause.empty() ? "" : ")");
  Error error(code, text);
  if (code == ErrorCode::PermissionDenied) return std::move(error).with_hint(hint);
  return error;
}

Result<HttpResponse> Requester::send_once(const Endpoint& endpoint, const std::string& repository,
                                          HttpRequest request, const Scopes& scopes,
                                          std::stop_token stop) {
  request.tls = endpoint.tls;
  if (!endpoint.mirrored_for.empty()) {
    // The convention of containerd for mirrors that serve several registries.
    request.url += request.url.find('?') == std::string::npos ? '?' : '&';
    request.url += "ns=" + endpoint.mirrored_for;
  }
  // A location on another host (an upload session in a cloud store) is authorized by its URL.
  const bool same_host = url_origin(request.url) == url_origin(endpoint.url);
  for (bool again = false;; again = true) {
    HttpRequest attempt = request;
    std::string authorization;
    if (same_host) {
      authorization = TRY(authorizer_.header(endpoint, repository, scopes, stop));
      if (!authorization.empty()) attempt.headers.emplace_back("Authorization", authorization);
    }
    HttpResponse response = TRY(http_.perform(attempt, stop));
    if (response.status != 401 || again || !same_host) return response;
    const bool better = TRY(authorizer_.learn(endpoint, response, authorization, scopes));
    // A source can be read once only: whoever owns it starts again.
    if (!better || request.body_source != nullptr) return response;
  }
}

Result<HttpResponse> Requester::send(const Endpoint& endpoint, const std::string& repository,
                                     HttpRequest request, const Scopes& scopes,
                                     std::stop_token stop) {
  Backoff backoff(retry_delay_);
  for (;;) {
    Result<HttpResponse> outcome = send_once(endpoint, repository, request, scopes, stop);
    if (!TRY(backoff.retry_after(outcome, stop))) return outcome;
  }
}

}  // namespace slipway::registry
