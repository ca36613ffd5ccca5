#include "cli/result_files.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/manifest.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

// The first output that is an image speaks for the target, as with buildx.
const exporter::ExportedImage* first_image(const TargetOutcome& outcome) {
  for (const exporter::ExportedImage& image : outcome.images) {
    if (!image.target.digest.empty()) return &image;
  }
  return nullptr;
}

Json metadata(const TargetOutcome& outcome, const std::string& build_ref) {
  Json json{{"buildx.build.ref", "slipway/slipway/" + build_ref}};
  for (const auto& [platform, predicate] : outcome.provenance) {
    const std::string key = "buildx.build.provenance";
    json[platform.empty() ? key : key + "/" + platform] = Json::parse(predicate);
  }
  const exporter::ExportedImage* image = first_image(outcome);
  if (image == nullptr) return json;
  if (image->config) json["containerimage.config.digest"] = image->config->str();
  json["containerimage.descriptor"] = Json::parse(to_json(image->target));
  json["containerimage.digest"] = image->target.digest.str();
  if (!image->names.empty()) {
    std::vector<std::string> names;
    for (const Reference& name : image->names) names.push_back(name.str());
    json["image.name"] = join(names, ",");
  }
  return json;
}

}  // namespace

std::string build_metadata(const TargetOutcome& outcome, const std::string& build_ref) {
  return metadata(outcome, build_ref).dump(2) + "\n";
}

std::string bake_metadata(const std::vector<TargetOutcome>& outcomes,
                          const std::string& build_ref) {
  Json json = Json::object();
  for (const TargetOutcome& outcome : outcomes) {
    json[outcome.name] = metadata(outcome, build_ref);
  }
  return json.dump(2) + "\n";
}

Digest image_id(const TargetOutcome& outcome) {
  const exporter::ExportedImage* image = first_image(outcome);
  if (image == nullptr) return {};
  return image->config.value_or(image->target.digest);
}

}  // namespace slipway::cli
