// Archives of images. Members come in any order and the input may be a pipe, so blobs go into the
// content store as they come by; what they are shows at the end, in index.json or manifest.json.
// Blobs that nothing refers to go with the next prune.
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "layer/decompress.h"
#include "layer/tar_reader.h"
#include "oci/json_fields.h"
#include "oci/manifest.h"
#include "source/image_import.h"

namespace slipway::source {
namespace {

using nlohmann::json;

constexpr size_t kMaxMetadataBytes = 4 << 20;      // of one file
constexpr size_t kMaxAllMetadataBytes = 64 << 20;  // of all of them: they are kept in memory
constexpr size_t kBufferBytes = 1 << 20;
constexpr int kMaxIndexDepth = 4;
constexpr size_t kMaxMembers = 100'000;
constexpr char kContainerdName[] = "io.containerd.image.name";

// "./a//b" -> "a/b"; nullopt for a path that leads out of the archive.
std::optional<std::string> clean_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else {
      parts.push_back(std::move(part));
    }
  }
  return join(parts, "/");
}

// The digest that a path of an OCI layout stands for.
std::optional<Digest> digest_of_path(std::string_view path) {
  if (!path.starts_with("blobs/")) return std::nullopt;
  path.remove_prefix(6);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const Result<Digest> digest =
      Digest::parse(fmt::format("{}:{}", path.substr(0, slash), path.substr(slash + 1)));
  return digest ? std::optional(*digest) : std::nullopt;
}

Compression compression_of(std::string_view first_bytes) {
  if (first_bytes.starts_with("\x1f\x8b")) return Compression::Gzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::Zstd;
  return Compression::Uncompressed;
}

struct Member {
  Digest digest;
  uint64_t size = 0;
  Compression compression = Compression::Uncompressed;
};

class ArchiveLoader {
 public:
  ArchiveLoader(store::Store& store, const std::optional<Platform>& platform,
                progress::VertexReporter& reporter)
      : store_(store), platform_(platform), reporter_(reporter) {}

  Status read(int fd, std::stop_token stop) {
    const std::unique_ptr<layer::Decompressor> plain =
        TRY(layer::make_decompressor(layer::fd_stream(fd)));
    std::string buffer(kBufferBytes, '\0');
    layer::TarReader reader([&]() -> Result<std::string_view> {
      const size_t count = TRY(plain->read(buffer.data(), buffer.size()));
      return std::string_view(buffer.data(), count);
    });
    for (;;) {
      const std::optional<layer::TarEntry> entry = TRY(reader.next());
      if (!entry) return {};
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
      TRY(take_member(*entry, reader, stop).context(entry->name));
    }
  }

  Result<Index> index() const {
    if (texts_.contains("index.json")) {
      return parse_index(texts_.at("index.json")).context("index.json");
    }
    return make_error(ErrorCode::InvalidInput, "it is no OCI archive: index.json is not in it");
  }

  Result<std::vector<ImportedImage>> finish(std::stop_token stop) {
    std::vector<ImportedImage> images;
    // Newer `docker save` writes both; the layout says more.
    if (texts_.contains("index.json")) {
      images = TRY(from_layout().context("index.json"));
    } else if (texts_.contains("manifest.json")) {
      images = TRY(from_docker().context("manifest.json"));
    } else {
      return make_error(ErrorCode::InvalidInput,
                        "it is no image archive: neither index.json nor manifest.json is in it");
    }
    for (const ImportedImage& image : images) {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
      TRY(store_.images().tag(image.name, image.target));
    }
    return images;
  }

