// CacheHosts: caches that lie in the overlay of a running step, where other steps of this process
// may use them too.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/guarded.h"

namespace slipway::ops {

using CacheName = std::pair<std::string, std::string>;  // id, base

// Thread-safe. Outlives its offers and guests.
class CacheHosts {
 public:
  // A step that uses a cache through another one's overlay.
  class Guest {
   public:
    Guest(Guest&& other) noexcept
        : hosts_(std::exchange(other.hosts_, nullptr)),
          name_(std::move(other.name_)),
          path_(std::move(other.path_)) {}
    Guest& operator=(Guest&&) = delete;
    ~Guest();
    const std::filesystem::path& path() const { return path_; }

   private:
    friend class CacheHosts;
    Guest(CacheHosts& hosts, CacheName name, std::filesystem::path path)
        : hosts_(&hosts), name_(std::move(name)), path_(std::move(path)) {}
    CacheHosts* hosts_;
    CacheName name_;
    std::filesystem::path path_;
  };

  // A cache is offered for as long as this lives. The destructor lets nobody in any more and waits
  // until the guests have left: they need nothing but time.
  class Offer {
   public:
    Offer(Offer&& other) noexcept
        : hosts_(std::exchange(other.hosts_, nullptr)), name_(std::move(other.name_)) {}
    Offer& operator=(Offer&&) = delete;
    ~Offer();

   private:
    friend class CacheHosts;
    Offer(CacheHosts& hosts, CacheName name) : hosts_(&hosts), name_(std::move(name)) {}
    CacheHosts* hosts_;
    CacheName name_;
  };

  // Nobody else offers it: the caller holds the cache alone.
  Offer offer(const CacheName& name, const std::filesystem::path& path);
  bool is_offered(const CacheName& name);
  // nullopt: nobody offers it (any more).
  std::optional<Guest> join(const CacheName& name);

 private:
  struct Host {
    std::filesystem::path path;
    int guests = 0;
    bool is_open = true;
  };
  Guarded<std::map<CacheName, Host>> hosts_;
};

}  // namespace slipway::ops
