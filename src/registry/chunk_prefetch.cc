#include "registry/chunk_prefetch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace slipway::registry {

ChunkPrefetch::ChunkPrefetch(uint64_t from, uint64_t to, const RangeOptions& options, Fetch fetch)
    : from_(from),
      to_(to),
      chunk_bytes_(options.chunk_bytes),
      chunks_(static_cast<size_t>((to - from + chunk_bytes_ - 1) / chunk_bytes_)),
      window_(options.connections + 1),
      fetch_(std::move(fetch)) {
  CHECK(from < to && options.connections > 0);
  for (size_t i = 0; i < std::min(options.connections, chunks_); ++i) {
    threads_.emplace_back([this](std::stop_token stop) { run(stop); });
  }
}

ChunkPrefetch::~ChunkPrefetch() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void ChunkPrefetch::run(std::stop_token stop) {
  for (;;) {
    size_t index = 0;
    std::string chunk;
    {
      auto state = state_.lock();
      const bool go = state.wait(stop, [this](const State& s) {
        return s.failure || s.claimed == chunks_ || s.claimed < s.given + window_;
      });
      if (!go || state->failure || state->claimed == chunks_) return;
      index = state->claimed++;
      if (!state->spare.empty()) {
        chunk = std::move(state->spare.back());
        state->spare.pop_back();
      }
    }
    chunk.clear();
    const uint64_t begin = from_ + index * chunk_bytes_;
    const uint64_t end = std::min(begin + chunk_bytes_, to_);
    chunk.reserve(static_cast<size_t>(end - begin));
    Status fetched = fetch_(begin, end, chunk, stop);
    {
      auto state = state_.lock();
      if (fetched) {
        state->fetched.emplace(index, std::move(chunk));
      } else if (!state->failure) {
        state->failure = std::move(fetched).error();
      }
    }
    state_.notify_all();
  }
}

Result<std::string_view> ChunkPrefetch::next(std::stop_token stop) {
  auto state = state_.lock();
  state->spare.push_back(std::exchange(given_, {}));
  if (state->given == chunks_) return std::string_view();
  const bool ready =
      state.wait(stop, [](const State& s) { return s.failure || s.fetched.contains(s.given); });
  if (!ready) return Error(ErrorCode::Cancelled, "cancelled");
  auto chunk = state->fetched.extract(state->given);
  if (!chunk) return *state->failure;
  ++state->given;
  given_ = std::move(chunk.mapped());
  state_.notify_all();
  return std::string_view(given_);
}

}  // namespace slipway::registry
