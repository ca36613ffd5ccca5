#include "source/tree_digest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>

#include "base/check.h"
#include "layer/xattr.h"

namespace slipway::source {
namespace {

using Place = TreeNodes::Place;

constexpr size_t kReadSize = 128 << 10;
// A unit of parallel work: so many files or bytes.
constexpr size_t kChunkFiles = 64;
constexpr uint64_t kChunkBytes = 4 << 20;

store::RawDigest raw_digest(const Digest& digest) {
  store::RawDigest raw;
  const std::string_view digits = digest.hex();
  CHECK(digits.size() == 2 * raw.size());
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i < raw.size(); ++i) {
    raw[i] = static_cast<uint8_t>(value(digits[2 * i]) << 4 | value(digits[2 * i + 1]));
  }
  return raw;
}

// Type flags of tar, as Go's archive/tar gives them; a socket counts as a file.
char type_flag(uint32_t mode) {
  if (S_ISDIR(mode)) return '5';
  if (S_ISLNK(mode)) return '2';
  if (S_ISCHR(mode)) return '3';
  if (S_ISBLK(mode)) return '4';
  if (S_ISFIFO(mode)) return '6';
  return '0';
}

using Xattrs = std::map<std::string, std::string>;

// Docker's "tarsum" version 1 header, which BuildKit kept: names and values run together.
std::string header_text(const FileAttributes& attributes, const std::string& link_target,
                        const Xattrs& xattrs) {
  const uint32_t mode = attributes.mode;
  const bool device = S_ISCHR(mode) || S_ISBLK(mode);
  const bool has_size = S_ISREG(mode) || S_ISSOCK(mode);
  std::string text =
      fmt::format("namemode{}uid{}gid{}size{}typeflag{}linkname{}unamegnamedevmajor{}devminor{}",
                  S_ISLNK(mode) ? (mode & 07777) | 0777 : mode & 07777, attributes.uid,
                  attributes.gid, has_size ? attributes.size : 0, type_flag(mode), link_target,
                  device ? major(attributes.rdev) : 0, device ? minor(attributes.rdev) : 0);
  for (const auto& [name, value] : xattrs) text += name + value;
  return text;
}

bool counts(std::string_view xattr) {
  if (xattr == "security.capability") return true;
  // What overlayfs keeps on layers is no content, should it show.
  return !xattr.starts_with("security.") && !xattr.starts_with("system.") &&
         !xattr.starts_with("trusted.overlay.") && !xattr.starts_with("user.overlay.");
}

Result<Xattrs> read_xattrs(int fd) {
  Xattrs xattrs;
  for (const std::string& name : TRY(layer::list_xattrs(fd))) {
    if (!counts(name)) continue;
    Result<std::string> value = layer::get_xattr(fd, name);
    if (value) xattrs.emplace(name, *std::move(value));
  }
  return xattrs;
}

store::FileIdentity identity_of(const FileAttributes& attributes) {
  return {attributes.device, attributes.inode, attributes.size, attributes.mtime, attributes.ctime};
}

Error cancelled() {
  return make_error(ErrorCode::Cancelled, "hash files: cancelled");
}

}  // namespace

int64_t now_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string digest_text(const store::RawDigest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(7 + 2 * digest.size(), '\0');
  std::copy_n("sha256:", 7, text.begin());
  for (size_t i = 0; i < digest.size(); ++i) {
    text[7 + 2 * i] = kDigits[digest[i] >> 4];
    text[8 + 2 * i] = kDigits[digest[i] & 15];
  }
  return text;
}

Status TreeHasher::hash(const std::vector<Place>& places, std::stop_token stop) {
  std::vector<Place> files;
  for (const Place& place : places) {
    Node& node = *place.node;
    if (node.hashed) continue;
    if (!S_ISREG(node.attributes.mode)) {
      TRY(hash_small(place));
      continue;
    }
    const std::optional<store::RawDigest> known =
        digests_ == nullptr ? std::nullopt : digests_->find(identity_of(node.attributes));
    if (known) {
      node.digest = *known;
      node.hashed = true;
    } else {
      files.push_back(place);
    }
  }
  return hash_files(files, std::move(stop));
}

