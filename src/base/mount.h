// Mount: a mount point that is detached when its owner goes.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "base/result.h"

namespace slipway {

class Mount {
 public:
  // mount(2). `target` must exist.
  static Result<Mount> create(const std::string& source, const std::filesystem::path& target,
                              const std::string& type, unsigned long flags,
                              const std::string& options);
  // Takes over a mount point that was made otherwise (the fsopen family).
  static Mount adopt(std::filesystem::path target) { return Mount(std::move(target)); }
  Mount(Mount&& other) noexcept : target_(std::exchange(other.target_, {})) {}
  Mount& operator=(Mount&& other) noexcept;
  ~Mount();

  const std::filesystem::path& target() const { return target_; }
  // Unmounts now (lazily when busy) and reports.
  Status unmount();

 private:
  explicit Mount(std::filesystem::path target) : target_(std::move(target)) {}
  std::filesystem::path target_;
};

}  // namespace slipway