 private:
  Status take_member(const layer::TarEntry& entry, layer::TarReader& reader, std::stop_token stop) {
    const std::optional<std::string> path = clean_path(entry.name);
    if (!path) return make_error(ErrorCode::InvalidInput, "the path leads out of the archive");
    if (texts_.size() + members_.size() + links_.size() >= kMaxMembers) {
      return make_error(ErrorCode::InvalidInput, "the archive has more than {} files", kMaxMembers);
    }
    if (entry.type == layer::EntryType::Symlink || entry.type == layer::EntryType::HardLink) {
      // Older `docker save` stores a layer that two images share once.
      const bool symlink = entry.type == layer::EntryType::Symlink;
      const std::string from = symlink ? path->substr(0, path->rfind('/') + 1) : "";
      if (const auto target = clean_path(from + entry.link_name)) links_[*path] = *target;
      return {};
    }
    if (entry.type != layer::EntryType::File) return {};
    const std::optional<Digest> expected = digest_of_path(*path);
    if (expected || path->ends_with(".tar")) {
      return store_blob(*path, entry.size, expected.value_or(Digest()), reader, stop);
    }
    if (!path->ends_with(".json")) return {};
    std::string text;
    for (;;) {
      const std::string_view piece = TRY(reader.data());
      if (piece.empty()) break;
      text += piece;
      metadata_bytes_ += piece.size();
      if (text.size() > kMaxMetadataBytes || metadata_bytes_ > kMaxAllMetadataBytes) {
        return make_error(ErrorCode::InvalidInput, "the archive's JSON files are too long");
      }
    }
    texts_[*path] = std::move(text);
    return {};
  }

  Status store_blob(const std::string& path, uint64_t size, const Digest& expected,
                    layer::TarReader& reader, std::stop_token stop) {
    const progress::Time started = std::chrono::system_clock::now();
    const std::string status = "loading " + path;
    const int64_t total = static_cast<int64_t>(size);
    reporter_.status(status, 0, total, started, false);
    const std::unique_ptr<store::ContentWriter> writer = TRY(store_.content().writer());
    Member member;
    for (bool first = true;; first = false) {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
      const std::string_view piece = TRY(reader.data());
      if (piece.empty()) break;
      if (first) member.compression = compression_of(piece);
      TRY(writer->write(piece));
    }
    member.size = writer->bytes_written();
    member.digest = TRY(writer->commit(expected));
    members_[path] = std::move(member);
    reporter_.status(status, total, total, started, true);
    return {};
  }

  const Member* find_member(std::string path) const {
    for (int hops = 0; hops < 8; ++hops) {
      const auto member = members_.find(path);
      if (member != members_.end()) return &member->second;
      const auto link = links_.find(path);
      if (link == links_.end()) return nullptr;
      path = link->second;
    }
    return nullptr;
  }

  // ---- OCI layout

  Result<std::vector<ImportedImage>> from_layout() {
    std::vector<ImportedImage> images;
    const Index index = TRY(parse_index(texts_.at("index.json")));
    for (Descriptor target : index.manifests) {
      const std::string name = TRY(annotated_name(target));
      target.annotations.clear();
      if (is_index_type(target.media_type) && platform_) {
        target = TRY(select(target, 0));
      }
      TRY(check_complete(target, 0));
      images.push_back({name.empty() ? target.digest.str() : name, std::move(target)});
    }
    return images;
  }

  Result<Descriptor> select(const Descriptor& target, int depth) {
    if (!is_index_type(target.media_type) || depth == kMaxIndexDepth) return target;
    const std::string text = TRY(store_.content().read(target.digest));
    const Index index = TRY(parse_index(text));
    Descriptor chosen = TRY(select_platform(index, *platform_));
    return select(chosen, depth + 1);
  }

