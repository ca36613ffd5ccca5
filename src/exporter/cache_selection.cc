#include "exporter/cache_selection.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/directory_entries.h"
#include "base/unique_fd.h"

namespace slipway::exporter {
namespace {

constexpr int kUnitDepth = 2;

// What goes or stays as a whole.
struct Unit {
  std::string path;
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::pair<time_t, long> last_used;  // seconds and nanoseconds
};

std::pair<time_t, long> later_of(const struct stat& info) {
  return std::max(std::pair(info.st_atim.tv_sec, info.st_atim.tv_nsec),
                  std::pair(info.st_mtim.tv_sec, info.st_mtim.tv_nsec));
}

class Walk {
 public:
  explicit Walk(std::stop_token stop) : stop_(std::move(stop)) {}

  // `depth`: how many names `path` has. Below a unit all counts for it.
  Status directory(int fd, const std::string& path, int depth, bool in_unit) {
    for (const std::string& name : TRY(directory_entries(fd))) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      const std::string entry = path.empty() ? name : path + "/" + name;
      struct stat info;
      if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // a step that runs has removed it
        return errno_error("stat {}", entry);
      }
      const bool is_directory = S_ISDIR(info.st_mode);
      const bool begins = !in_unit && (!is_directory || depth + 1 == kUnitDepth);
      if (begins) units.push_back({entry, 0, 0, {}});
      if (!is_directory) {
        count(info);
        continue;
      }
      const Result<UniqueFd> below = open_file_at(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!below && below.error().code() == ErrorCode::NotFound) continue;
      if (!below) return Error(below.error()).context(entry);
      TRY(directory(below->get(), entry, depth + 1, in_unit || begins));
    }
    return {};
  }

  std::vector<Unit> units;

 private:
  void count(const struct stat& info) {
    Unit& unit = units.back();
    ++unit.files;
    unit.last_used = std::max(unit.last_used, later_of(info));
    const bool counted = info.st_nlink > 1 && !inodes_.insert({info.st_dev, info.st_ino}).second;
    if (S_ISREG(info.st_mode) && !counted) unit.bytes += static_cast<uint64_t>(info.st_size);
  }

  const std::stop_token stop_;
  std::set<std::pair<dev_t, ino_t>> inodes_;
};

}  // namespace

Result<CacheSelection> select_recent(const std::filesystem::path& directory, uint64_t max_bytes,
                                     std::stop_token stop) {
  const UniqueFd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  Walk walk(std::move(stop));
  TRY(walk.directory(root.get(), "", 0, false).context("look at " + directory.string()));
  std::ranges::sort(walk.units, [](const Unit& a, const Unit& b) {
    return std::tie(b.last_used, a.path) < std::tie(a.last_used, b.path);
  });
  CacheSelection selection;
  for (Unit& unit : walk.units) {
    if (unit.bytes > max_bytes - selection.bytes) {
      selection.left_out.insert(std::move(unit.path));
      selection.left_out_bytes += unit.bytes;
      continue;
    }
    selection.files += unit.files;
    selection.bytes += unit.bytes;
  }
  return selection;
}

}  // namespace slipway::exporter
