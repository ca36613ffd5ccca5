// IncomingBlob: a blob of an image that can be read from its beginning while it comes. It is
// written to the content store meanwhile, on a thread of its own, which waits when it is far ahead:
// where the processor is what there is too little of, the reader needs it more.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "oci/descriptor.h"
#include "progress/sink.h"
#include "source/blob_origin.h"
#include "store/store.h"

namespace slipway::source {

class IncomingBlob {
 public:
  // Begins to fetch `wanted` where the store lacks it. All but `wanted` outlive the result. Reports
  // the bytes as they come, under the digest.
  static Result<std::unique_ptr<IncomingBlob>> open(store::Store& store, BlobOrigin& origin,
                                                    const Descriptor& wanted,
                                                    progress::VertexReporter& reporter,
                                                    std::stop_token stop);
  // Gives up a transfer that has not ended.
  ~IncomingBlob();
  IncomingBlob(const IncomingBlob&) = delete;
  IncomingBlob& operator=(const IncomingBlob&) = delete;

  // Whether the store had it.
  bool was_here() const { return was_here_; }
  // The next bytes, not verified yet; valid until the next call. Empty once all of them were given,
  // have proved to be right and are in the store; an error when they have not.
  Result<std::string_view> next();
  // next() to the end.
  Status drain();

 private:
  struct Transfer {
    uint64_t written = 0;  // bytes that can be read
    uint64_t read = 0;     // bytes that next() was asked to go beyond
    bool ended = false;
    Status status;
  };

  IncomingBlob(UniqueFd fd, std::stop_token stop);
  void fetch(BlobOrigin& origin, const Descriptor& wanted, progress::VertexReporter& reporter,
             store::RangeLock claim, std::unique_ptr<store::ContentWriter> writer);

  UniqueFd fd_;
  std::string buffer_;
  uint64_t position_ = 0;
  bool was_here_ = true;
  Guarded<Transfer> transfer_;
  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> forward_stop_;
  std::jthread thread_;
};

}  // namespace slipway::source
