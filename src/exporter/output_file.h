// OutputFile: a file of the user that appears under its name only when it is complete. Where a
// device, a pipe or a socket has that name, it is written to and stays what it is; behind a
// symlink, what it leads to is replaced.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"

namespace slipway::exporter {

// An error about a full disk, met while writing to `destination`, names it, unless it is on the
// disk of the store at `root`: there, prune is what helps.
Error with_destination_hint(Error error, const std::filesystem::path& destination,
                            const std::filesystem::path& root);

class OutputFile {
 public:
  static Result<OutputFile> create(const std::filesystem::path& path);
  // All at once.
  static Status write(const std::filesystem::path& path, std::string_view content);
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
  std::filesystem::path temporary_;  // empty once published, or when there is none
  UniqueFd fd_;
};

}  // namespace slipway::exporter
