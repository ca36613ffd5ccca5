// CacheMounts: the directories of RUN --mount=type=cache. They belong to no snapshot and live on
// between builds; several processes share them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "store/core.h"

namespace slipway::store {

enum class CacheMountSharing {
  Shared,   // any number of steps at once
  Private,  // one step each: a second one gets another directory
  Locked,   // one step at a time: a second one waits
};

struct CacheMountSpec {
  std::string id;
  // What the directory starts from ("" nothing): names the content of the mount's `from`. The same
  // id with another base is another cache.
  std::string base;
  CacheMountSharing sharing = CacheMountSharing::Shared;
  // Of a new directory.
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0755;
  // Fills a new directory with the base, attributes of the directory itself included. Null: empty.
  std::function<Status(const std::filesystem::path& directory)> populate;
};

// The right to use one cache directory; given back when destroyed.
class CacheMountLease {
 public:
  CacheMountLease(CacheMountLease&&) noexcept = default;
  CacheMountLease& operator=(CacheMountLease&&) = delete;
  ~CacheMountLease();

  const std::filesystem::path& path() const { return path_; }

 private:
  friend class CacheMounts;
  CacheMountLease(std::shared_ptr<Core> core, int64_t id, std::filesystem::path path,
                  RangeLock lock)
      : core_(std::move(core)), id_(id), path_(std::move(path)), lock_(std::move(lock)) {}

  std::shared_ptr<Core> core_;  // co-owned with the store; null after a move
  int64_t id_;
  std::filesystem::path path_;
  RangeLock lock_;
};

class CacheMounts {
 public:
  explicit CacheMounts(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // Waits for whoever excludes us, or until `stop` is requested (Cancelled).
  Result<CacheMountLease> acquire(const CacheMountSpec& spec, std::stop_token stop);

  // For prune: removes the directory when nobody uses it; false when somebody does.
  Result<bool> remove(int64_t id);
  // Whether a step of any process is using it.
  Result<bool> in_use(int64_t id) const;
  std::filesystem::path directory(int64_t id) const;

 private:
  Result<std::vector<int64_t>> instances(const CacheMountSpec& spec);
  Result<int64_t> first_instance(const CacheMountSpec& spec);
  Result<int64_t> new_instance(const CacheMountSpec& spec);
  Result<std::optional<RangeLock>> lock_private(const CacheMountSpec& spec, int64_t& id);
  Status create(const CacheMountSpec& spec, int64_t id);
  std::filesystem::path lock_file() const { return core_->layout().locks() / "cache-mounts"; }

  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
