#include "store/process_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <memory>

#include "base/file_io.h"

namespace slipway::store {
namespace {

constexpr std::string_view kPrefix = "p-";

}  // namespace

Result<ProcessDir> ProcessDir::create(const std::filesystem::path& tmp) {
  for (;;) {
    TempDir directory = TRY(TempDir::create(tmp, kPrefix));
    Result<UniqueFd> fd = open_file(directory.path(), O_RDONLY | O_DIRECTORY);
    // Between mkdir and flock, remove_dead() of another process may take ours for a dead one.
    if (!fd && fd.error().code() == ErrorCode::NotFound) continue;
    if (!fd) return std::move(fd).error();
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) continue;
      return errno_error("lock {}", directory.path().string());
    }
    struct stat info;
    if (::fstat(fd->get(), &info) == 0 && info.st_nlink == 0) continue;
    return ProcessDir(std::move(directory), *std::move(fd));
  }
}

Status ProcessDir::remove_dead(const std::filesystem::path& tmp) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(tmp.c_str()), ::closedir);
  if (!listing) return errno_error("list {}", tmp.string());
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kPrefix)) continue;
    const std::filesystem::path path = tmp / name;
    const Result<UniqueFd> fd = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!fd || ::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) continue;
    TRY(remove_tree(path));
  }
  return {};
}

std::filesystem::path ProcessDir::fresh_path(std::string_view prefix) {
  return directory_.path() / fmt::format("{}{}", prefix, counter_.fetch_add(1));
}

}  // namespace slipway::store
