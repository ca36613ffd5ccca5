#include "exporter/image_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/file_io.h"
#include "base/file_lock.h"
#include "layer/tar_entry.h"
#include "oci/json_writer.h"
#include "oci/manifest.h"

namespace slipway::exporter {
namespace {

constexpr char kLayoutFile[] = R"({"imageLayoutVersion":"1.0.0"})";
constexpr char kImageName[] = "io.containerd.image.name";

std::string blob_path(const Digest& digest) {
  return fmt::format("blobs/{}/{}", digest.algorithm(), digest.hex());
}

// The image once for each of its names, or once without.
std::vector<Descriptor> index_entries(Descriptor plain, const std::vector<Reference>& names) {
  plain.platform.reset();
  if (names.empty()) return {plain};
  std::vector<Descriptor> entries;
  for (const Reference& name : names) {
    Descriptor entry = plain;
    entry.annotations[kImageName] = name.str();
    entry.annotations[annotation::kRefName] = name.tag().empty() ? name.str() : name.tag();
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string index_json(std::vector<Descriptor> entries) {
  Index index;
  index.media_type = media_type::kOciIndex;
  index.manifests = std::move(entries);
  return to_json(index);
}

// What docker load reads.
std::string docker_manifest_json(const std::vector<ArchivedImage>& images) {
  JsonWriter json;
  json.begin_array();
  for (const ArchivedImage& archived : images) {
    std::vector<std::string> tags;
    for (const Reference& name : archived.names) tags.push_back(name.familiar());
    std::vector<std::string> layers;
    for (const Descriptor& layer : archived.image.layers) layers.push_back(blob_path(layer.digest));
    json.begin_object();
    json.key("Config").string(blob_path(archived.image.config.digest));
    json.key("RepoTags").strings(tags);
    json.key("Layers").strings(layers);
    json.end_object();
  }
  return json.end_array().take();
}

// By path, each once: equal layers share a blob.
std::map<std::string, Descriptor> by_path(const std::vector<Descriptor>& blobs) {
  std::map<std::string, Descriptor> result;
  for (const Descriptor& blob : blobs) result[blob_path(blob.digest)] = blob;
  return result;
}

Status add_file(layer::TarSink& sink, const std::string& name, std::string_view content) {
  layer::TarEntry entry;
  entry.name = name;
  entry.mode = 0444;
  entry.size = content.size();
  TRY(sink.append(layer::encode_tar_header(entry)));
  TRY(sink.append(content));
  return sink.append_zeros(layer::tar_padding(content.size()));
}

Status add_directory(layer::TarSink& sink, const std::string& name) {
  layer::TarEntry entry;
  entry.type = layer::EntryType::Directory;
  entry.name = name;
  entry.mode = 0755;
  return sink.append(layer::encode_tar_header(entry));
}

Status add_blob(layer::TarSink& sink, const std::string& name, const Descriptor& blob,
                store::ContentStore& content, std::stop_token stop) {
  const UniqueFd fd = TRY(content.open(blob.digest));
  layer::TarEntry entry;
  entry.name = name;
  entry.mode = 0444;
  entry.size = blob.size;
  TRY(sink.append(layer::encode_tar_header(entry)));
  for (uint64_t left = blob.size; left > 0;) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    const std::span<char> to = sink.room();
    const ssize_t got = ::read(fd.get(), to.data(), std::min<uint64_t>(left, to.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read blob {}", blob.digest.str());
    if (got == 0) {
      return make_error(ErrorCode::Internal, "blob {} is shorter than its size", blob.digest.str());
    }
    left -= static_cast<uint64_t>(got);
    TRY(sink.advance(static_cast<size_t>(got)));
  }
  return sink.append_zeros(layer::tar_padding(blob.size));
}

// At most `most` bytes; how many there were.
Result<ssize_t> copy_through_memory(int from, int to, uint64_t most) {
  std::string buffer(std::min<uint64_t>(most, 1 << 20), '\0');
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read");
    TRY(write_all(to, std::string_view(buffer).substr(0, static_cast<size_t>(got))));
    return got;
  }
}

// In pieces of this size, between which a build can be stopped.
constexpr uint64_t kCopiedAtOnce = 64 << 20;

Status copy_blob(int from, int to, const Descriptor& blob, const std::stop_token& stop) {
  for (uint64_t left = blob.size; left > 0;) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    ssize_t got = ::copy_file_range(from, nullptr, to, nullptr, std::min(left, kCopiedAtOnce), 0);
    // The two are on file systems that cannot copy between each other.
    if (got < 0 && errno != EINTR) got = TRY(copy_through_memory(from, to, left));
    if (got == 0) {
      return make_error(ErrorCode::Internal, "blob {} is shorter than its size", blob.digest.str());
    }
    if (got > 0) left -= static_cast<uint64_t>(got);
  }
  return {};
}

// Copies a blob beside its place and renames it there.
Status place_blob(const std::filesystem::path& place, const Descriptor& blob,
                  store::ContentStore& content, std::stop_token stop) {
  struct stat there;
  if (::stat(place.c_str(), &there) == 0 && static_cast<uint64_t>(there.st_size) == blob.size) {
    return {};
  }
  const UniqueFd from = TRY(content.open(blob.digest));
  const std::string temporary = temporary_name(place);
  UniqueFd to = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644));
  const Status copied = [&]() -> Status {
    TRY(copy_blob(from.get(), to.get(), blob, stop));
    return to.close();
  }();
  if (copied && ::rename(temporary.c_str(), place.c_str()) == 0) return {};
  Error error = copied ? errno_error("rename to {}", place.string()) : copied.error();
  ::unlink(temporary.c_str());
  return std::move(error).context("write " + place.string());
}

// Puts entries into a layout's index, each in the place of one of the same name.
Status add_entries(const std::vector<Descriptor>& added_entries,
                   const std::filesystem::path& directory) {
  // Builds may export into one layout at the same time.
  const FileLock lock =
      TRY(FileLock::acquire(directory / "index.json.lock", FileLock::Mode::Exclusive));
  std::vector<Descriptor> entries;
  const Result<std::string> before = read_file(directory / "index.json", 64 << 20);
  if (before) {
    entries = TRY(parse_index(*before).context((directory / "index.json").string())).manifests;
  } else if (before.error().code() != ErrorCode::NotFound) {
    return before.error();
  }
  for (const Descriptor& added : added_entries) {
    const std::string name = added.annotation_of(annotation::kRefName);
    std::erase_if(entries, [&](const Descriptor& entry) {
      return entry.annotation_of(annotation::kRefName) == name &&
             (!name.empty() || entry.digest == added.digest);
    });
    entries.push_back(added);
  }
  TRY(write_file_atomic(directory / "oci-layout", kLayoutFile));
  return write_file_atomic(directory / "index.json", index_json(std::move(entries)));
}

}  // namespace

