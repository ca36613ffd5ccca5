#include "store/mem_content_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

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
    TRY(write_at(size_, bytes));
    return reached(size_ + bytes.size());
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    auto content = content_.lock();
    content->resize(std::max<size_t>(content->size(), offset + bytes.size()));
    content->replace(offset, bytes.size(), bytes);
    return {};
  }
  Status reached(uint64_t end) override {
    size_ = end;
    return {};
  }
  uint64_t bytes_written() const override { return size_; }
  Result<Digest> commit(const Digest& expected) override {
    std::string content = content_.lock()->substr(0, size_);
    const Digest digest = Digest::sha256_of(content);
    if (!expected.empty() && expected != digest) {
      return make_error(ErrorCode::InvalidInput, "blob {}: the content has digest {}",
                        expected.str(), digest.str());
    }
    (*store_.blobs_.lock())[digest] = std::move(content);
    return digest;
  }

 private:
  MemContentStore& store_;
  Guarded<std::string> content_;
  uint64_t size_ = 0;
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
