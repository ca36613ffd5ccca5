#include "ops/cache_hosts.h"

#include "base/check.h"

namespace slipway::ops {

CacheHosts::Guest::~Guest() {
  if (hosts_ == nullptr) return;
  --hosts_->hosts_.lock()->at(name_).guests;
  hosts_->hosts_.notify_all();
}

CacheHosts::Offer::~Offer() {
  if (hosts_ == nullptr) return;
  auto hosts = hosts_->hosts_.lock();
  Host& host = hosts->at(name_);
  host.is_open = false;
  hosts.wait([&](const auto&) { return host.guests == 0; });
  hosts->erase(name_);
}

CacheHosts::Offer CacheHosts::offer(const CacheName& name, const std::filesystem::path& path) {
  const bool added = hosts_.lock()->try_emplace(name, Host{path}).second;
  CHECK(added);
  return Offer(*this, name);
}

bool CacheHosts::is_offered(const CacheName& name) {
  auto hosts = hosts_.lock();
  const auto host = hosts->find(name);
  return host != hosts->end() && host->second.is_open;
}

std::optional<CacheHosts::Guest> CacheHosts::join(const CacheName& name) {
  auto hosts = hosts_.lock();
  const auto host = hosts->find(name);
  if (host == hosts->end() || !host->second.is_open) return std::nullopt;
  ++host->second.guests;
  return Guest(*this, name, host->second.path);
}

}  // namespace slipway::ops
