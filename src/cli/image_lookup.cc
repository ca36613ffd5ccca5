#include "cli/image_lookup.h"

#include <thread>

#include "cli/internal_step.h"

namespace slipway::cli {

std::vector<Result<dockerfile::ResolvedImage>> ImageLookup::resolve(
    std::span<const dockerfile::ImageQuery> queries) {
  std::vector<Result<dockerfile::ResolvedImage>> answers(
      queries.size(), make_error(ErrorCode::Internal, "image was not looked up"));
  const auto look_up = [&](size_t i) {
    answers[i] = as_step(progress_, queries[i].log_name, [&](progress::VertexReporter& reporter) {
      return resolve_one(queries[i], reporter);
    });
  };
  // Most of the time is spent waiting for registries, so each query has its thread.
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < queries.size(); ++i) threads.emplace_back(look_up, i);
  if (!queries.empty()) look_up(0);
  threads.clear();
  return answers;
}

Result<dockerfile::ResolvedImage> ImageLookup::resolve_one(const dockerfile::ImageQuery& query,
                                                           progress::VertexReporter& reporter) {
  source::ResolvedImage image;
  if (query.layout) {
    const auto layout = layouts_.find(query.layout->store);
    if (layout == nullptr) {
      return make_error(ErrorCode::NotFound, "OCI layout {} is not known", query.layout->store);
    }
    image = TRY(images_.resolve(layout, query.layout->digest.str(), query.platform, stop_));
  } else {
    const auto mode = pull_ ? source::ResolveMode::ForcePull : source::ResolveMode::Default;
    image = TRY(images_.resolve(query.reference, query.platform, mode, stop_));
  }
  if (!image.warning.empty()) reporter.warn(image.warning);
  return dockerfile::ResolvedImage{query.reference, image.target.digest, image.config};
}

}  // namespace slipway::cli
