// Core: what the parts of one opened store share. Only store/ and cache/ look inside.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oci/digest.h"
#include "store/database.h"
#include "store/layout.h"
#include "store/process_dir.h"
#include "store/range_lock.h"

namespace slipway::store {

class Core {
 public:
  // Told about damage that was found and repaired ("blob sha256:… is damaged: removed").
  using DamageHandler = std::function<void(const std::string&)>;

  Core(Layout layout, Database database, std::unique_ptr<PinSet> pins, std::string boot_id,
       bool user_xattrs, DamageHandler on_damage);
  ~Core();

  const Layout& layout() const { return layout_; }
  SharedDatabase& database() { return database_; }
  PinSet& pins() { return *pins_; }
  // Of this run of the machine: goes into unsafe_boot of new rows.
  const std::string& boot_id() const { return boot_id_; }
  // Whether overlayfs attributes are "user.overlay." (we live in a user namespace).
  bool user_xattrs() const { return user_xattrs_; }

  // A fresh path in this process's scratch directory, on the store's file system.
  Result<std::filesystem::path> scratch_path(std::string_view prefix);
  // Moves a tree away at once and then removes it; a kill in between leaves it to the next open.
  Status discard_tree(const std::filesystem::path& path);

  // Removes a tree that nobody will miss at the end of the build: on a busy disk a single rmdir can
  // take milliseconds. What a kill leaves goes with the snapshot it is in.
  void remove_later(std::filesystem::path path);
  void remove_now();

  // Something was written that the next barrier has to make durable.
  void mark_dirty() { dirty_.store(true, std::memory_order_relaxed); }
  bool take_dirty() { return dirty_.exchange(false, std::memory_order_relaxed); }

  void report_damage(const std::string& message) const;

 private:
  const Layout layout_;
  SharedDatabase database_;
  const std::unique_ptr<PinSet> pins_;
  const std::string boot_id_;
  const bool user_xattrs_;
  const DamageHandler on_damage_;
  Guarded<std::optional<ProcessDir>> process_dir_;
  Guarded<std::vector<std::filesystem::path>> unwanted_;
  std::atomic<bool> dirty_{false};
};

// A shared pin on one byte of the pins file, freed when it goes.
class Pin {
 public:
  // nullopt when the thing is being removed right now.
  static Result<std::optional<Pin>> take(std::shared_ptr<Core> core, int64_t byte);
  Pin(Pin&&) noexcept = default;
  Pin& operator=(Pin&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(byte_, other.byte_);
    return *this;
  }
  ~Pin();

 private:
  Pin(std::shared_ptr<Core> core, int64_t byte) : core_(std::move(core)), byte_(byte) {}
  std::shared_ptr<Core> core_;  // co-owned: a pin may outlive the Store object
  int64_t byte_;
};

// Bytes of the pins file: disjoint ranges for the kinds of things.
int64_t pin_byte_of_snapshot(int64_t id);
int64_t pin_byte_of_cache_mount(int64_t id);
int64_t pin_byte_of_blob(const Digest& digest);

int64_t now_microseconds();

}  // namespace slipway::store
