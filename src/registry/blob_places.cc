#include "registry/blob_places.h"

namespace slipway::registry {

Result<BlobPlaces::Turn> BlobPlaces::take_turn(const std::string& host, const Digest& digest,
                                               std::stop_token stop) {
  Key key(host, digest);
  auto places = places_.lock();
  const bool ours = places.wait(stop, [&](auto& all) { return !all[key].busy; });
  if (!ours) return Error(ErrorCode::Cancelled, "cancelled");
  (*places)[key].busy = true;
  return Turn(*this, std::move(key));
}

void BlobPlaces::note(const std::string& host, const Digest& digest,
                      const std::string& repository) {
  (*places_.lock())[Key(host, digest)].repositories.insert(repository);
}

BlobPlaces::Turn::~Turn() {
  if (owner_ == nullptr) return;
  (*owner_->places_.lock())[key_].busy = false;
  owner_->places_.notify_all();
}

std::set<std::string> BlobPlaces::Turn::repositories() const {
  return (*owner_->places_.lock())[key_].repositories;
}

void BlobPlaces::Turn::add(const std::string& repository) {
  (*owner_->places_.lock())[key_].repositories.insert(repository);
}

}  // namespace slipway::registry
