// ChunkPrefetch: a span of bytes that is fetched in chunks, several at a time, and handed out in
// order. Memory: the chunks under way and one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "registry/options.h"

namespace slipway::registry {

class ChunkPrefetch {
 public:
  // Appends the bytes [from, to) to `chunk`, which is empty. Called on several threads.
  using Fetch =
      std::function<Status(uint64_t from, uint64_t to, std::string& chunk, std::stop_token stop)>;

  // Begins at once to fetch [from, to).
  ChunkPrefetch(uint64_t from, uint64_t to, const RangeOptions& options, Fetch fetch);
  // Stops what is under way and waits for it.
  ~ChunkPrefetch();

  // The next chunk, empty after the last; valid until the next call. The error of any chunk that
  // could not be had, as soon as it is known and nothing in order is left to give.
  Result<std::string_view> next(std::stop_token stop);

 private:
  struct State {
    size_t claimed = 0;  // chunks that a thread has begun
    size_t given = 0;    // chunks that next() has returned
    std::map<size_t, std::string> fetched;
    std::vector<std::string> spare;  // buffers to use again
    std::optional<Error> failure;
  };
  void run(std::stop_token stop);

  const uint64_t from_;
  const uint64_t to_;
  const uint64_t chunk_bytes_;
  const size_t chunks_;
  const size_t window_;  // chunks that are claimed and not given
  const Fetch fetch_;
  Guarded<State> state_;
  std::string given_;
  std::vector<std::jthread> threads_;
};

}  // namespace slipway::registry