Status write_image_archive(const std::vector<ArchivedImage>& images, ArchiveKind kind,
                           store::ContentStore& content, layer::TarSink& sink,
                           std::stop_token stop) {
  std::vector<Descriptor> blobs;
  std::vector<Descriptor> entries;
  for (const ArchivedImage& image : images) {
    std::ranges::copy(image.blobs, std::back_inserter(blobs));
    std::ranges::copy(index_entries(image.target, image.names), std::back_inserter(entries));
  }
  TRY(add_directory(sink, "blobs/"));
  TRY(add_directory(sink, "blobs/sha256/"));
  for (const auto& [path, blob] : by_path(blobs)) TRY(add_blob(sink, path, blob, content, stop));
  TRY(add_file(sink, "index.json", index_json(std::move(entries))));
  if (kind == ArchiveKind::Docker) {
    TRY(add_file(sink, "manifest.json", docker_manifest_json(images)));
  }
  TRY(add_file(sink, "oci-layout", kLayoutFile));
  return sink.append_zeros(layer::kTarEndBytes);
}

Status add_layout_blobs(const std::vector<Descriptor>& blobs,
                        const std::filesystem::path& directory, store::ContentStore& content,
                        std::stop_token stop) {
  TRY(make_directories(directory / "blobs/sha256"));
  for (const auto& [path, blob] : by_path(blobs)) {
    TRY(place_blob(directory / path, blob, content, stop));
  }
  return {};
}

Status add_layout_entry(const Descriptor& target, const std::vector<Reference>& names,
                        const std::filesystem::path& directory) {
  return add_entries(index_entries(target, names), directory);
}

Status add_layout_tag(const Descriptor& target, const std::string& tag,
                      const std::filesystem::path& directory) {
  Descriptor entry = target;
  entry.annotations[annotation::kRefName] = tag;
  return add_entries({entry}, directory);
}

}  // namespace slipway::exporter
