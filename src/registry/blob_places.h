// BlobPlaces: which repositories of a registry this client has put a blob into, so that the layers
// that several images share are uploaded once and mounted into the others. Thread-safe.
#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "oci/digest.h"

namespace slipway::registry {

class BlobPlaces {
 private:
  struct Place {
    bool busy = false;
    std::set<std::string> repositories;
  };
  using Key = std::pair<std::string, Digest>;  // host, digest

 public:
  // The right to put one blob into one registry; others wait until it ends.
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

    // Where the blob has been put before.
    std::set<std::string> repositories() const;
    void add(const std::string& repository);

   private:
    friend class BlobPlaces;
    Turn(BlobPlaces& owner, Key key) : owner_(&owner), key_(std::move(key)) {}
    BlobPlaces* owner_;
    Key key_;
  };

  // The blob has been seen in a repository.
  void note(const std::string& host, const Digest& digest, const std::string& repository);

  // Cancelled when `stop` is requested first.
  Result<Turn> take_turn(const std::string& host, const Digest& digest, std::stop_token stop);

 private:
  Guarded<std::map<Key, Place>> places_;
};

}  // namespace slipway::registry
