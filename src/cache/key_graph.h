// KeyGraph: the records of one remote cache, found by the keys of steps.
//
// BuildKit keeps a step's key as a record that is linked from the records of its inputs, each link
// naming input, selector and the step's own digest. A step is found when one record can be reached
// from every input: from what stands for the input itself or for the content that is read of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache_config.h"
#include "oci/descriptor.h"
#include "solver/cache_key.h"

namespace slipway::cache {

// The result of a step as a remote cache has it.
struct LayerStack {
  std::vector<Descriptor> layers;  // bottom up, with annotations as they came
  std::vector<Digest> diff_ids;    // of each
  std::string created;             // RFC 3339, of the result
};

// A layer of the cache that can be had.
struct CachedLayer {
  Descriptor descriptor;
  Digest diff_id;
};

// A set of records.
void sort_unique(std::vector<uint32_t>& items);

// The digest of the record for output `output` of an op; output -1: of what was read of an input.
Digest record_digest(const Digest& op, int64_t output);

class KeyGraph {
 public:
  using Items = std::vector<uint32_t>;  // indexes of records, sorted

  // `layers`: what the manifest lists; a result with a layer that is not there is no result.
  KeyGraph(CacheConfig config, std::map<Digest, CachedLayer> layers);

  // The records that stand for a step's output 0. `known` gives those of an input by its identity.
  Items find(const solver::KeyParts& key,
             const std::function<const Items*(const Digest& identity)>& known) const;
  // The records without inputs that a record stands on and that no selector narrows: sources, and
  // what was read of an input, by the number of the input.
  std::vector<std::pair<size_t, Digest>> root_inputs(uint32_t item) const;
  // The newest result of these records.
  std::optional<LayerStack> result(const Items& items) const;

 private:
  struct Link {
    uint32_t source;
    size_t input;
    std::string selector;
    Digest digest;
    auto operator<=>(const Link&) const = default;
  };
  void follow(const Items& sources, size_t input, const std::string& selector, const Digest& digest,
              Items& found) const;

  std::optional<LayerStack> stack(const std::vector<size_t>& layers) const;

  CacheConfig config_;
  std::map<Digest, CachedLayer> layers_;
  std::map<Digest, Items> roots_;
  std::map<Link, Items> links_;
};

}  // namespace slipway::cache
