#include "registry/credentials.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/child_process.h"
#include "base/file_io.h"
#include "base/text.h"
#include "oci/json_fields.h"

namespace slipway::registry {
namespace {

using nlohmann::json;

constexpr size_t kMaxFileBytes = 8 << 20;
// Under this key Docker keeps what belongs to Docker Hub.
constexpr char kDockerHubKey[] = "https://index.docker.io/v1/";

bool is_docker_hub(std::string_view host) {
  return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io";
}

// "https://quay.io/v2/" -> "quay.io"; "quay.io/org" keeps its path (podman's namespaces).
std::string normalized_key(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  const std::string_view host = key.substr(0, key.find('/'));
  if (is_docker_hub(host)) return "docker.io" + std::string(key.substr(host.size()));
  return std::string(key);
}

Result<Credentials> parse_entry(const json& entry) {
  Credentials credentials;
  credentials.username = TRY(json_fields::string(entry, "username"));
  credentials.password = TRY(json_fields::string(entry, "password"));
  credentials.identity_token = TRY(json_fields::string(entry, "identitytoken"));
  credentials.registry_token = TRY(json_fields::string(entry, "registrytoken"));
  const std::string auth = TRY(json_fields::string(entry, "auth"));
  if (auth.empty()) return credentials;
  const std::optional<std::string> decoded = decode_base64(auth);
  const size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return make_error(ErrorCode::InvalidInput, "\"auth\" is not base64 of NAME:PASSWORD");
  }
  credentials.username = decoded->substr(0, colon);
  credentials.password = decoded->substr(colon + 1);
  // Docker pads passwords with zero bytes.
  while (credentials.password.ends_with('\0')) credentials.password.pop_back();
  return credentials;
}

bool is_helper_name(std::string_view name) {
  return !name.empty() && name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

}  // namespace

Result<CredentialFile> parse_credential_file(std::string_view text) {
  CredentialFile file;
  if (trim(text).empty()) return file;
  const json document = TRY(json_fields::parse_object(text, kMaxFileBytes));
  if (const json* auths = TRY(json_fields::object(document, "auths"))) {
    for (const auto& [key, entry] : auths->items()) {
      if (!entry.is_object()) {
        return make_error(ErrorCode::InvalidInput, "\"auths\": \"{}\" must be an object", key);
      }
      // The text of the file stays out of the message: it may hold passwords.
      Credentials credentials = TRY(parse_entry(entry).context(fmt::format("\"auths\": {}", key)));
      if (!credentials.empty()) {
        file.auths.insert_or_assign(normalized_key(key), std::move(credentials));
      }
    }
  }
  for (auto& [key, name] : TRY(json_fields::string_map(document, "credHelpers"))) {
    file.cred_helpers.insert_or_assign(normalized_key(key), name);
  }
  file.creds_store = TRY(json_fields::string(document, "credsStore"));
  return file;
}

CredentialStore::CredentialStore(std::vector<std::filesystem::path> files, std::string json_text,
                                 Helper helper)
    : paths_(std::move(files)), json_text_(std::move(json_text)), helper_(std::move(helper)) {}

Status CredentialStore::load(State& state) {
  if (state.files) return {};
  std::vector<CredentialFile> files;
  if (!json_text_.empty()) {
    files.push_back(TRY(parse_credential_file(json_text_).context("read DOCKER_AUTH_CONFIG")));
  }
  for (const std::filesystem::path& path : paths_) {
    const Result<std::string> text = read_file(path, kMaxFileBytes);
    if (!text && text.error().code() == ErrorCode::NotFound) continue;
    if (!text) return text.error();
    files.push_back(
        TRY(parse_credential_file(*text).context(fmt::format("read {}", path.string()))));
  }
  state.files = std::move(files);
  return {};
}

std::optional<Credentials> CredentialStore::ask_helper(State& state, const std::string& name,
                                                       const std::string& server,
                                                       std::stop_token stop) {
  const std::string key = name + " " + server;
  const auto known = state.from_helpers.find(key);
  if (known != state.from_helpers.end()) return known->second;
  Result<std::optional<Credentials>> answer =
      is_helper_name(name)
          ? helper_(name, server, stop)
          : make_error(ErrorCode::InvalidInput, "\"{}\" is no name of a credential helper", name);
  if (!answer) {
    // Many machines have a helper configured that is not installed; public images need none.
    state.helper_problem = answer.error().message();
    answer = std::optional<Credentials>();
  }
  return state.from_helpers.emplace(key, *std::move(answer)).first->second;
}

Result<Credentials> CredentialStore::find(const std::string& host, const std::string& repository,
                                          std::stop_token stop) {
  auto state = state_.lock();
  TRY(load(*state));
  const std::string domain = is_docker_hub(host) ? "docker.io" : host;
  const std::string server = domain == "docker.io" ? kDockerHubKey : domain;
  for (const CredentialFile& file : *state->files) {
    const auto helper = file.cred_helpers.find(domain);
    const std::string& name = helper != file.cred_helpers.end() ? helper->second : file.creds_store;
    if (!name.empty()) {
      if (std::optional<Credentials> found = ask_helper(*state, name, server, stop)) return *found;
    }
    // The longest prefix of host/path that the file knows.
    for (std::string key = domain + "/" + repository;;) {
      const auto entry = file.auths.find(key);
      if (entry != file.auths.end()) return entry->second;
      const size_t slash = key.rfind('/');
      if (slash == std::string::npos) break;
      key.resize(slash);
    }
  }
  return Credentials{};
}

std::string CredentialStore::helper_problem() {
  return state_.lock()->helper_problem;
}

Result<std::optional<Credentials>> CredentialStore::run_credential_helper(const std::string& name,
                                                                          const std::string& server,
                                                                          std::stop_token stop) {
  const std::string program = "docker-credential-" + name;
  ProcessOptions options;
  options.argv = {program, "get"};
  const Result<CommandOutput> ran = run_command(options, server, stop);
  if (!ran) return Error(ran.error()).context(fmt::format("run {}", program));
  if (!ran->status.success()) {
    const std::string said(trim(ran->stdout_text.empty() ? ran->stderr_text : ran->stdout_text));
    if (said.find("credentials not found") != std::string::npos) {
      return std::optional<Credentials>();
    }
    return make_error(ErrorCode::PermissionDenied, "run {}: exit code {}: {}", program,
                      ran->status.shell_code(), said.substr(0, 200));
  }
  const json answer = TRY(json_fields::parse_object(ran->stdout_text, kMaxFileBytes)
                              .context(fmt::format("read the answer of {}", program)));
  Credentials credentials;
  credentials.username = TRY(json_fields::string(answer, "Username"));
  const std::string secret = TRY(json_fields::string(answer, "Secret"));
  if (credentials.username == "<token>") {
    credentials.username.clear();
    credentials.identity_token = secret;
  } else {
    credentials.password = secret;
  }
  return std::optional(std::move(credentials));
}

}  // namespace slipway::registry
