#include "ops/source_runner.h"

#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "oci/json_writer.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

constexpr std::string_view kImage = "docker-image://";
constexpr std::string_view kLayout = "oci-layout://";
constexpr std::string_view kLocal = "local://";
constexpr std::string_view kGit = "git://";

const graph::SourceOp& source_of(const solver::StepContext& context) {
  return std::get<graph::SourceOp>(context.vertex.op);
}

std::string attribute(const graph::SourceOp& source, const char* name) {
  const auto found = source.attrs.find(name);
  return found == source.attrs.end() ? std::string() : found->second;
}

source::ResolveMode resolve_mode(const graph::SourceOp& source) {
  const std::string mode = attribute(source, "image.resolvemode");
  if (mode == "pull") return source::ResolveMode::ForcePull;
  if (mode == "local") return source::ResolveMode::PreferLocal;
  return source::ResolveMode::Default;
}

bool is_image(const graph::SourceOp& source) {
  return source.identifier.starts_with(kImage) || source.identifier.starts_with(kLayout);
}

bool is_http(const graph::SourceOp& source) {
  return source.identifier.starts_with("http://") || source.identifier.starts_with("https://");
}

std::string image_key(const Digest& digest, const Platform& platform) {
  JsonWriter json;
  json.begin_object().key("Digest").string(digest.str());
  json.key("OS").string(platform.os).key("Arch").string(platform.architecture);
  json.optional("Variant", platform.variant).optional("OSVersion", platform.os_version);
  json.optional("OSFeatures", platform.os_features);
  json.end_object();
  return json.take();
}

Error unsupported(const graph::SourceOp& source) {
  return make_error(ErrorCode::Unsupported, "source {} is not supported yet", source.identifier);
}

}  // namespace

Result<std::optional<SourceRunner::RegistryImage>> SourceRunner::registry_image(
    const solver::StepContext& context) const {
  const graph::SourceOp& source = source_of(context);
  if (!source.identifier.starts_with(kImage)) return std::optional<RegistryImage>();
  RegistryImage found;
  found.name = TRY(Reference::parse(source.identifier.substr(kImage.size()))).with_default_tag();
  found.image = TRY(resolve(context));
  return std::optional(std::move(found));
}

Result<source::ResolvedImage> SourceRunner::resolve(const solver::StepContext& context) const {
  const graph::SourceOp& source = source_of(context);
  const Platform platform = context.vertex.platform.value_or(Platform::host());
  if (source.identifier.starts_with(kLayout)) {
    const auto layout = layouts_.find(attribute(source, "oci.store"));
    if (layout == nullptr) {
      return make_error(ErrorCode::NotFound, "{}: no such OCI layout in this build",
                        source.identifier);
    }
    const Reference reference = TRY(Reference::parse(source.identifier.substr(kLayout.size())));
    return images_.resolve(layout, reference.digest().str(), platform, context.stop);
  }
  const Reference reference = TRY(Reference::parse(source.identifier.substr(kImage.size())));
  return images_.resolve(reference.with_default_tag(), platform, resolve_mode(source),
                         context.stop);
}

Result<solver::CacheMap> SourceRunner::cache_map(const solver::StepContext& context) {
  const graph::SourceOp& source = source_of(context);
  if (source.identifier.starts_with(kLocal)) {
    solver::CacheMap map;
    map.digest = Digest::sha256_of(source.identifier + LocalContexts::key_of(source));
    map.unique = true;
    return map;
  }
  // BuildKit's digest, so that its caches and ours agree.
  solver::CacheMap map;
  map.digest = Digest::sha256_of("buildkit.source.v0:" + TRY(current_key(context)));
  return map;
}

Result<std::string> SourceRunner::current_key(const solver::StepContext& context) const {
  const graph::SourceOp& source = source_of(context);
  if (is_image(source)) {
    // The digest names all there is to an image; where it came from does not matter.
    const source::ResolvedImage image = TRY(resolve(context));
    if (!image.warning.empty()) context.progress.warn(image.warning);
    const Platform platform = context.vertex.platform.value_or(Platform::host());
    return Digest::sha256_of(image_key(image.target.digest, platform)).str();
  }
  if (is_http(source) && files_ != nullptr) {
    const auto spec = TRY(source::HttpFileSpec::parse(source.identifier, source.attrs));
    const auto file = TRY(files_->resolve(spec, context.progress, context.stop));
    return source::HttpFileSource::cache_key(spec, file).str();
  }
  if (source.identifier.starts_with(kGit) && git_ != nullptr) {
    const auto spec = TRY(source::GitSpec::parse(source.identifier, source.attrs));
    const std::string commit = TRY(git_->resolve(spec, context.stop));
    return source::GitSource::cache_key(spec, commit);
  }
  return unsupported(source);
}

Result<source::UnpackedImage> SourceRunner::fetch(const solver::StepContext& context) const {
  const graph::SourceOp& source = source_of(context);
  if (is_image(source)) {
    const source::ResolvedImage image = TRY(resolve(context));
    return unpacker_.unpack(image, context.progress, context.stop);
  }
  if (is_http(source) && files_ != nullptr) {
    const auto spec = TRY(source::HttpFileSpec::parse(source.identifier, source.attrs));
    return files_->snapshot(spec, context.progress, context.stop);
  }
  if (source.identifier.starts_with(kGit) && git_ != nullptr) {
    const auto spec = TRY(source::GitSpec::parse(source.identifier, source.attrs));
    return git_->snapshot(spec, context.progress, context.stop);
  }
  return unsupported(source);
}

Result<Digest> SourceRunner::content_digest(const solver::StepContext&, size_t,
                                            const solver::StepResult&) {
  return make_error(ErrorCode::Internal, "a source has no inputs");
}

Result<std::vector<solver::StepResult>> SourceRunner::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  CHECK(inputs.empty());
  const graph::SourceOp& source = source_of(context);
  if (source.identifier.starts_with(kLocal)) {
    const std::string id = LocalContexts::to_result_id(LocalContexts::key_of(source));
    auto tree = contexts_.find_result(id);
    if (tree == nullptr) {
      return make_error(ErrorCode::NotFound, "{}: no such directory in this build",
                        source.identifier);
    }
    return std::vector{solver::StepResult{id, std::move(tree)}};
  }
  source::UnpackedImage unpacked = TRY(fetch(context));
  return std::vector{
      solver::StepResult{store::to_result_id(unpacked.snapshot), std::move(unpacked.pin)}};
}

}  // namespace slipway::ops
