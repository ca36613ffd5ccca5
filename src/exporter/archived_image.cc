// Reading an image of the content store for an archive.
#include <set>

#include "exporter/image_archive.h"
#include "oci/manifest.h"

namespace slipway::exporter {
namespace {

constexpr int kMaxIndexDepth = 4;

class Collector {
 public:
  Collector(ArchivedImage& image, const Platform& platform, store::ContentStore& content)
      : image_(image), platform_(platform), content_(content) {}

  Status collect(const Descriptor& target, int depth) {
    if (depth > kMaxIndexDepth) {
      return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}",
                        kMaxIndexDepth);
    }
    if (!TRY(add(target))) return {};
    const std::string text = TRY(content_.read(target.digest));
    if (is_index_type(target.media_type)) {
      for (const Descriptor& child : TRY(parse_index(text)).manifests) {
        TRY(collect(child, depth + 1));
      }
      return {};
    }
    const Manifest manifest = TRY(parse_manifest(text));
    TRY(add(manifest.config));
    for (const Descriptor& layer : manifest.layers) TRY(add(layer));
    if (is_better(target)) image_.image = {target, manifest.config, manifest.layers};
    return {};
  }

 private:
  // False when it is there already.
  Result<bool> add(const Descriptor& blob) {
    if (!seen_.insert(blob.digest).second) return false;
    if (!TRY(content_.size(blob.digest))) {
      return make_error(ErrorCode::NotFound, "blob {} is not in the store", blob.digest.str());
    }
    image_.blobs.push_back(blob);
    return true;
  }

  // Whether docker load should rather get this one.
  bool is_better(const Descriptor& manifest) const {
    if (image_.image.manifest.digest.empty()) return true;
    return manifest.platform && platform_.matches(*manifest.platform);
  }

  ArchivedImage& image_;
  const Platform& platform_;
  store::ContentStore& content_;
  std::set<Digest> seen_;
};

}  // namespace

Result<ArchivedImage> read_archived_image(const Descriptor& target, std::vector<Reference> names,
                                          const Platform& platform, store::ContentStore& content) {
  ArchivedImage image;
  image.target = target;
  image.names = std::move(names);
  TRY(Collector(image, platform, content).collect(target, 0));
  return image;
}

}  // namespace slipway::exporter
