#include "store/core.h"

#include <unistd.h>

#include <charconv>
#include <chrono>

#include "base/file_io.h"

namespace slipway::store {

Core::Core(Layout layout, Database database, std::unique_ptr<PinSet> pins, std::string boot_id,
           bool user_xattrs, DamageHandler on_damage)
    : layout_(std::move(layout)),
      database_(std::move(database)),
      pins_(std::move(pins)),
      boot_id_(std::move(boot_id)),
      user_xattrs_(user_xattrs),
      on_damage_(std::move(on_damage)) {}

Core::~Core() {
  remove_now();
}

void Core::remove_later(std::filesystem::path path) {
  unwanted_.lock()->push_back(std::move(path));
}

void Core::remove_now() {
  for (const std::filesystem::path& path : std::exchange(*unwanted_.lock(), {})) {
    (void)remove_tree(path).has_value();
  }
}

Result<std::filesystem::path> Core::scratch_path(std::string_view prefix) {
  auto directory = process_dir_.lock();
  if (!*directory) directory->emplace(TRY(ProcessDir::create(layout_.tmp())));
  return (*directory)->fresh_path(prefix);
}

Status Core::discard_tree(const std::filesystem::path& path) {
  const std::filesystem::path away = TRY(scratch_path("gone-"));
  if (::rename(path.c_str(), away.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return errno_error("remove {}", path.string());
  }
  return remove_tree(away);
}

void Core::report_damage(const std::string& message) const {
  if (on_damage_) on_damage_(message);
}

Result<std::optional<Pin>> Pin::take(std::shared_ptr<Core> core, int64_t byte) {
  if (!TRY(core->pins().try_pin(byte))) return std::optional<Pin>();
  return std::optional<Pin>(Pin(std::move(core), byte));
}

Pin::~Pin() {
  if (core_) core_->pins().unpin(byte_);
}

int64_t pin_byte_of_snapshot(int64_t id) {
  return id;
}

int64_t pin_byte_of_cache_mount(int64_t id) {
  return (int64_t{1} << 60) + id;
}

int64_t pin_byte_of_blob(const Digest& digest) {
  // The first 60 bits of the digest: two blobs sharing a byte would only protect each other.
  const std::string_view digits = digest.hex().substr(0, 15);
  int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return (int64_t{1} << 61) + value;
}

int64_t now_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace slipway::store
