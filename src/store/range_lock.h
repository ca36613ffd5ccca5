// Locks between processes on single bytes of one file (open file description locks). One file
// serves any number of named locks, leaves no litter behind, and the kernel frees the locks of a
// process that dies. Byte numbers are row ids or hashes of names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace slipway::store {

// The byte that stands for `name`: 61 bits of its SHA-256. Two names sharing a byte would only wait
// for each other.
int64_t lock_byte(std::string_view name);

// One lock, conflicting with every other holder: of other processes and of this one.
class RangeLock {
 public:
  enum class Mode { Shared, Exclusive };

  // Waits until the lock is ours or `stop` is requested (Cancelled).
  static Result<RangeLock> acquire(const std::filesystem::path& file, int64_t byte, Mode mode,
                                   std::stop_token stop = {});
  // nullopt when somebody else holds it.
  static Result<std::optional<RangeLock>> try_acquire(const std::filesystem::path& file,
                                                      int64_t byte, Mode mode);

  // Whether anybody holds the byte in any mode, without taking it even for a moment.
  static Result<bool> is_held(const std::filesystem::path& file, int64_t byte);

  Mode mode() const { return mode_; }
  // Exclusive to shared, without a moment in between.
  Status downgrade();

 private:
  RangeLock(UniqueFd fd, int64_t byte, Mode mode) : fd_(std::move(fd)), byte_(byte), mode_(mode) {}
  UniqueFd fd_;
  int64_t byte_;
  Mode mode_;
};

// Many shared locks through one descriptor: what this process keeps others from removing.
// Thread-safe; counted, so that the last unpin() frees the byte.
class PinSet {
 public:
  static Result<std::unique_ptr<PinSet>> open(const std::filesystem::path& file);

  // False when somebody holds the byte exclusively: is removing the thing right now. Never waits,
  // so it may be called with any other lock held.
  Result<bool> try_pin(int64_t byte);
  void unpin(int64_t byte);
  // Whether we or another process have pinned the byte. Disturbs nobody.
  Result<bool> is_pinned(int64_t byte) const { return RangeLock::is_held(file_, byte); }
  // Takes the exclusive lock on a byte that neither we nor another process has pinned; nullopt when
  // pinned.
  Result<std::optional<RangeLock>> try_claim(int64_t byte) const;

 private:
  PinSet(std::filesystem::path file, UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}
  const std::filesystem::path file_;
  UniqueFd fd_;
  Guarded<std::unordered_map<int64_t, int>> counts_;
};

}  // namespace slipway::store
