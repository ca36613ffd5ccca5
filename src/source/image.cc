#include "source/image.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "source/image_blobs.h"

namespace slipway::source {
namespace {

// An index may hold indexes; hostile ones for ever.
constexpr int kMaxIndexDepth = 4;

bool is_attestation(const Descriptor& descriptor) {
  return descriptor.annotations.contains("vnd.docker.reference.type") ||
         (descriptor.platform && descriptor.platform->os == "unknown");
}

bool can_stand_in(ErrorCode code) {
  return code == ErrorCode::NotFound || code == ErrorCode::Unavailable ||
         code == ErrorCode::PermissionDenied;
}

}  // namespace

Result<Descriptor> select_platform(const Index& index, const Platform& platform) {
  const Platform wanted = platform.normalized();
  std::vector<const Descriptor*> images;
  std::vector<std::string> offered;
  for (const Descriptor& descriptor : index.manifests) {
    if (is_attestation(descriptor)) continue;
    images.push_back(&descriptor);
    if (descriptor.platform) offered.push_back(descriptor.platform->str());
  }
  const auto is_exact = [&](const Descriptor* image) {
    return image->platform && image->platform->normalized() == wanted;
  };
  const auto serves = [&](const Descriptor* image) {
    return image->platform && wanted.matches(*image->platform);
  };
  auto found = std::ranges::find_if(images, is_exact);
  if (found == images.end()) found = std::ranges::find_if(images, serves);
  if (found != images.end()) return **found;
  // Layouts often hold one image and do not say for which platform.
  if (images.size() == 1 && !images.front()->platform) return *images.front();
  return make_error(ErrorCode::NotFound, "no image for platform {}: there is {}", wanted.str(),
                    offered.empty() ? "none with a platform" : join(offered, ", "));
}

Result<std::optional<Descriptor>> ImageSource::find_local(const Reference& reference) {
  if (!reference.digest().empty()) {
    const Result<std::string> text = store_.content().read(reference.digest());
    if (!text && text.error().code() == ErrorCode::NotFound) return std::optional<Descriptor>();
    if (!text) return text.error();
    Descriptor descriptor;
    descriptor.digest = reference.digest();
    descriptor.size = text->size();
    if (const Result<Index> index = parse_index(*text)) {
      descriptor.media_type = index->media_type;
    } else {
      descriptor.media_type = TRY(parse_manifest(*text)).media_type;
    }
    return std::optional(std::move(descriptor));
  }
  const std::optional<store::StoredImage> image =
      TRY(store_.images().find(reference.with_default_tag().str()));
  return image ? std::optional(image->target) : std::nullopt;
}

Result<ImageSource::Target> ImageSource::find_target(const Reference& reference, ResolveMode mode,
                                                     std::stop_token stop) {
  if (!reference.digest().empty() || mode == ResolveMode::PreferLocal) {
    if (std::optional<Descriptor> local = TRY(find_local(reference))) {
      return Target{*std::move(local), {}};
    }
  }
  Result<Descriptor> remote = client_.resolve(reference, stop);
  if (remote) return Target{*std::move(remote), {}};
  if (mode == ResolveMode::Default && can_stand_in(remote.error().code())) {
    if (std::optional<Descriptor> local = TRY(find_local(reference))) {
      // A name that exists only here needs no warning.
      const bool unreachable = remote.error().code() == ErrorCode::Unavailable;
      return Target{*std::move(local),
                    unreachable ? fmt::format("{}; using the local image", remote.error().message())
                                : std::string()};
    }
  }
  return std::move(remote).error();
}

template <typename Find>
Result<ResolvedImage> ImageSource::once(const std::string& key, Find find) {
  std::shared_ptr<Lookup> lookup;
  {
    auto lookups = lookups_.lock();
    std::shared_ptr<Lookup>& slot = (*lookups)[key];
    if (!slot) slot = std::make_shared<Lookup>();
    lookup = slot;
  }
  const std::lock_guard lock(lookup->mutex);
  if (!lookup->image) lookup->image = TRY(find());
  return *lookup->image;
}

Result<ResolvedImage> ImageSource::resolve(const Reference& reference, const Platform& platform,
                                           ResolveMode mode, std::stop_token stop) {
  const std::string key = fmt::format("image {} {} {}", reference.with_default_tag().str(),
                                      platform.full_str(), static_cast<int>(mode));
  return once(key, [&]() -> Result<ResolvedImage> {
    Target target = TRY(find_target(reference, mode, stop));
    return load(std::move(target), std::make_shared<RegistryOrigin>(client_, reference), platform,
                stop)
        .context(reference.familiar());
  });
}

Result<ResolvedImage> ImageSource::resolve(const std::shared_ptr<OciLayout>& layout,
                                           const std::string& tag_or_digest,
                                           const Platform& platform, std::stop_token stop) {
  const std::string key =
      fmt::format("layout {} {} {}", layout->name(), tag_or_digest, platform.full_str());
  return once(key, [&]() -> Result<ResolvedImage> {
    const Result<Digest> digest = Digest::parse(tag_or_digest);
    Descriptor target =
        TRY(digest ? layout->find_digest(*digest) : layout->find_tag(tag_or_digest));
    return load({std::move(target), {}}, layout, platform, stop).context(layout->name());
  });
}

Result<ResolvedImage> ImageSource::load(Target target, std::shared_ptr<BlobOrigin> origin,
                                        const Platform& platform, std::stop_token stop) {
  ResolvedImage image;
  image.target = target.descriptor;
  image.warning = std::move(target.warning);
  image.manifest_descriptor = image.target;
  std::string text;
  for (int depth = 0;; ++depth) {
    text = TRY(ensure_small_blob(store_, *origin, image.manifest_descriptor, stop));
    if (!is_index_type(image.manifest_descriptor.media_type)) break;
    if (depth == kMaxIndexDepth) {
      return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}",
                        kMaxIndexDepth);
    }
    const Index index = TRY(parse_index(text));
    image.manifest_descriptor = TRY(select_platform(index, platform));
  }
  image.manifest = TRY(parse_manifest(text));
  const std::string& config_type = image.manifest.config.media_type;
  if (config_type != media_type::kOciConfig && config_type != media_type::kDockerConfig) {
    return make_error(ErrorCode::Unsupported, "it is no container image: its config is {}",
                      config_type);
  }
  image.config_json = TRY(ensure_small_blob(store_, *origin, image.manifest.config, stop));
  image.config = TRY(parse_image_config(image.config_json));
  image.origin = std::move(origin);
  return image;
}

}  // namespace slipway::source
