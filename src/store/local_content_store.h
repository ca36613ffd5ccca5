// LocalContentStore: blobs as files blobs/ALGORITHM/HEX. Written beside, hashed on the way, renamed
// into place; never fsynced one by one (store.h, "Durability").
#pragma once

#include <filesystem>
#include <memory>
#include <unordered_map>

#include "base/guarded.h"
#include "store/content_store.h"
#include "store/core.h"

namespace slipway::store {

class LocalContentStore : public ContentStore {
 public:
  explicit LocalContentStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  Result<std::unique_ptr<ContentWriter>> writer() override;
  // A blob that is read while it is written: `reader` stands at its beginning and has what write()
  // was given, also after commit().
  struct ReadableWriter {
    std::unique_ptr<ContentWriter> writer;
    UniqueFd reader;
  };
  Result<ReadableWriter> readable_writer();
  Result<std::optional<uint64_t>> size(const Digest& digest) override;
  Result<UniqueFd> open(const Digest& digest) override;
  // Verifies what it reads; a damaged blob is removed and reported, and NotFound returned.
  Result<std::string> read(const Digest& digest) override;
  Result<Digest> put(std::string_view bytes) override;
  Status remove(const Digest& digest) override;

  std::filesystem::path path_of(const Digest& digest) const;
  // Keeps a blob, there or about to be, from prune() of every process for as long as this object
  // lives. Everything that was written, opened or asked for through it is kept so.
  Result<bool> keep(const Digest& digest);

 private:
  class Writer;
  // nullopt: not here. Kept from prune() otherwise.
  Result<std::optional<uint64_t>> find(const Digest& digest);
  Status ensure_row(const Digest& digest, uint64_t size);

  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
  Guarded<std::unordered_map<Digest, Pin>> kept_;
};

}  // namespace slipway::store
