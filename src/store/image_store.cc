#include "store/image_store.h"

namespace slipway::store {
namespace {

Result<StoredImage> read_image(const Rows& rows) {
  StoredImage image;
  image.name = rows.text(0);
  image.target.digest = TRY(Digest::parse(rows.view(1)));
  image.target.media_type = rows.text(2);
  image.target.size = static_cast<uint64_t>(rows.integer(3));
  image.created = rows.integer(4);
  return image;
}

}  // namespace

Result<std::vector<StoredImage>> ImageStore::list() {
  auto database = core_->database().lock();
  Rows rows = TRY(
      database->query("SELECT name, digest, media_type, size, created FROM images ORDER BY name"));
  std::vector<StoredImage> images;
  while (TRY(rows.next())) images.push_back(TRY(read_image(rows)));
  return images;
}

Result<std::optional<StoredImage>> ImageStore::find(std::string_view name) {
  auto database = core_->database().lock();
  Rows rows = TRY(database->query(
      "SELECT name, digest, media_type, size, created FROM images WHERE name = ?", name));
  if (!TRY(rows.next())) return std::optional<StoredImage>();
  return std::optional<StoredImage>(TRY(read_image(rows)));
}

Status ImageStore::tag(std::string_view name, const Descriptor& target) {
  const int64_t changed = TRY(core_->database().lock()->run(
      "INSERT INTO images(name, digest, media_type, size, created) VALUES(?, ?, ?, ?, ?) "
      "ON CONFLICT(name) DO UPDATE SET digest = excluded.digest, media_type = excluded.media_type, "
      "size = excluded.size, created = excluded.created WHERE digest <> excluded.digest",
      name, target.digest.str(), target.media_type, static_cast<int64_t>(target.size),
      now_microseconds()));
  if (changed > 0) core_->mark_dirty();
  return {};
}

Status ImageStore::forget_unnamed(std::optional<int64_t> before) {
  for (const StoredImage& image : TRY(list())) {
    if (!Digest::parse(image.name) || (before && image.created >= *before)) continue;
    TRY(remove(image.name));
  }
  return {};
}

Result<bool> ImageStore::remove(std::string_view name) {
  const int64_t changed =
      TRY(core_->database().lock()->run("DELETE FROM images WHERE name = ?", name));
  return changed > 0;
}

}  // namespace slipway::store
