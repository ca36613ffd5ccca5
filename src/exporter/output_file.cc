#include "exporter/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/file_io.h"

namespace slipway::exporter {

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
  if (path.has_parent_path()) TRY(make_directories(path.parent_path()));
  if (std::filesystem::is_directory(path)) {
    return make_error(ErrorCode::InvalidInput, "destination {} is a directory", path.string());
  }
  std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  UniqueFd fd = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  return OutputFile(path, std::move(temporary), std::move(fd));
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status OutputFile::publish() {
  TRY(fd_.close().context("write " + path_.string()));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return errno_error("rename to {}", path_.string());
  }
  temporary_.clear();
  return {};
}

}  // namespace slipway::exporter
