#include "cli/local_images.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "base/values.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

constexpr int kMaxIndexDepth = 4;
// Shorter ones are more likely names.
constexpr size_t kShortestId = 4;

class ImageReader {
 public:
  ImageReader(store::Store& store, LocalImage& image) : content_(store.content()), image_(image) {}

  Status read() {
    image_.id = image_.stored.target.digest;
    return read(image_.stored.target, 0);
  }

 private:
  Status read(const Descriptor& target, int depth) {
    if (depth > kMaxIndexDepth) return Error(ErrorCode::InvalidInput, "indexes are nested");
    if (!seen_.insert(target.digest).second) return {};
    const std::string text = TRY(content_.read(target.digest));
    image_.size += text.size();
    if (is_index_type(target.media_type)) {
      for (const Descriptor& child : TRY(parse_index(text)).manifests) {
        // An index may name platforms that were never fetched.
        if (TRY(content_.size(child.digest))) TRY(read(child, depth + 1));
      }
      return {};
    }
    const Manifest manifest = TRY(parse_manifest(text));
    if (depth == 0) image_.id = manifest.config.digest;
    for (const Descriptor& layer : manifest.layers) {
      if (!seen_.insert(layer.digest).second) continue;
      image_.size += layer.size;
      image_.layers.push_back(layer);
    }
    return read_config(manifest.config);
  }

  Status read_config(const Descriptor& target) {
    if (!seen_.insert(target.digest).second) return {};
    const std::string text = TRY(content_.read(target.digest));
    image_.size += text.size();
    const Result<ImageConfig> config = parse_image_config(text);
    // Attestations have configs of "unknown/unknown", or of nothing.
    if (!config || config->platform.os == "unknown" || config->platform.os.empty()) return {};
    image_.platforms.push_back(config->platform);
    if (image_.created.empty()) image_.created = config->created;
    return {};
  }

  store::ContentStore& content_;
  LocalImage& image_;
  std::set<Digest> seen_;
};

LocalImage describe(store::Store& store, store::StoredImage stored) {
  LocalImage image;
  if (!Digest::parse(stored.name)) {
    if (Result<Reference> name = Reference::parse(stored.name)) image.name = *std::move(name);
  }
  image.stored = std::move(stored);
  image.damaged = !ImageReader(store, image).read();
  if (image.created.empty()) image.created = format_rfc3339(image.stored.created / 1'000'000);
  return image;
}

bool is_id(std::string_view text) {
  return text.size() >= kShortestId && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Those whose ID or digest begins so; an error when they are different images.
Result<std::vector<LocalImage>> find_by_id(store::Store& store, std::string_view text) {
  std::string_view prefix = text;
  if (prefix.starts_with("sha256:")) prefix.remove_prefix(7);
  std::vector<LocalImage> found;
  if (!is_id(prefix)) return found;
  for (LocalImage& image : TRY(list_local_images(store))) {
    if (!image.id.hex().starts_with(prefix) &&
        !image.stored.target.digest.hex().starts_with(prefix)) {
      continue;
    }
    if (!found.empty() && found.front().stored.target.digest != image.stored.target.digest) {
      return make_error(ErrorCode::InvalidInput, "{}: several images have IDs that begin so", text);
    }
    found.push_back(std::move(image));
  }
  return found;
}

}  // namespace

std::string LocalImage::repository() const {
  return name ? name->with_tag("").with_digest({}).familiar() : "<none>";
}

std::string LocalImage::tag() const {
  return name && !name->tag().empty() ? name->tag() : "<none>";
}

Result<std::vector<LocalImage>> list_local_images(store::Store& store) {
  std::vector<LocalImage> images;
  for (store::StoredImage& stored : TRY(store.images().list())) {
    images.push_back(describe(store, std::move(stored)));
  }
  return images;
}

Result<std::vector<LocalImage>> find_local_images(store::Store& store, std::string_view text) {
  // As it is stored first: the name of an unnamed image is its digest.
  std::optional<store::StoredImage> stored = TRY(store.images().find(text));
  const Result<Reference> name = Reference::parse(text);
  if (!stored && name) {
    stored = TRY(store.images().find(name->with_default_tag().str()));
    // NAME@DIGEST: the name must stand for just that.
    if (!stored && !name->digest().empty()) {
      stored = TRY(store.images().find(name->with_digest({}).with_default_tag().str()));
      if (stored && stored->target.digest != name->digest()) stored.reset();
    }
  }
  if (stored) return std::vector{describe(store, *std::move(stored))};
  std::vector<LocalImage> found = TRY(find_by_id(store, text));
  if (!found.empty()) return found;
  if (!name) return name.error();
  std::vector<std::string> known;
  for (const LocalImage& image : TRY(list_local_images(store))) {
    known.push_back(image.display_name());
  }
  return make_error(ErrorCode::NotFound, "no local image {}{}", name->with_default_tag().familiar(),
                    did_you_mean(text, known))
      .with_hint("see \"slipway images\"");
}

Result<LocalImage> find_local_image(store::Store& store, std::string_view text) {
  std::vector<LocalImage> found = TRY(find_local_images(store, text));
  return std::move(found.front());
}

}  // namespace slipway::cli
