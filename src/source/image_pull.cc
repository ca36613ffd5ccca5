#include "source/image_import.h"

namespace slipway::source {

Result<ImportedImage> pull_image(store::Store& store, ImageSource& images, ImageUnpacker& unpacker,
                                 const Reference& reference, const Platform& platform,
                                 progress::VertexReporter& reporter, std::stop_token stop) {
  const Reference name = reference.with_default_tag();
  const ResolvedImage image = TRY(images.resolve(name, platform, ResolveMode::ForcePull, stop));
  TRY(unpacker.fetch(image, reporter, stop));
  TRY(store.images().tag(name.str(), image.manifest_descriptor));
  return ImportedImage{name.str(), image.manifest_descriptor};
}

}  // namespace slipway::source
