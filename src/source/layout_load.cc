// Loading a directory: as image_load.cc does with archives, but every blob can be asked for by
// name.
#include <set>

#include "source/image_blobs.h"
#include "source/image_import.h"

namespace slipway::source {
namespace {

constexpr int kMaxIndexDepth = 4;

class LayoutLoader {
 public:
  LayoutLoader(store::Store& store, OciLayout& layout, progress::VertexReporter& reporter,
               std::stop_token stop)
      : store_(store), layout_(layout), reporter_(reporter), stop_(stop) {}

  // Brings it in with everything it refers to; returns what is to be named.
  Result<Descriptor> load(const Descriptor& target, const std::optional<Platform>& platform,
                          int depth = 0) {
    if (depth > kMaxIndexDepth) {
      return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}",
                        kMaxIndexDepth);
    }
    if (!platform && !loaded_.insert(target.digest).second) return target;
    const std::string text = TRY(ensure_small_blob(store_, layout_, target, stop_));
    if (is_index_type(target.media_type)) {
      const Index index = TRY(parse_index(text));
      if (platform) return load(TRY(select_platform(index, *platform)), platform, depth + 1);
      for (const Descriptor& child : index.manifests) TRY(load(child, {}, depth + 1));
      return target;
    }
    const Manifest manifest = TRY(parse_manifest(text));
    TRY(ensure_blob(store_, layout_, manifest.config, reporter_, stop_));
    for (const Descriptor& layer : manifest.layers) {
      TRY(ensure_blob(store_, layout_, layer, reporter_, stop_));
    }
    return target;
  }

 private:
  store::Store& store_;
  OciLayout& layout_;
  progress::VertexReporter& reporter_;
  std::stop_token stop_;
  std::set<Digest> loaded_;  // whole; an index can name one child a thousand times
};

}  // namespace

Result<std::vector<ImportedImage>> load_layout(store::Store& store, OciLayout& layout,
                                               const std::optional<Platform>& platform,
                                               progress::VertexReporter& reporter,
                                               std::stop_token stop) {
  LayoutLoader loader(store, layout, reporter, stop);
  std::vector<ImportedImage> images;
  for (const Descriptor& entry : layout.index().manifests) {
    std::string name = TRY(annotated_name(entry));
    Descriptor target = TRY(loader.load(entry, platform).context("load " + layout.name()));
    target.annotations.clear();
    target.platform.reset();
    images.push_back({name.empty() ? target.digest.str() : std::move(name), std::move(target)});
  }
  for (const ImportedImage& image : images) TRY(store.images().tag(image.name, image.target));
  return images;
}

}  // namespace slipway::source
