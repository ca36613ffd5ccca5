#include "cli/secrets.h"

#include <fmt/format.h>

#include "base/file_io.h"
#include "base/text.h"

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

// "ID", "ID=SOCKET" or "ID=KEY,KEY".
Result<Secrets::Ssh> ssh_source(const std::string& text, const Environment& environment) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    const std::string socket = environment.get("SSH_AUTH_SOCK");
    if (!socket.empty()) return Secrets::Ssh{socket, {}};
    return make_error(ErrorCode::InvalidInput, "ssh \"{}\": no agent is running", text)
        .with_hint(fmt::format("start one (eval $(ssh-agent); ssh-add), or name a socket or a key "
                               "file: --ssh {}=PATH",
                               text));
  }
  Secrets::Ssh source;
  const std::vector<std::string> paths = split(text.substr(equals + 1), ',');
  for (const std::string& name : paths) {
    const std::filesystem::path path = environment.working_directory / name;
    std::error_code error;
    const auto type = std::filesystem::status(path, error).type();
    if (type == std::filesystem::file_type::not_found) {
      return make_error(ErrorCode::NotFound, "ssh \"{}\": no such file: {}", text, path.string());
    }
    if (type != std::filesystem::file_type::socket) {
      source.keys.push_back(path);
    } else if (paths.size() == 1) {
      source.socket = path;
    } else {
      return make_error(ErrorCode::InvalidInput,
                        "ssh \"{}\": an agent's socket stands alone, without keys or other sockets",
                        text);
    }
  }
  return source;
}

Status add_ssh(Secrets& secrets, const std::string& text, const Environment& environment) {
  const std::string id = text.substr(0, text.find('='));
  const Secrets::Ssh source = TRY(ssh_source(text, environment));
  const auto [at, added] = secrets.ssh_by_id.emplace(id, source);
  if (added || at->second == source) return {};
  return make_error(ErrorCode::InvalidInput, "ssh \"{}\" is given twice with different sources",
                    id);
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
      if (!source.file.empty() && !path_exists(source.file)) {
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