  // Everything that the image refers to must be in the store.
  Status check_complete(const Descriptor& target, int depth) {
    if (depth > kMaxIndexDepth) {
      return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}",
                        kMaxIndexDepth);
    }
    if (!complete_.insert(target.digest).second) return {};
    const std::string text =
        TRY(store_.content().read(target.digest).context("the archive is incomplete"));
    if (is_index_type(target.media_type)) {
      for (const Descriptor& child : TRY(parse_index(text)).manifests) {
        TRY(check_complete(child, depth + 1));
      }
      return {};
    }
    Manifest manifest = TRY(parse_manifest(text));
    manifest.layers.push_back(manifest.config);
    for (const Descriptor& blob : manifest.layers) {
      if (TRY(store_.content().size(blob.digest))) continue;
      return make_error(ErrorCode::InvalidInput, "the archive is incomplete: {} is not in it",
                        blob.digest.str());
    }
    return {};
  }

  // ---- Docker's manifest.json: [{"Config": PATH, "RepoTags": [...], "Layers": [PATH, ...]}]

  Result<std::vector<ImportedImage>> from_docker() {
    std::vector<ImportedImage> images;
    // The codec reads objects only.
    const json document = TRY(json_fields::parse_object(
        "{\"images\":" + texts_.at("manifest.json") + "}", kMaxMetadataBytes + 16));
    for (const json* entry : TRY(json_fields::objects(document, "images"))) {
      const Descriptor target = TRY(docker_image(*entry));
      const std::vector<std::string> tags = TRY(json_fields::strings(*entry, "RepoTags"));
      for (const std::string& tag : tags) {
        const Reference name = TRY(Reference::parse(tag));
        images.push_back({name.with_default_tag().str(), target});
      }
      if (tags.empty()) images.push_back({target.digest.str(), target});
    }
    return images;
  }

  Result<Descriptor> docker_image(const json& entry) {
    Manifest manifest;
    manifest.media_type = media_type::kDockerManifest;
    const std::string config_path = TRY(json_fields::string(entry, "Config"));
    const std::string config_text = TRY(text_of(config_path));
    TRY(parse_image_config(config_text).context(config_path));
    manifest.config.media_type = media_type::kDockerConfig;
    manifest.config.digest = TRY(store_.content().put(config_text));
    manifest.config.size = config_text.size();
    for (const std::string& path : TRY(json_fields::strings(entry, "Layers"))) {
      const std::optional<std::string> clean = clean_path(path);
      const Member* member = clean ? find_member(*clean) : nullptr;
      if (member == nullptr) {
        return make_error(ErrorCode::InvalidInput, "layer {} is not in the archive", path);
      }
      Descriptor layer;
      layer.media_type = layer_media_type(member->compression, false);
      layer.digest = member->digest;
      layer.size = member->size;
      manifest.layers.push_back(std::move(layer));
    }
    const std::string text = to_json(manifest);
    Descriptor target;
    target.media_type = manifest.media_type;
    target.digest = TRY(store_.content().put(text));
    target.size = text.size();
    return target;
  }

  // A config: kept as text, or stored as a blob under its digest.
  Result<std::string> text_of(const std::string& path) {
    const std::string clean = clean_path(path).value_or("");
    const auto text = texts_.find(clean);
    if (text != texts_.end()) return text->second;
    const Member* member = find_member(clean);
    if (member == nullptr) {
      return make_error(ErrorCode::InvalidInput, "config {} is not in the archive", path);
    }
    return store_.content().read(member->digest);
  }

  store::Store& store_;
  const std::optional<Platform>& platform_;
  progress::VertexReporter& reporter_;
  std::map<std::string, std::string> texts_;  // small JSON files
  size_t metadata_bytes_ = 0;
  std::map<std::string, Member> members_;     // path -> blob
  std::map<std::string, std::string> links_;  // path -> path
  std::set<Digest> complete_;                 // an index can name one child a thousand times
};

}  // namespace

Result<std::string> annotated_name(const Descriptor& entry) {
  for (const char* key : {kContainerdName, annotation::kRefName}) {
    const std::string text = entry.annotation_of(key);
    // A bare tag ("latest") names no image.
    if (text.find_first_of(":/") == std::string::npos) continue;
    const Reference name = TRY(Reference::parse(text));
    return name.with_default_tag().str();
  }
  return std::string();
}

Result<std::vector<ImportedImage>> load_archive(store::Store& store, int fd,
                                                const std::optional<Platform>& platform,
                                                progress::VertexReporter& reporter,
                                                std::stop_token stop) {
  ArchiveLoader loader(store, platform, reporter);
  TRY(loader.read(fd, stop).context("load image archive"));
  return loader.finish(stop).context("load image archive");
}

Result<Index> load_archive_blobs(store::Store& store, int fd, progress::VertexReporter& reporter,
                                 std::stop_token stop) {
  const std::optional<Platform> any;
  ArchiveLoader loader(store, any, reporter);
  TRY(loader.read(fd, stop).context("read archive"));
  return loader.index().context("read archive");
}

}  // namespace slipway::source
