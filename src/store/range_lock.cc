#include "store/range_lock.h"

#include <fcntl.h>

#include <chrono>
#include <thread>

#include "base/check.h"
#include "oci/digest.h"

namespace slipway::store {
namespace {

// 0 or the errno of F_OFD_SETLK (Linux 3.15).
int set_lock(int fd, short type, int64_t byte) {
  struct flock range{};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  for (;;) {
    if (::fcntl(fd, F_OFD_SETLK, &range) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

int64_t lock_byte(std::string_view name) {
  const Digest digest = Digest::sha256_of(name);
  return static_cast<int64_t>(std::stoull(std::string(digest.hex().substr(0, 16)), nullptr, 16) >>
                              3);
}

Result<std::optional<RangeLock>> RangeLock::try_acquire(const std::filesystem::path& file,
                                                        int64_t byte, Mode mode) {
  UniqueFd fd = TRY(open_file(file, O_RDWR | O_CREAT, 0600));
  const short type = mode == Mode::Exclusive ? F_WRLCK : F_RDLCK;
  const int error = set_lock(fd.get(), type, byte);
  if (error == EAGAIN || error == EACCES) return std::optional<RangeLock>();
  if (error != 0) return Error::from_errno(error, "lock " + file.string());
  return std::optional<RangeLock>(RangeLock(std::move(fd), byte, mode));
}

Result<RangeLock> RangeLock::acquire(const std::filesystem::path& file, int64_t byte, Mode mode,
                                     std::stop_token stop) {
  // A sleeping fcntl cannot be woken by a stop_token, so this polls, at a growing pace.
  UniqueFd fd = TRY(open_file(file, O_RDWR | O_CREAT, 0600));
  const short type = mode == Mode::Exclusive ? F_WRLCK : F_RDLCK;
  auto pause = std::chrono::milliseconds(1);
  for (;;) {
    const int error = set_lock(fd.get(), type, byte);
    if (error == 0) return RangeLock(std::move(fd), byte, mode);
    if (error != EAGAIN && error != EACCES) {
      return Error::from_errno(error, "lock " + file.string());
    }
    if (stop.stop_requested()) {
      return make_error(ErrorCode::Cancelled, "lock {}: cancelled", file.string());
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

Result<bool> RangeLock::is_held(const std::filesystem::path& file, int64_t byte) {
  const UniqueFd fd = TRY(open_file(file, O_RDWR | O_CREAT, 0600));
  struct flock range{};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  if (::fcntl(fd.get(), F_OFD_GETLK, &range) != 0) return errno_error("query {}", file.string());
  return range.l_type != F_UNLCK;
}

Status RangeLock::downgrade() {
  const int error = set_lock(fd_.get(), F_RDLCK, byte_);
  if (error != 0) return Error::from_errno(error, "share a lock");
  mode_ = Mode::Shared;
  return {};
}

Result<std::unique_ptr<PinSet>> PinSet::open(const std::filesystem::path& file) {
  UniqueFd fd = TRY(open_file(file, O_RDWR | O_CREAT, 0600));
  return std::unique_ptr<PinSet>(new PinSet(file, std::move(fd)));
}

Result<bool> PinSet::try_pin(int64_t byte) {
  auto counts = counts_.lock();
  const auto known = counts->find(byte);
  if (known != counts->end()) {
    ++known->second;
    return true;
  }
  const int error = set_lock(fd_.get(), F_RDLCK, byte);
  if (error == EAGAIN || error == EACCES) return false;
  if (error != 0) return Error::from_errno(error, "pin in " + file_.string());
  counts->emplace(byte, 1);
  return true;
}

void PinSet::unpin(int64_t byte) {
  auto counts = counts_.lock();
  const auto entry = counts->find(byte);
  CHECK(entry != counts->end());
  if (--entry->second > 0) return;
  counts->erase(entry);
  // Unlocking a byte that we hold fails only for lack of kernel memory when it splits a range; then
  // the pin outlives its use until the process ends, which is safe.
  (void)set_lock(fd_.get(), F_UNLCK, byte);
}

Result<std::optional<RangeLock>> PinSet::try_claim(int64_t byte) const {
  return RangeLock::try_acquire(file_, byte, RangeLock::Mode::Exclusive);
}

}  // namespace slipway::store
