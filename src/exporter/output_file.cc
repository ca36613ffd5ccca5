#include "exporter/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/file_io.h"

namespace slipway::exporter {

Error with_destination_hint(Error error, const std::filesystem::path& destination,
                            const std::filesystem::path& root) {
  if (error.errno_value() != ENOSPC && error.errno_value() != EDQUOT) return error;
  std::filesystem::path there = destination;
  struct stat to, store;
  while (::stat(there.c_str(), &to) != 0 && there.has_relative_path()) there = there.parent_path();
  if (::stat(there.c_str(), &to) != 0 || ::stat(root.c_str(), &store) != 0) return error;
  if (to.st_dev == store.st_dev) return error;
  return std::move(error).with_hint(fmt::format("the disk of {} is full", destination.string()));
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& wanted) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(wanted, error);
  if (!std::filesystem::status_known(status)) {
    return Error::from_errno(error.value(), "open " + wanted.string());
  }
  if (std::filesystem::is_directory(status)) {
    return make_error(ErrorCode::InvalidInput, "destination {} is a directory", wanted.string());
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    UniqueFd fd = TRY(open_file(wanted, O_WRONLY));
    return OutputFile(wanted, {}, std::move(fd));
  }
  std::filesystem::path path = wanted;
  // status() followed them already: they end somewhere.
  while (std::filesystem::is_symlink(path)) {
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  if (path.has_parent_path()) TRY(make_directories(path.parent_path()));
  std::string temporary = temporary_name(path);
  UniqueFd fd = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644));
  return OutputFile(std::move(path), std::move(temporary), std::move(fd));
}

Status OutputFile::write(const std::filesystem::path& path, std::string_view content) {
  OutputFile file = TRY(create(path));
  TRY(write_all(file.fd(), content).context("write " + path.string()));
  return file.publish();
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
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return errno_error("rename to {}", path_.string());
  }
  temporary_.clear();
  return {};
}

}  // namespace slipway::exporter
