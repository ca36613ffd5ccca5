// CredentialStore: what the user's credential files say about a registry.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"

namespace slipway::registry {

// Either name and password, or one of the tokens; all empty: nobody.
struct Credentials {
  std::string username;
  std::string password;
  std::string identity_token;  // an OAuth2 refresh token
  std::string registry_token;  // a bearer token, sent as it is

  bool empty() const {
    return username.empty() && identity_token.empty() && registry_token.empty();
  }
  bool operator==(const Credentials&) const = default;
};

// One credential file: Docker's config.json or podman's auth.json.
struct CredentialFile {
  std::map<std::string, Credentials> auths;         // key as in the file, normalised
  std::map<std::string, std::string> cred_helpers;  // host -> NAME of docker-credential-NAME
  std::string creds_store;                          // NAME for all hosts
};

// InvalidInput on malformed text. Entries without anything (as Docker Desktop leaves them) are
// skipped.
Result<CredentialFile> parse_credential_file(std::string_view json);

class CredentialStore {
 public:
  // Runs `docker-credential-NAME get` for a server; nullopt when it knows nothing about it.
  using Helper = std::function<Result<std::optional<Credentials>>(
      const std::string& name, const std::string& server, std::stop_token stop)>;

  // `files` and `json_text` as in ClientOptions. Files are read on first use.
  CredentialStore(std::vector<std::filesystem::path> files, std::string json_text,
                  Helper helper = run_credential_helper);

  // For a host and a repository on it ("quay.io", "org/app"); empty credentials when there are
  // none. Answers are kept for the life of the store.
  Result<Credentials> find(const std::string& host, const std::string& repository,
                           std::stop_token stop);
  // What went wrong with credential helpers so far: a line for the user when access is denied.
  std::string helper_problem();

  static Result<std::optional<Credentials>> run_credential_helper(const std::string& name,
                                                                  const std::string& server,
                                                                  std::stop_token stop);

 private:
  struct State {
    std::optional<std::vector<CredentialFile>> files;
    std::map<std::string, std::optional<Credentials>> from_helpers;  // "NAME SERVER"
    std::string helper_problem;
  };
  Status load(State& state);
  std::optional<Credentials> ask_helper(State& state, const std::string& name,
                                        const std::string& server, std::stop_token stop);

  std::vector<std::filesystem::path> paths_;
  std::string json_text_;
  Helper helper_;
  Guarded<State> state_;
};

}  // namespace slipway::registry
