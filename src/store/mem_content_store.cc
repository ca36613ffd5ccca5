#include "store/mem_content_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file_io.h"

namespace slipway::store {
namespace {

Error not_found(const Digest& digest) {
  return make_error(ErrorCode::NotFound, "blob {} is not in the store", digest.str());
}

}  // namespace

class MemContentStore::Writer : public ContentWriter {
 public:
  explicit Writer(MemContentStore& store) : store_(store) {}

  Status write(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  uint64_t bytes_written() const override { return content_.size(); }
  Result<Digest> commit(const Digest& expected) override {
    const Digest digest = Digest::sha256_of(content_);
    if (!expected.empty() && expected != digest) {
      return make_error(ErrorCode::InvalidInput, "blob {}: the content has digest {}",
                        expected.str(), digest.str());
    }
    (*store_.blobs_.lock())[digest] = std::move(content_);
    return digest;
  }

 private:
  MemContentStore& store_;
  std::string content_;
};

Result<std::unique_ptr<ContentWriter>> MemContentStore::writer() {
  return std::unique_ptr<ContentWriter>(std::make_unique<Writer>(*this));
}

Result<std::optional<uint64_t>> MemContentStore::size(const Digest& digest) {
  auto blobs = blobs_.lock();
  const auto found = blobs->find(digest);
  if (found == blobs->end()) return std::optional<uint64_t>();
  return std::optional<uint64_t>(found->second.size());
}

Result<UniqueFd> MemContentStore::open(const Digest& digest) {
  const std::string content = TRY(read(digest));
  UniqueFd fd(::memfd_create("blob", MFD_CLOEXEC));
  if (!fd) return errno_error("open blob {}", digest.str());
  TRY(write_all(fd.get(), content));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return errno_error("open blob {}", digest.str());
  return fd;
}

Result<std::string> MemContentStore::read(const Digest& digest) {
  auto blobs = blobs_.lock();
  const auto found = blobs->find(digest);
  if (found == blobs->end()) return not_found(digest);
  return std::string(found->second);
}

Result<Digest> MemContentStore::put(std::string_view bytes) {
  Digest digest = Digest::sha256_of(bytes);
  (*blobs_.lock())[digest] = std::string(bytes);
  return digest;
}

Status MemContentStore::remove(const Digest& digest) {
  blobs_.lock()->erase(digest);
  return {};
}

}  // namespace slipway::store
