// ChunkFetch: a span of a blob that is fetched in chunks, several at a time. Tells how far its
// bytes have come without a gap; holds none of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "registry/options.h"

namespace slipway::registry {

class ChunkFetch {
 public:
  // To be called with where a chunk's bytes end that have come so far.
  using Arrived = std::function<void(uint64_t end)>;
  // Brings the bytes [from, to) to where they belong. Called on several threads.
  using Fetch = std::function<Status(uint64_t from, uint64_t to, const Arrived& arrived,
                                     std::stop_token stop)>;

  // Begins at once to fetch [from, to).
  ChunkFetch(uint64_t from, uint64_t to, const RangeOptions& options, Fetch fetch);
  // Stops what is under way and waits for it.
  ~ChunkFetch();
  ChunkFetch(const ChunkFetch&) = delete;
  ChunkFetch& operator=(const ChunkFetch&) = delete;

  // Waits until bytes from `known` on have come, and returns where they end: `to` after the last.
  // `known` is what the last call returned, at first `from`; chunks too far beyond it are not
  // begun. The error of any chunk that could not be had, once nothing in order is left to tell.
  Result<uint64_t> wait_beyond(uint64_t known, std::stop_token stop);

 private:
  struct State {
    size_t claimed = 0;                  // chunks that a thread has begun
    size_t complete = 0;                 // chunks, from the first on, that are there
    std::map<size_t, uint64_t> arrived;  // how far the others have come that were begun
    uint64_t known = 0;
    uint64_t told = 0;  // where the bytes ended at the last notification
    std::optional<Error> failure;
  };
  void run(std::stop_token stop);
  void arrived(size_t index, uint64_t end);
  uint64_t begin_of(size_t index) const { return from_ + index * chunk_bytes_; }
  uint64_t end_of(size_t index) const;
  // Where the bytes end that have come without a gap.
  uint64_t end_without_gap(const State& state) const;

  const uint64_t from_;
  const uint64_t to_;
  const uint64_t chunk_bytes_;
  const size_t chunks_;
  const size_t window_;  // chunks that are begun from the one of `known` on
  const Fetch fetch_;
  Guarded<State> state_;
  std::vector<std::jthread> threads_;
};

}  // namespace slipway::registry