// Anything but a regular file: attributes alone.
Status TreeHasher::hash_small(const Place& place) {
  Node& node = *place.node;
  std::string header;
  if (normalize_owner_ && place.parent == nullptr) {
    // BuildKit never learns the attributes of a context's root.
  } else if (S_ISLNK(node.attributes.mode)) {
    header = header_text(node.attributes, TRY(nodes_.root_dir().read_link(place.real_path())), {});
  } else if (S_ISDIR(node.attributes.mode) && !normalize_owner_) {
    const std::string path = place.real_path();
    const UniqueFd fd = TRY(
        nodes_.root_dir().open_at(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    header = header_text(node.attributes, "", TRY(read_xattrs(fd.get()).context(path)));
  } else {
    header = header_text(node.attributes, "", {});
  }
  node.digest = raw_digest(Digest::sha256_of(header));
  node.hashed = true;
  return {};
}

Status TreeHasher::hash_files(const std::vector<Place>& files, std::stop_token stop) {
  struct Chunk {
    size_t first;
    size_t count;
  };
  std::vector<Chunk> chunks;
  uint64_t bytes = kChunkBytes;
  for (size_t i = 0; i < files.size(); ++i) {
    if (bytes >= kChunkBytes || chunks.back().count == kChunkFiles) {
      chunks.push_back({i, 0});
      bytes = 0;
    }
    ++chunks.back().count;
    bytes += files[i].node->attributes.size;
  }
  std::vector<Status> results(chunks.size());
  const auto hash_chunk = [&](size_t index) {
    std::string buffer(kReadSize, '\0');
    for (size_t i = 0; i < chunks[index].count && results[index]; ++i) {
      results[index] = stop.stop_requested() ? Status(cancelled())
                                             : hash_file(files[chunks[index].first + i], buffer);
    }
  };
  if (pool_ != nullptr) {
    pool_->parallel_for(chunks.size(), hash_chunk);
  } else {
    for (size_t i = 0; i < chunks.size(); ++i) hash_chunk(i);
  }
  for (Status& result : results) TRY(std::move(result));
  return {};
}

Status TreeHasher::hash_file(const Place& place, std::string& buffer) const {
  Node& node = *place.node;
  const std::string path = place.real_path();
  const UniqueFd fd = TRY(nodes_.root_dir().open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const int64_t started = now_nanoseconds();
  Sha256 hash;
  hash.update(header_text(node.attributes, "",
                          normalize_owner_ ? Xattrs() : TRY(read_xattrs(fd.get()).context(path))));
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read {}", path);
    if (got == 0) break;
    hash.update(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
    if (static_cast<size_t>(got) < buffer.size() &&
        static_cast<uint64_t>(got) == node.attributes.size) {
      break;  // saves the read of nothing for all files smaller than the buffer
    }
  }
  node.digest = raw_digest(hash.finish());
  node.hashed = true;
  struct stat after;
  if (digests_ != nullptr && ::fstat(fd.get(), &after) == 0 &&
      identity_of(attributes_of(after, false)) == identity_of(node.attributes)) {
    digests_->add(identity_of(node.attributes), node.digest, started);
  }
  return {};
}

void TreeHasher::collect(Directory& directory, std::vector<Place>& places) const {
  for (Node& node : directory.nodes) {
    places.push_back({&directory, &node});
    if (node.directory != nullptr) collect(*node.directory, places);
  }
}

Result<Digest> TreeHasher::tree_digest(Place place, std::stop_token stop) {
  std::vector<Place> places = {place};
  if (place.node->directory != nullptr) {
    TRY(nodes_.scan_tree(*place.node->directory, stop));
    collect(*place.node->directory, places);
  }
  TRY(hash(places, stop));
  if (place.node->directory != nullptr) return directory_digest(*place.node);
  return Digest::parse(digest_text(place.node->digest));
}

Result<Digest> TreeHasher::directory_digest(const Node& node) {
  Directory& directory = *node.directory;
  Sha256 hash;
  hash.update(std::string_view("\0", 1));
  hash.update(digest_text(node.digest));
  for (const Node& child : directory.nodes) {
    if (child.left_out && !TRY(nodes_.holds_anything(*child.directory))) continue;
    hash.update(std::string_view("\0", 1));
    hash.update(directory.name(child));
    hash.update(child.directory != nullptr ? TRY(directory_digest(child)).str()
                                           : digest_text(child.digest));
  }
  return hash.finish();
}

}  // namespace slipway::source
