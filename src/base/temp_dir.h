// TempDir: a directory that is removed, with everything in it, when its owner goes.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace slipway {

class TempDir {
 public:
  // Makes a fresh directory PARENT/PREFIXxxxxxx, mode 0700.
  static Result<TempDir> create(const std::filesystem::path& parent, std::string_view prefix);

  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  const std::filesystem::path& path() const { return path_; }
  // Gives up ownership: the directory stays.
  std::filesystem::path release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace slipway
