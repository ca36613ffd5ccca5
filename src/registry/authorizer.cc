#include "registry/authorizer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "oci/json_fields.h"

namespace slipway::registry {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

// The token specification's lifetime for servers that name none, or a shorter one.
constexpr std::chrono::seconds kShortestLifetime{60};
constexpr std::chrono::seconds kExpiryMargin{15};
constexpr size_t kMaxTokenAnswerBytes = 1 << 20;

std::string basic_header(const Credentials& credentials) {
  return "Basic " + encode_base64(credentials.username + ":" + credentials.password);
}

// A challenge that can be met is preferred: Bearer first, as docker does.
const Challenge* choose(const std::vector<Challenge>& challenges) {
  for (const Challenge::Scheme scheme : {Challenge::Scheme::Bearer, Challenge::Scheme::Basic}) {
    const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
    if (found != challenges.end()) return &*found;
  }
  return nullptr;
}

HttpRequest token_request(const Challenge& challenge, const Scopes& scopes,
                          const Credentials& credentials, const std::string& user_agent) {
  HttpRequest request;
  request.max_body_bytes = kMaxTokenAnswerBytes;
  if (!credentials.identity_token.empty()) {
    request.method = "POST";
    request.url = challenge.realm;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = fmt::format("grant_type=refresh_token&service={}&client_id={}&scope={}",
                               percent_encode(challenge.service), percent_encode(user_agent),
                               percent_encode(join(scopes, " ")));
    request.body += "&refresh_token=" + percent_encode(credentials.identity_token);
    return request;
  }
  request.url = challenge.realm;
  request.url += challenge.realm.find('?') == std::string::npos ? '?' : '&';
  request.url += "service=" + percent_encode(challenge.service);
  for (const std::string& scope : scopes) request.url += "&scope=" + percent_encode(scope);
  if (!credentials.username.empty()) {
    request.headers.emplace_back("Authorization", basic_header(credentials));
  }
  return request;
}

// A token server that could be named by anybody between us and the registry must not see a
// password in the clear.
Status check_realm(const Challenge& challenge, const Endpoint& endpoint,
                   const Credentials& credentials) {
  const bool plain = challenge.realm.starts_with("http://");
  if (!plain && !challenge.realm.starts_with("https://")) {
    return make_error(ErrorCode::InvalidInput, "the token server of {} is no URL: {}",
                      endpoint.host, challenge.realm);
  }
  const bool clear_text_expected =
      endpoint.url.starts_with("http://") || is_loopback_host(url_host(challenge.realm));
  if (plain && !credentials.empty() && !clear_text_expected) {
    return make_error(ErrorCode::PermissionDenied,
                      "{} wants the password to be sent to {} without encryption", endpoint.host,
                      challenge.realm);
  }
  return {};
}

}  // namespace

Result<std::string> Authorizer::header(const Endpoint& endpoint, const std::string& repository,
                                       const Scopes& scopes, std::stop_token stop) {
  std::optional<Challenge> challenge;
  {
    auto hosts = hosts_.lock();
    if (const Challenge* chosen = choose((*hosts)[endpoint.host].challenges)) challenge = *chosen;
  }
  if (!challenge) return std::string();
  if (challenge->scheme == Challenge::Scheme::Bearer) {
    return bearer_header(endpoint, repository, *challenge, scopes, stop);
  }
  const Credentials credentials = TRY(credentials_.find(endpoint.host, repository, stop));
  return credentials.username.empty() ? std::string() : basic_header(credentials);
}

Result<std::string> Authorizer::bearer_header(const Endpoint& endpoint,
                                              const std::string& repository,
                                              const Challenge& challenge, const Scopes& scopes,
                                              std::stop_token stop) {
  std::shared_ptr<Token> token;
  {
    auto hosts = hosts_.lock();
    std::shared_ptr<Token>& slot = (*hosts)[endpoint.host].tokens[scopes];
    if (!slot) slot = std::make_shared<Token>();
    token = slot;
  }
  const std::lock_guard lock(token->fetching);
  if (token->text.empty() || steady_clock::now() >= token->expires) {
    TRY(fetch_token(endpoint, repository, challenge, scopes, *token, stop));
  }
  return "Bearer " + token->text;
}

