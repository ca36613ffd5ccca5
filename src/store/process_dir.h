// ProcessDir: scratch space of this process inside the store. Others remove it once we are dead.
#pragma once

#include <atomic>
#include <filesystem>
#include <string_view>

#include "base/temp_dir.h"
#include "base/unique_fd.h"

namespace slipway::store {

class ProcessDir {
 public:
  // A fresh directory below `tmp`, held by a lock that the kernel frees when we die.
  static Result<ProcessDir> create(const std::filesystem::path& tmp);
  // Removes the directories of processes that are gone.
  static Status remove_dead(const std::filesystem::path& tmp);

  ProcessDir(ProcessDir&& other) noexcept
      : directory_(std::move(other.directory_)),
        lock_(std::move(other.lock_)),
        counter_(other.counter_.load()) {}

  // A path in it that nothing has used yet; not created.
  std::filesystem::path fresh_path(std::string_view prefix);

 private:
  ProcessDir(TempDir directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  TempDir directory_;
  UniqueFd lock_;
  std::atomic<uint64_t> counter_{0};
};

}  // namespace slipway::store
