// ContentStore: blobs by digest. Thread-safe, and shared by several processes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"
#include "oci/blob_sink.h"
#include "oci/digest.h"

namespace slipway::store {

// One blob being written. Destroyed without commit(): nothing remains. The writer hashes what it is
// given, in write() and reached().
class ContentWriter : public BlobSink {
 public:
  // By write(), or before what reached() was told.
  virtual uint64_t bytes_written() const = 0;
  // Verifies (when `expected` is not empty) and publishes bytes_written() bytes; returns the
  // digest. A blob that is there already is no error.
  virtual Result<Digest> commit(const Digest& expected = {}) = 0;
};

class ContentStore {
 public:
  virtual ~ContentStore() = default;
  virtual Result<std::unique_ptr<ContentWriter>> writer() = 0;
  // Bytes of the blob; nullopt when it is not here.
  virtual Result<std::optional<uint64_t>> size(const Digest& digest) = 0;
  // Open for reading, at offset 0.
  virtual Result<UniqueFd> open(const Digest& digest) = 0;
  // The whole blob in memory: manifests and configs (limit: 64 MiB).
  virtual Result<std::string> read(const Digest& digest) = 0;
  virtual Result<Digest> put(std::string_view bytes) = 0;
  virtual Status remove(const Digest& digest) = 0;
};

}  // namespace slipway::store
