// Trash: files that nobody will miss and whose removal takes long. A thread of low urgency removes
// them while the process has other things to do; what is left waits for the next process that
// throws something away, or for prune.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <thread>

#include "base/guarded.h"
#include "base/result.h"
#include "store/core.h"

namespace slipway::store {

// Thread-safe. The destructor does not wait for more than one removal.
class Trash {
 public:
  explicit Trash(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // Moves a directory of files and empty directories, on the store's file system, out of sight.
  Status take(const std::filesystem::path& directory);
  // Removes everything now.
  Status empty();

 private:
  std::filesystem::path directory() const { return core_->layout().tmp() / "trash"; }
  static void remove_slowly(const std::filesystem::path& trash, const std::stop_token& stop);

  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
  Guarded<std::jthread> remover_;     // joined last in, first out: before core_ goes
};

}  // namespace slipway::store
