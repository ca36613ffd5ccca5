// CoveredRows: the rows that a barrier makes safe. docs/store.md, "Durability".
//
// Rows are written after what they speak of. So a sync covers what the rows that are there when it
// begins speak of, and nothing else: not what becomes unsafe while it runs, though it may have the
// id of a row that was noted (a blob that is written again, or that gets the number of a removed
// one). Each is noted with a stamp that changes then.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "store/cache_mounts.h"
#include "store/core.h"

namespace slipway::store {

class CoveredRows {
 public:
  // What is unsafe now, but for cache mounts that are in use.
  static Result<CoveredRows> note(Core& core, const CacheMounts& mounts);
  // After a sync that began after note().
  Status trust(Core& core) const;

 private:
  struct Row {
    int64_t id;
    int64_t stamp;
  };
  static constexpr size_t kTables = 4;
  std::array<std::vector<Row>, kTables> rows_;
};

// After a sync that failed: nobody can say what of the unsafe rows is on disk. They go with the
// next open; what is not finished is not yet spoken of.
Status distrust_unsafe_rows(Database& database);

}  // namespace slipway::store
