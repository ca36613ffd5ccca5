// For tests: looking for processes that were left behind.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file_io.h"

namespace slipway {

// Those whose command line has `word`.
inline std::vector<pid_t> processes_with(const std::string& word) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    // Any of them may end while we look.
    const std::string text = read_file(entry.path() / "cmdline").value_or("");
    if (text.contains(word)) pids.push_back(std::stoi(entry.path().filename()));
  }
  return pids;
}

}  // namespace slipway
