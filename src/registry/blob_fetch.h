// BlobFetch: the bytes of a blob from one server: over several connections where it is big and the
// server knows ranges, and continued where a connection broke.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <string>

#include "oci/descriptor.h"
#include "oci/reference.h"
#include "registry/chunk_fetch.h"
#include "registry/client.h"
#include "registry/endpoint.h"
#include "registry/options.h"
#include "registry/requester.h"

namespace slipway::registry {

// A sink that continues a broken download: knows how many bytes are behind us.
class ResumingSink {
 public:
  // `size` of the blob; 0: not known.
  ResumingSink(BlobSink& sink, uint64_t size) : sink_(sink), size_(size) {}

  uint64_t delivered() const { return delivered_; }
  // The next answer starts at `position`; what we have already is skipped.
  void starts_at(uint64_t position) { position_ = position; }
  Status take(std::string_view bytes);
  // Bytes beyond what is delivered, which are when reached() says so. Thread-safe.
  Status write_at(uint64_t offset, std::string_view bytes) { return sink_.write_at(offset, bytes); }
  Status reached(uint64_t end);

 private:
  BlobSink& sink_;
  const uint64_t size_;
  uint64_t delivered_ = 0;
  uint64_t position_ = 0;
};

class BlobFetch {
 public:
  // All of them outlive it.
  BlobFetch(Requester& requester, const Endpoint& endpoint, const Reference& reference,
            const Descriptor& wanted, const RangeOptions& ranges);

  // What `sink` does not have yet.
  Status run(ResumingSink& sink, std::stop_token stop);

 private:
  Result<HttpResponse> request(uint64_t from, uint64_t to, const ByteSink& sink,
                               std::function<void(const HttpResponse&)> on_answer,
                               std::stop_token stop);
  Result<bool> fetch_until(uint64_t to, ResumingSink& sink, std::stop_token stop);
  Status fetch_ahead(ResumingSink& sink, std::stop_token stop);
  Status fetch_chunk(uint64_t from, uint64_t to, ResumingSink& sink,
                     const ChunkFetch::Arrived& arrived, std::stop_token stop);

  Requester& requester_;
  const Endpoint& endpoint_;
  const Reference& reference_;
  const Descriptor& wanted_;
  const RangeOptions& ranges_;
  const std::string what_;
};

// Whether an error is of the sink, such as a full disk: no other server helps.
bool is_of_this_machine(const Error& error);
// Of a blob, at a server.
std::string blob_url(const Endpoint& endpoint, const Reference& reference, const Digest& digest);
Scopes pull_scope(const Reference& reference);

}  // namespace slipway::registry
