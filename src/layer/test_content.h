// A ContentStore for tests of this folder: blobs in memory, nothing shared.
#pragma once

#include <map>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file_io.h"
#include "store/content_store.h"

namespace slipway::layer {

// An anonymous file with `bytes` in it, at offset 0.
inline UniqueFd memory_file(std::string_view bytes) {
  UniqueFd fd(::memfd_create("blob", MFD_CLOEXEC));
  (void)write_all(fd.get(), bytes).has_value();
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

class TestContent final : public store::ContentStore {
 public:
  Result<std::unique_ptr<store::ContentWriter>> writer() override {
    return std::unique_ptr<store::ContentWriter>(std::make_unique<Writer>(*this));
  }
  Result<std::optional<uint64_t>> size(const Digest& digest) override {
    return blobs.contains(digest) ? std::optional<uint64_t>(blobs[digest].size()) : std::nullopt;
  }
  Result<UniqueFd> open(const Digest& digest) override { return memory_file(blobs[digest]); }
  Result<std::string> read(const Digest& digest) override { return blobs[digest]; }
  Result<Digest> put(std::string_view bytes) override {
    const Digest digest = Digest::sha256_of(bytes);
    blobs[digest] = bytes;
    return digest;
  }
  Status remove(const Digest& digest) override {
    blobs.erase(digest);
    return {};
  }

  std::map<Digest, std::string> blobs;

 private:
  class Writer final : public store::ContentWriter {
   public:
    explicit Writer(TestContent& owner) : owner_(owner) {}
    Status write(std::string_view bytes) override {
      bytes_ += bytes;
      return {};
    }
    // Layers are written in order.
    Status write_at(uint64_t, std::string_view) override {
      return Error(ErrorCode::Unsupported, "in order only");
    }
    Status reached(uint64_t) override { return Error(ErrorCode::Unsupported, "in order only"); }
    uint64_t bytes_written() const override { return bytes_.size(); }
    Result<Digest> commit(const Digest&) override { return owner_.put(bytes_); }

   private:
    TestContent& owner_;
    std::string bytes_;
  };
};

}  // namespace slipway::layer
