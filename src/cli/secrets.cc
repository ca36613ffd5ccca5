#include "cli/secrets.h"

#include "base/file_io.h"

namespace slipway::cli {
namespace {

constexpr size_t kMaxSecretBytes = 500 << 10;  // BuildKit's limit

std::string field(const bake::Fields& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

Result<Secrets::Source> secret_source(const bake::Fields& fields, const Environment& environment) {
  const std::string id = field(fields, "id");
  const std::string variable = field(fields, "env");
  const std::string file = field(fields, "src");
  if (!variable.empty()) return Secrets::Source{{}, variable};
  if (!file.empty()) return Secrets::Source{environment.working_directory / file, {}};
  // Only an id: a variable of that name, else a file of that name, as buildx.
  if (environment.has(id)) return Secrets::Source{{}, id};
  return Secrets::Source{environment.working_directory / id, {}};
}

Status add_ssh(Secrets& secrets, const std::string& text, const Environment& environment) {
  const size_t equals = text.find('=');
  const std::string id = text.substr(0, equals);
  std::filesystem::path socket;
  if (equals == std::string::npos) {
    socket = environment.get("SSH_AUTH_SOCK");
    if (socket.empty()) {
      return make_error(ErrorCode::InvalidInput, "ssh \"{}\": no agent is running", text)
          .with_hint("start one (eval $(ssh-agent); ssh-add) or name a socket: --ssh " + id +
                     "=SOCKET");
    }
  } else {
    socket = environment.working_directory / text.substr(equals + 1);
    if (!std::filesystem::is_socket(socket)) {
      return make_error(ErrorCode::Unsupported,
                        "ssh \"{}\": only agent sockets can be given, not key files", text)
          .with_hint("load the key into an agent: ssh-add " + socket.string());
    }
  }
  const auto [at, added] = secrets.ssh_sockets.emplace(id, socket);
  if (!added && at->second != socket) {
    return make_error(ErrorCode::InvalidInput, "ssh \"{}\" is given twice with different sockets",
                      id);
  }
  return {};
}

}  // namespace

Result<Secrets> collect_secrets(const std::vector<bake::Target>& targets,
                                const Environment& environment) {
  Secrets secrets;
  for (const bake::Target& target : targets) {
    for (const bake::Fields& fields : target.secrets) {
      const Secrets::Source source = TRY(secret_source(fields, environment));
      const auto [at, added] = secrets.by_id.emplace(field(fields, "id"), source);
      if (!added && at->second != source) {
        return make_error(ErrorCode::InvalidInput,
                          "secret \"{}\" is given twice with different sources", at->first);
      }
      if (!source.file.empty() && !std::filesystem::exists(source.file)) {
        return make_error(ErrorCode::NotFound, "secret \"{}\": no such file: {}", at->first,
                          source.file.string());
      }
    }
    for (const std::string& text : target.ssh) TRY(add_ssh(secrets, text, environment));
  }
  return secrets;
}

Result<std::optional<std::string>> read_secret(const Secrets& secrets, const std::string& id,
                                               const Environment& environment) {
  const auto found = secrets.by_id.find(id);
  if (found == secrets.by_id.end()) return std::optional<std::string>();
  if (!found->second.variable.empty()) {
    return std::optional<std::string>(environment.get(found->second.variable));
  }
  return std::optional<std::string>(
      TRY(read_file(found->second.file, kMaxSecretBytes).context("secret \"" + id + "\"")));
}

}  // namespace slipway::cli
