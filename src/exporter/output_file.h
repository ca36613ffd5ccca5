// OutputFile: a file that appears under its name only when it is complete, or the program's stdout.
#pragma once

#include <filesystem>
#include <optional>

#include "base/unique_fd.h"

namespace slipway::exporter {

class OutputFile {
 public:
  static Result<OutputFile> create(const std::filesystem::path& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  // Removes what was not published.
  ~OutputFile();

  int fd() const { return fd_.get(); }
  Status publish();

 private:
  OutputFile(std::filesystem::path path, std::filesystem::path temporary, UniqueFd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once published
  UniqueFd fd_;
};

}  // namespace slipway::exporter
