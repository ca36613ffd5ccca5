#include "cli/key_agent.h"

#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace slipway::cli {
namespace {

constexpr char kSocketName[] = "agent";  // relative: socket addresses are short

constexpr char kHint[] = "or start an agent yourself (ssh-agent, ssh-add) and give its socket";

Error not_installed(Error error) {
  if (error.code() != ErrorCode::NotFound) return error;
  return make_error(ErrorCode::NotFound, "{}", error.message())
      .with_hint(std::string("install ssh-agent (Debian: openssh-client), ") + kHint);
}

// Returns once the agent listens: then it says where.
Result<ChildProcess> start_agent(const std::filesystem::path& directory) {
  Pipe output = TRY(make_pipe());
  ProcessOptions options;
  options.argv = {"ssh-agent", "-D", "-a", kSocketName};
  options.working_directory = directory;
  options.stdout_fd = output.write_end.get();
  Result<ChildProcess> process = ChildProcess::start(options);
  if (!process) return not_installed(std::move(process).error());
  output.write_end.reset();
  char first = 0;
  if (::read(output.read_end.get(), &first, 1) != 1) {
    return make_error(ErrorCode::Unavailable, "ssh-agent did not start");
  }
  return process;
}

Status add_key(const std::filesystem::path& directory, const std::filesystem::path& key) {
  ProcessOptions options;
  options.argv = {"ssh-add", "-q", std::filesystem::absolute(key)};
  options.working_directory = directory;
  // Nobody is asked for a passphrase.
  options.environment = {std::string("SSH_AUTH_SOCK=") + kSocketName, "SSH_ASKPASS=/bin/false",
                         "SSH_ASKPASS_REQUIRE=force"};
  if (const char* path = ::getenv("PATH")) {
    options.environment->push_back(std::string("PATH=") + path);
  }
  const CommandOutput output = TRY(run_command(std::move(options)));
  if (output.status.success()) return {};
  const std::string_view reason = trim(output.stderr_text);
  return make_error(ErrorCode::InvalidInput, "ssh key {}: {}", key.string(),
                    reason.empty() ? "it has a passphrase" : reason)
      .with_hint(std::string("give a key file without a passphrase, ") + kHint);
}

}  // namespace

Result<KeyAgent> KeyAgent::start(const std::vector<std::filesystem::path>& keys,
                                 TempDir directory) {
  ChildProcess process = TRY(start_agent(directory.path()));
  for (const std::filesystem::path& key : keys) TRY(add_key(directory.path(), key));
  return KeyAgent(std::move(directory), std::move(process));
}

std::filesystem::path KeyAgent::socket() const {
  return directory_.path() / kSocketName;
}

}  // namespace slipway::cli
