#include "layer/piece_source.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

namespace slipway::layer {
namespace {

// Few of a machine's blobs have pieces of one layer; the rest must not use up the descriptors.
constexpr size_t kOpenBlobs = 64;
constexpr uint64_t kLongestPiece = 16 << 20;

bool read_at(int fd, uint64_t offset, std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

std::string PieceSource::key(const StreamFormat& format, std::string_view raw) const {
  return keys_.of(format.name(), raw);
}

bool PieceSource::find(std::string_view key, std::string& packed) {
  const Result<std::optional<store::Piece>> piece = index_.find(key);
  if (!piece || !*piece || (*piece)->length > kLongestPiece) return false;
  const std::shared_ptr<const UniqueFd> blob = open((*piece)->blob);
  if (!blob) return false;
  packed.resize((*piece)->length);
  // A disk may have lost what the store trusts: better to compress again than to copy damage.
  return read_at(blob->get(), (*piece)->offset, packed) &&
         gzip_crc(0, packed) == (*piece)->checksum;
}

std::shared_ptr<const UniqueFd> PieceSource::open(const Digest& blob) {
  auto blobs = blobs_.lock();
  if (const auto known = blobs->find(blob); known != blobs->end()) return known->second;
  std::shared_ptr<const UniqueFd> opened;
  if (Result<UniqueFd> fd = content_.open(blob)) {
    opened = std::make_shared<const UniqueFd>(*std::move(fd));
  }
  if (blobs->size() >= kOpenBlobs) blobs->clear();
  return (*blobs)[blob] = std::move(opened);
}

}  // namespace slipway::layer
