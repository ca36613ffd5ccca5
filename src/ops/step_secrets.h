// What a build hands to single steps and to nobody else: secrets and agents, by id.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace slipway::ops {

// Thread-safe.
class SecretProvider {
 public:
  virtual ~SecretProvider() = default;
  // The bytes of a secret; nullopt when the build was given none of that id.
  virtual Result<std::optional<std::string>> secret(const std::string& id) = 0;
};

// Thread-safe.
class SshAgentProvider {
 public:
  virtual ~SshAgentProvider() = default;
  // The socket of an agent; nullopt when the build was given none of that id.
  virtual Result<std::optional<std::filesystem::path>> agent_socket(const std::string& id) = 0;
};

}  // namespace slipway::ops
