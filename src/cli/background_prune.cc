#include "cli/background_prune.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>

#include "base/unique_fd.h"
#include "cli/garbage_settings.h"
#include "cli/left_behind.h"

namespace slipway::cli {
namespace {

constexpr time_t kEvery = 3600;         // seconds
constexpr time_t kWhenDiskIsLow = 300;  // again, though it may be others who fill the disk

// Its time says when the store was looked at last.
std::filesystem::path time_file(const std::filesystem::path& root) {
  return root / "locks" / "collected";
}

bool is_due(const Environment& environment, const std::filesystem::path& root) {
  struct stat last{};
  if (::stat(time_file(root).c_str(), &last) != 0) {
    note_collection(root);  // a new store
    return false;
  }
  const time_t age = ::time(nullptr) - last.st_mtime;
  if (age < kWhenDiskIsLow && age >= 0) return false;
  const Result<store::DiskSpace> disk = store::disk_space(root);
  if (!disk) return false;
  const Result<GarbageSettings> settings = garbage_settings(environment, *disk);
  if (!settings || !settings->automatic) return false;
  return age < 0 || age >= kEvery || disk->free < settings->limits.min_free;
}

}  // namespace

void note_collection(const std::filesystem::path& root) {
  const UniqueFd file(
      ::open(time_file(root).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file) ::futimens(file.get(), nullptr);
}

void start_background_prune(const Environment& environment, const std::filesystem::path& root) {
  const std::filesystem::path store = environment.working_directory / root;
  if (is_due(environment, store)) leave_behind({"--root", store, "prune", "--gc", "--force"});
}

}  // namespace slipway::cli
