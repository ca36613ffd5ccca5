#include "cli/image_lookup.h"

#include <thread>

#include <fmt/format.h>

#include "cli/internal_step.h"

namespace slipway::cli {

std::vector<Result<dockerfile::ResolvedImage>> ImageLookup::resolve(
    std::span<const dockerfile::ImageQuery> queries) {
  std::vector<Result<dockerfile::ResolvedImage>> answers(
      queries.size(), make_error(ErrorCode::Internal, "image was not looked up"));
  const auto look_up = [&](size_t i) { answers[i] = resolve_once(queries[i]); };
  // Most of the time is spent waiting for registries, so each query has its thread.
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < queries.size(); ++i) threads.emplace_back(look_up, i);
  if (!queries.empty()) look_up(0);
  threads.clear();
  return answers;
}

Result<dockerfile::ResolvedImage> ImageLookup::resolve_once(const dockerfile::ImageQuery& query) {
  const std::string key = fmt::format("{} {} {}", query.log_name, query.platform.full_str(),
                                      query.layout ? query.layout->digest.str() : "");
  std::shared_ptr<Lookup> lookup;
  {
    auto lookups = lookups_.lock();
    std::shared_ptr<Lookup>& slot = (*lookups)[key];
    if (slot == nullptr) slot = std::make_shared<Lookup>();
    lookup = slot;
  }
  const std::scoped_lock lock(lookup->mutex);
  if (lookup->image) return *lookup->image;
  Result<dockerfile::ResolvedImage> image =
      as_step(progress_, query.log_name,
              [&](progress::VertexReporter& reporter) { return resolve_one(query, reporter); });
  if (image) lookup->image = *image;
  return image;
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
