// CacheMounts: the directories of RUN --mount=type=cache. They belong to no snapshot and live on
// between builds; several processes share them. docs/cache-mounts.md tells how steps link files out
// of them, and why nothing that is shared is ever written in place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
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
  // The step cannot write to it.
  bool readonly = false;
  // The step can have it in the overlay of its root, at a path of `destination_length` bytes.
  bool linkable = false;
  size_t destination_length = 0;
  // Of a new directory.
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0755;
  // Fills a new directory with the base, attributes of the directory itself included. Null: empty.
  std::function<Status(const std::filesystem::path& directory)> populate;
};

// How a step may use the directory.
enum class CacheMountUse {
  InPlace,  // mounted as it is
  Below,    // never written: a lower directory of an overlay whose changes merge() takes over
};

// What a step did with a cache that lay below its overlay.
struct CacheMountOutcome {
  bool linked_outside = false;  // some of its files are now, or were, shared with another tree
  bool linked_inside = false;   // some of its files have several names in it
  size_t longest_path = 0;      // of the entries that the step added; bytes, relative
};

// The right to use one cache directory; given back when destroyed.
class CacheMountLease {
 public:
  CacheMountLease(CacheMountLease&&) noexcept = default;
  CacheMountLease& operator=(CacheMountLease&&) = delete;
  ~CacheMountLease();

  const std::filesystem::path& path() const { return path_; }
  CacheMountUse use() const { return use_; }
  // Used Below, by a step that can link from it.
  bool linkable() const { return linkable_; }
  // Below, and nobody knows yet whether steps link out of it: other steps that share the cache may
  // use it through the same overlay, without linking.
  bool may_be_joined() const { return may_be_joined_; }

  // Of layers that have files of the cache (link_index.h). No snapshot has a negative number.
  int64_t link_family() const { return -id_; }

  // To be called before the first hard link is made between the cache and another tree: from now
  // on it is never used in place.
  Status expect_links();
  // Takes over the changes of the overlay's upper directory (see merge_changes()); in a crash all
  // of them or none. `changes` is on the store's file system.
  Status merge(const std::filesystem::path& changes);
  // Remembered for the choice of the next steps.
  Status note(const CacheMountOutcome& outcome);
  // The directory was replaced by another one: what was learnt of its content is learnt anew.
  Status note_replaced();

 private:
  friend class CacheMounts;
  CacheMountLease(std::shared_ptr<Core> core, int64_t id, std::filesystem::path path,
                  RangeLock lock)
      : core_(std::move(core)), id_(id), path_(std::move(path)), lock_(std::move(lock)) {}

  std::shared_ptr<Core> core_;  // co-owned with the store; null after a move
  int64_t id_;
  std::filesystem::path path_;
  RangeLock lock_;
  CacheMountUse use_ = CacheMountUse::InPlace;
  bool linkable_ = false;
  bool may_be_joined_ = false;
};

class CacheMounts {
 public:
  explicit CacheMounts(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // Waits for whoever excludes us, or until `stop` is requested (Cancelled).
  Result<CacheMountLease> acquire(const CacheMountSpec& spec, std::stop_token stop);
  // nullopt: somebody excludes us.
  Result<std::optional<CacheMountLease>> try_acquire(const CacheMountSpec& spec);

  // For prune: removes the directory when nobody uses it; false when somebody does.
  Result<bool> remove(int64_t id);
  // Whether a step of any process is using it.
  Result<bool> in_use(int64_t id) const;
  // A plain directory. Its name is one that no image has at its root: as a layer of an overlay the
  // parent shows it there (docs/cache-mounts.md).
  std::filesystem::path directory(int64_t id) const;
  // For those who hold the exclusive lock without acquire(): completes what a crash left half done.
  Status settle(int64_t id);

 private:
  // What is remembered of a cache.
  struct Knowledge {
    int64_t linking = 0;
    size_t longest_path = 0;

    bool is_linked() const { return linking < 0; }
    bool is_open() const;
  };
  Result<std::vector<int64_t>> instances(const CacheMountSpec& spec);
  Result<int64_t> first_instance(const CacheMountSpec& spec);
  Result<int64_t> new_instance(const CacheMountSpec& spec);
  Result<std::optional<RangeLock>> lock_private(const CacheMountSpec& spec, int64_t& id);
  Status create(const CacheMountSpec& spec, int64_t id);
  Result<std::optional<Knowledge>> knowledge(int64_t id);
  Status remember(int64_t id, const Knowledge& knowledge);
  // Of a directory that may have been used in place.
  Status survey(int64_t id, Knowledge& knowledge);
  static bool wants_below(const CacheMountSpec& spec, const Knowledge& knowledge);
  Result<bool> needs_repair(int64_t id) const;
  Status repair(const CacheMountSpec& spec, int64_t id);
  Result<CacheMountLease> lease(const CacheMountSpec& spec, int64_t id, Knowledge knowledge,
                                RangeLock lock);
  std::filesystem::path lock_file() const { return core_->layout().locks() / "cache-mounts"; }

  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
