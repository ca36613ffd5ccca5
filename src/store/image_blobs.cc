#include "store/image_blobs.h"

#include "oci/manifest.h"

namespace slipway::store {
namespace {

class Walk {
 public:
  explicit Walk(Store& store) : store_(store) {}

  Status visit(const Descriptor& descriptor) {
    if (!reached.insert(descriptor.digest).second) return {};
    const bool index = is_index_type(descriptor.media_type);
    if (!index && !is_manifest_type(descriptor.media_type)) return {};
    const Result<std::string> text = store_.content().read(descriptor.digest);
    // A platform of an index that was not pulled, or damage that read() has reported.
    if (!text && text.error().code() == ErrorCode::NotFound) return {};
    if (!text) return text.error();
    const Status status = index ? visit_index(*text) : visit_manifest(*text);
    if (!status && status.error().code() == ErrorCode::InvalidInput) {
      store_.core()->report_damage(descriptor.digest.str() + ": " + status.error().message());
      return {};
    }
    return status;
  }

  std::set<Digest> reached;

 private:
  Status visit_index(const std::string& text) {
    for (const Descriptor& manifest : TRY(parse_index(text)).manifests) TRY(visit(manifest));
    return {};
  }
  Status visit_manifest(const std::string& text) {
    const Manifest manifest = TRY(parse_manifest(text));
    reached.insert(manifest.config.digest);
    for (const Descriptor& layer : manifest.layers) reached.insert(layer.digest);
    return {};
  }

  Store& store_;
};

}  // namespace

Result<std::set<Digest>> blobs_of_images(Store& store) {
  Walk walk(store);
  for (const StoredImage& image : TRY(store.images().list())) TRY(walk.visit(image.target));
  return std::move(walk.reached);
}

}  // namespace slipway::store
