// CacheNames: which files of caches have several names after a step, in their cache or elsewhere.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "store/cache_mounts.h"

namespace slipway::ops {

// Told about names while an upper directory is made whole; judges when that is done.
class CacheNames {
 public:
  // `expect_links`: SettleRules.
  CacheNames(size_t caches, const std::function<Status(size_t cache)>& expect_links)
      : expect_links_(expect_links), outcomes_(caches) {}

  // A path in the cache, relative to it.
  void note_path(size_t cache, size_t length);
  // A file of the cache is about to be shared with another tree.
  Status add_outside(size_t cache);
  // The step made a file in the cache, or brought one there, that has several names in it.
  void add_inside(size_t cache) { outcomes_[cache].linked_inside = true; }
  // A file that was in the cache before, as `directory`/`name` of the merged view, has got a name
  // in it. It may have lost that one.
  void add_lower(size_t cache, ino_t file, const std::string& directory, const std::string& name);
  // A name in the cache of a file in upper that has `links` names now. False: it has names in
  // another cache already.
  bool add_upper(size_t cache, ino_t file, nlink_t links);
  // A file in upper has lost a name.
  void remove_upper(ino_t file);

  // `root`: of the upper directory, made whole. One outcome for each cache.
  Result<std::vector<store::CacheMountOutcome>> judge(int root);

 private:
  struct LowerFile {
    size_t cache;
    std::string directory;
    std::string name;
    size_t added = 1;  // names
  };
  struct UpperFile {
    size_t cache;
    nlink_t links;
    nlink_t names = 0;  // seen in the cache
  };
  Status judge_lower(int root);
  Status judge_upper();

  const std::function<Status(size_t cache)>& expect_links_;
  std::vector<store::CacheMountOutcome> outcomes_;
  std::vector<LowerFile> lower_;
  std::unordered_map<ino_t, size_t> lower_by_inode_;
  std::unordered_map<ino_t, UpperFile> upper_;
};

}  // namespace slipway::ops
