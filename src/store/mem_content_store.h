// MemContentStore: blobs in memory, for tests.
#pragma once

#include <map>
#include <memory>

#include "base/guarded.h"
#include "store/content_store.h"

namespace slipway::store {

class MemContentStore : public ContentStore {
 public:
  Result<std::unique_ptr<ContentWriter>> writer() override;
  Result<std::optional<uint64_t>> size(const Digest& digest) override;
  Result<UniqueFd> open(const Digest& digest) override;
  Result<std::string> read(const Digest& digest) override;
  Result<Digest> put(std::string_view bytes) override;
  Status remove(const Digest& digest) override;

 private:
  class Writer;
  Guarded<std::map<Digest, std::string>> blobs_;
};

}  // namespace slipway::store
