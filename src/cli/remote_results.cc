#include "cli/remote_results.h"

#include "store/result_id.h"

namespace slipway::cli {

void RemoteResults::add_origin(std::shared_ptr<source::BlobOrigin> origin,
                               std::optional<Reference> reference) {
  origins_.lock()->push_back({std::move(origin), std::move(reference)});
}

// The layers as the image that the unpacker knows.
Result<source::ResolvedImage> RemoteResults::image_of(const cache::RemoteLayers& layers) {
  source::ResolvedImage image;
  image.manifest.layers = layers.stack.layers;
  image.config.diff_ids = layers.stack.diff_ids;
  image.origin = origins_.lock()->at(layers.source).blobs;
  return image;
}

Result<solver::StepResult> RemoteResults::fetch(const solver::StepResult& result,
                                                progress::VertexReporter& reporter,
                                                std::stop_token stop) {
  const std::shared_ptr<const cache::RemoteLayers> layers = cache::remote_layers_of(result);
  if (layers == nullptr) return result;
  std::shared_ptr<Fetched> fetched;
  {
    auto all = fetched_.lock();
    auto& slot = (*all)[result.id];
    if (slot == nullptr) slot = std::make_shared<Fetched>();
    fetched = slot;
  }
  const std::scoped_lock lock(fetched->mutex);
  if (fetched->result) return *fetched->result;
  const source::ResolvedImage image = TRY(image_of(*layers));
  Result<source::UnpackedImage> fetched_image = unpacker_.unpack(image, reporter, stop);
  if (!fetched_image) {
    return std::move(fetched_image)
        .error()
        .context("fetch a cached result")
        .with_hint("without this --cache-from the step runs");
  }
  source::UnpackedImage unpacked = *std::move(fetched_image);
  solver::StepResult here{store::to_result_id(unpacked.snapshot), std::move(unpacked.pin)};
  TRY(index_.keep(result, here));
  fetched->result = here;
  return here;
}

Status RemoteResults::fetch_blobs(const cache::RemoteLayers& layers,
                                  progress::VertexReporter& reporter, std::stop_token stop) {
  const source::ResolvedImage image = TRY(image_of(layers));
  return unpacker_.fetch(image, reporter, std::move(stop));
}

std::optional<Reference> RemoteResults::registry_of(const cache::RemoteLayers& layers) {
  return origins_.lock()->at(layers.source).reference;
}

Result<solver::CacheMap> RemoteResults::cache_map(const solver::StepContext& context) {
  return runner_.cache_map(context);
}

Result<Digest> RemoteResults::content_digest(const solver::StepContext& context, size_t index,
                                             const solver::StepResult& input) {
  const solver::StepResult here = TRY(fetch(input, context.progress, context.stop));
  return runner_.content_digest(context, index, here);
}

Result<std::vector<solver::StepResult>> RemoteResults::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  std::vector<solver::StepResult> here;
  for (const solver::StepResult& input : inputs) {
    here.push_back(TRY(fetch(input, context.progress, context.stop)));
  }
  return runner_.run(context, here);
}

}  // namespace slipway::cli
