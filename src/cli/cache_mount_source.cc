#include "cli/cache_mount_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "source/cache_mount_import.h"
#include "source/image_import.h"
#include "source/oci_layout.h"

namespace slipway::cli {
namespace {

constexpr char kTagSuffix[] = ".cache-mounts";

Result<CacheMountSource> load(std::shared_ptr<source::BlobOrigin> origin, const Descriptor& target,
                              std::stop_token stop) {
  CacheMountSource source;
  source.mounts = TRY(source::read_cache_mounts(*origin, target, std::move(stop)));
  source.origin = std::move(origin);
  source.manifest = target.digest;
  return source;
}

// Every artifact of cache mounts that an index lists; what else it has is passed over.
Result<std::vector<CacheMountSource>> load_all(const std::shared_ptr<source::BlobOrigin>& origin,
                                               const Index& index, const std::string& text,
                                               const std::stop_token& stop) {
  std::vector<CacheMountSource> sources;
  for (const Descriptor& target : index.manifests) {
    if (target.artifact_type != kCacheMountsArtifactType) continue;
    sources.push_back(TRY(load(origin, target, stop)));
  }
  if (!sources.empty()) return sources;
  return make_error(ErrorCode::InvalidInput, "{} holds no cache mounts", text)
      .with_hint("\"slipway cache-mount export -o FILE\" writes such a file");
}

Result<std::vector<CacheMountSource>> from_archive(int fd, const std::string& text,
                                                   store::Store& store,
                                                   progress::VertexReporter& reporter,
                                                   const std::stop_token& stop) {
  const Index index = TRY(source::load_archive_blobs(store, fd, reporter, stop).context(text));
  return load_all(std::make_shared<source::StoredBlobs>(store), index, text, stop);
}

// The artifact of that name; or the one beside the build cache of that name.
Result<CacheMountSource> from_registry(const Reference& name, registry::Client& client,
                                       const std::stop_token& stop) {
  Result<CacheMountSource> named = registry_cache_mounts(name, client, stop);
  if (named || named.error().code() != ErrorCode::InvalidInput) return named;
  const std::optional<Reference> beside = cache_mounts_reference(name);
  if (!beside) return named;
  Result<CacheMountSource> found = registry_cache_mounts(*beside, client, stop);
  if (found || found.error().code() != ErrorCode::NotFound) return found;
  return make_error(ErrorCode::NotFound, "{} holds no cache mounts, and {} is not there",
                    name.familiar(), beside->familiar())
      .with_hint(
          "build with --cache-to type=registry,mode=max, or use \"slipway cache-mount export "
          "--to REF\"");
}

bool looks_like_path(const std::string& text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
}

}  // namespace

std::string cache_mounts_tag(const std::string& tag) {
  return tag + kTagSuffix;
}

std::optional<Reference> cache_mounts_reference(const Reference& cache) {
  const Reference named = cache.with_default_tag();
  if (!named.digest().empty() || named.tag().empty()) return std::nullopt;
  return named.with_tag(cache_mounts_tag(named.tag()));
}

Result<CacheMountSource> registry_cache_mounts(const Reference& reference, registry::Client& client,
                                               std::stop_token stop) {
  const Descriptor target = TRY(client.resolve(reference, stop));
  CacheMountSource source =
      TRY(load(std::make_shared<source::RegistryOrigin>(client, reference), target, stop));
  source.registry = reference;
  return source;
}

Result<CacheMountSource> layout_cache_mounts(const std::filesystem::path& directory,
                                             const std::string& tag, std::stop_token stop) {
  const std::shared_ptr<source::OciLayout> layout = TRY(source::OciLayout::open(directory));
  const Descriptor target = TRY(layout->find_tag(tag));
  return load(layout, target, std::move(stop));
}

Result<std::vector<CacheMountSource>> open_cache_mounts(
    const std::string& text, const std::filesystem::path& base, store::Store& store,
    registry::Client& client, progress::VertexReporter& reporter, std::stop_token stop) {
  if (text == "-") return from_archive(STDIN_FILENO, "stdin", store, reporter, stop);
  const std::filesystem::path path = base / text;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    const std::shared_ptr<source::OciLayout> layout = TRY(source::OciLayout::open(path));
    return load_all(layout, layout->index(), text, stop);
  }
  if (std::filesystem::exists(path, error) || looks_like_path(text)) {
    const UniqueFd file = TRY(open_file(path, O_RDONLY));
    return from_archive(file.get(), text, store, reporter, stop);
  }
  const Reference name =
      TRY(Reference::parse(text).context("no file of this name, and no reference"));
  std::vector<CacheMountSource> sources;
  sources.push_back(TRY(from_registry(name.with_default_tag(), client, stop)));
  return sources;
}

}  // namespace slipway::cli