Status Authorizer::fetch_token(const Endpoint& endpoint, const std::string& repository,
                               const Challenge& challenge, const Scopes& scopes, Token& token,
                               std::stop_token stop) {
  const Credentials credentials = TRY(credentials_.find(endpoint.host, repository, stop));
  if (!credentials.registry_token.empty()) {
    token.text = credentials.registry_token;
    token.expires = steady_clock::time_point::max();
    return {};
  }
  TRY(check_realm(challenge, endpoint, credentials));
  HttpRequest request = token_request(challenge, scopes, credentials, "slipway");
  if (url_host(challenge.realm) == endpoint.host) request.tls = endpoint.tls;
  const HttpResponse answer = TRY(http_.perform(request, stop));
  if (answer.status == 401 || answer.status == 403 || answer.status == 400) {
    return make_error(ErrorCode::PermissionDenied, "get a token from {}: HTTP status {}",
                      url_host(challenge.realm), answer.status)
        .with_hint(hint(endpoint));
  }
  if (!answer.ok()) {
    const ErrorCode code = answer.status == 429 || answer.status >= 500 ? ErrorCode::Unavailable
                                                                        : ErrorCode::InvalidInput;
    return make_error(code, "get a token from {}: HTTP status {}", url_host(challenge.realm),
                      answer.status);
  }
  const json document = TRY(json_fields::parse_object(answer.body, kMaxTokenAnswerBytes)
                                .context("read the token server's answer"));
  token.text = TRY(json_fields::string(document, "token"));
  if (token.text.empty()) token.text = TRY(json_fields::string(document, "access_token"));
  if (token.text.empty() || token.text.find_first_of("\r\n") != std::string::npos) {
    token.text.clear();
    return make_error(ErrorCode::InvalidInput, "the token server {} sent no token",
                      url_host(challenge.realm));
  }
  const std::chrono::seconds named(
      std::clamp<int64_t>(TRY(json_fields::integer(document, "expires_in")), 0, 24 * 3600));
  token.expires = steady_clock::now() + std::max(named, kShortestLifetime) - kExpiryMargin;
  return {};
}

Result<bool> Authorizer::learn(const Endpoint& endpoint, const HttpResponse& denied,
                               const std::string& used, const Scopes& scopes) {
  std::vector<Challenge> challenges;
  for (const auto& [name, value] : denied.headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& challenge : parse_challenges(value)) challenges.push_back(std::move(challenge));
  }
  const Challenge* chosen = choose(challenges);
  if (chosen == nullptr) return false;
  auto hosts = hosts_.lock();
  Host& host = (*hosts)[endpoint.host];
  host.challenges = challenges;
  if (chosen->scheme == Challenge::Scheme::Basic) {
    return used.empty();  // the same name and password would be denied again
  }
  // A token that was refused has expired or was revoked. Drop it, unless somebody has replaced it.
  const auto token = host.tokens.find(scopes);
  if (!used.empty() && token != host.tokens.end()) {
    const std::unique_lock lock(token->second->fetching, std::try_to_lock);
    if (lock.owns_lock() && "Bearer " + token->second->text == used) token->second->text.clear();
  }
  return true;
}

std::string Authorizer::hint(const Endpoint& endpoint) {
  const std::string server = endpoint.host == "registry-1.docker.io" ? "" : " " + endpoint.host;
  std::string text = fmt::format("log in with: docker login{} (or podman login)", server);
  const std::string problem = credentials_.helper_problem();
  if (!problem.empty()) text += "; a credential helper failed: " + problem;
  return text;
}

}  // namespace slipway::registry
