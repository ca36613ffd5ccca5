#include "source/incoming_blob.h"

#include <unistd.h>

#include <algorithm>

#include "source/image_blobs.h"

namespace slipway::source {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr uint64_t kFarthestAhead = 64 << 20;

}  // namespace

Result<std::unique_ptr<IncomingBlob>> IncomingBlob::open(store::Store& store, BlobOrigin& origin,
                                                         const Descriptor& wanted,
                                                         progress::VertexReporter& reporter,
                                                         std::stop_token stop) {
  store::LocalContentStore& content = store.content();
  std::optional<store::RangeLock> claim;
  if (!TRY(content.size(wanted.digest))) {
    claim = TRY(store.claim(fetch_claim(wanted), stop));
    if (TRY(content.size(wanted.digest))) claim.reset();  // somebody else was faster
  }
  if (!claim) {
    UniqueFd fd = TRY(content.open(wanted.digest));
    return std::unique_ptr<IncomingBlob>(new IncomingBlob(std::move(fd), stop));
  }
  store::LocalContentStore::ReadableWriter begun = TRY(content.readable_writer());
  std::unique_ptr<IncomingBlob> blob(new IncomingBlob(std::move(begun.reader), stop));
  blob->fetch(origin, wanted, reporter, *std::move(claim), std::move(begun.writer));
  return blob;
}

IncomingBlob::IncomingBlob(UniqueFd fd, std::stop_token stop)
    : fd_(std::move(fd)), buffer_(kReadBytes, '\0') {
  forward_stop_.emplace(std::move(stop), [this] { stop_.request_stop(); });
  transfer_.lock()->ended = true;
}

IncomingBlob::~IncomingBlob() {
  stop_.request_stop();
}

void IncomingBlob::fetch(BlobOrigin& origin, const Descriptor& wanted,
                         progress::VertexReporter& reporter, store::RangeLock claim,
                         std::unique_ptr<store::ContentWriter> writer) {
  was_here_ = false;
  transfer_.lock()->ended = false;
  thread_ = std::jthread([this, &origin, wanted, &reporter, claim = std::move(claim),
                          writer = std::move(writer)]() mutable {
    Status fetched =
        fetch_into(*writer, origin, wanted, reporter, stop_.get_token(), [this](uint64_t written) {
          auto transfer = transfer_.lock();
          transfer->written = written;
          transfer_.notify_all();
          transfer.wait(stop_.get_token(),
                        [](const Transfer& t) { return t.written < t.read + kFarthestAhead; });
        });
    {
      auto transfer = transfer_.lock();
      transfer->status = std::move(fetched);
      transfer->ended = true;
    }
    transfer_.notify_all();
  });
}

Result<std::string_view> IncomingBlob::next() {
  size_t room = buffer_.size();
  if (!was_here_) {
    auto transfer = transfer_.lock();
    transfer->read = position_;
    transfer_.notify_all();
    transfer.wait([this](const Transfer& t) { return t.ended || t.written > position_; });
    // A copy: who asks again is told again.
    if (!transfer->status) return transfer->status.error();
    room = std::min<uint64_t>(room, transfer->written - position_);
  }
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), buffer_.data(), room, static_cast<off_t>(position_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read blob");
    position_ += static_cast<uint64_t>(got);
    return std::string_view(buffer_).substr(0, static_cast<size_t>(got));
  }
}

Status IncomingBlob::drain() {
  while (!TRY(next()).empty()) {
  }
  return {};
}

}  // namespace slipway::source
