// KeyAgent: an ssh-agent of our own that holds key files, for `--ssh ID=KEY`. Steps get the use of
// the keys, never the files.
#pragma once

#include <filesystem>
#include <vector>

#include "base/child_process.h"
#include "base/temp_dir.h"

namespace slipway::cli {

class KeyAgent {
 public:
  // Runs ssh-agent and ssh-add (Debian: openssh-client). `directory`: for the socket, ours alone.
  // A key that cannot be used as it is (no key, a passphrase) is InvalidInput.
  static Result<KeyAgent> start(const std::vector<std::filesystem::path>& keys, TempDir directory);

  // Valid as long as the agent lives.
  std::filesystem::path socket() const;

 private:
  KeyAgent(TempDir directory, ChildProcess process)
      : directory_(std::move(directory)), process_(std::move(process)) {}

  TempDir directory_;
  ChildProcess process_;  // ends before its directory goes
};

}  // namespace slipway::cli
