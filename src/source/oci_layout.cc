#include "source/oci_layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::source {
namespace {

constexpr size_t kMaxIndexBytes = 4 << 20;
constexpr size_t kMaxSmallBlobBytes = 64 << 20;
constexpr size_t kReadBytes = 256 << 10;

// Tools write the tag alone or the whole name.
bool names_tag(const Descriptor& descriptor, const std::string& tag) {
  const std::string name = descriptor.annotation_of(annotation::kRefName);
  return name == tag || name.ends_with(":" + tag);
}

}  // namespace

LayoutLocation LayoutLocation::parse(const std::string& text) {
  // Directories may have "@" in their names, too.
  const size_t at = text.rfind('@');
  const std::string digest = at == std::string::npos ? "" : text.substr(at + 1);
  if (digest.starts_with("sha256:") || digest.starts_with("sha512:")) {
    return {text.substr(0, at), {}, digest};
  }
  const size_t colon = text.rfind(':');
  const bool is_tag = colon != std::string::npos && text.find('/', colon) == std::string::npos;
  return is_tag ? LayoutLocation{text.substr(0, colon), text.substr(colon + 1), {}}
                : LayoutLocation{text, {}, {}};
}

Result<std::shared_ptr<OciLayout>> OciLayout::open(const std::filesystem::path& directory) {
  const Result<std::string> marker = read_file(directory / "oci-layout", kMaxIndexBytes);
  if (!marker) {
    return Error(marker.error()).context(fmt::format("open OCI layout {}", directory.string()));
  }
  const std::string text = TRY(read_file(directory / "index.json", kMaxIndexBytes));
  Index index = TRY(parse_index(text).context((directory / "index.json").string()));
  return std::shared_ptr<OciLayout>(new OciLayout(directory, std::move(index)));
}

std::string OciLayout::name() const {
  return "oci-layout://" + directory_.string();
}

Result<Descriptor> OciLayout::find_tag(const std::string& tag) const {
  const std::string wanted = tag.empty() ? "latest" : tag;
  for (const Descriptor& descriptor : index_.manifests) {
    if (names_tag(descriptor, wanted)) return descriptor;
  }
  if (tag.empty() && index_.manifests.size() == 1) return index_.manifests.front();
  std::vector<std::string> names;
  for (const Descriptor& descriptor : index_.manifests) {
    const std::string name = descriptor.annotation_of(annotation::kRefName);
    if (!name.empty()) names.push_back(name);
  }
  return make_error(ErrorCode::NotFound, "find tag \"{}\" in {}: it has {}", wanted, name(),
                    names.empty() ? "no tags" : join(names, ", "));
}

Result<Descriptor> OciLayout::find_digest(const Digest& digest) const {
  const auto listed = std::ranges::find(index_.manifests, digest, &Descriptor::digest);
  if (listed != index_.manifests.end()) return *listed;
  const std::string text = TRY(read_verified(digest));
  Descriptor descriptor;
  descriptor.digest = digest;
  descriptor.size = text.size();
  if (const Result<Index> index = parse_index(text)) {
    descriptor.media_type = index->media_type;
    return descriptor;
  }
  descriptor.media_type = TRY(parse_manifest(text)).media_type;
  return descriptor;
}

Result<UniqueFd> OciLayout::open_blob(const Digest& digest) const {
  const std::filesystem::path path =
      directory_ / "blobs" / std::string(digest.algorithm()) / std::string(digest.hex());
  // Without waiting: the path may be a pipe that nobody writes.
  UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return errno_error("stat {}", path.string());
  if (!S_ISREG(info.st_mode)) {
    return make_error(ErrorCode::InvalidInput, "{} is no regular file", path.string());
  }
  return fd;
}

Result<std::string> OciLayout::read_verified(const Digest& digest) const {
  const UniqueFd fd = TRY(open_blob(digest));
  std::string text = TRY(read_fd(fd.get(), kMaxSmallBlobBytes));
  if (digest.algorithm() != "sha256") {
    return make_error(ErrorCode::Unsupported, "{}: digests of this kind cannot be verified",
                      digest.str());
  }
  if (Digest::sha256_of(text) != digest) {
    return make_error(ErrorCode::InvalidInput, "blob {} of {} is damaged", digest.str(), name());
  }
  return text;
}

Result<std::string> OciLayout::read(const Descriptor& wanted, std::stop_token) {
  return read_verified(wanted.digest);
}

Status OciLayout::copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) {
  const UniqueFd fd = TRY(open_blob(wanted.digest));
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read blob {}", wanted.digest.str());
    if (count == 0) return {};
    TRY(sink.write(std::string_view(buffer.data(), static_cast<size_t>(count))));
  }
}

}  // namespace slipway::source
