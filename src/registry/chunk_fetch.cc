#include "registry/chunk_fetch.h"

#include <algorithm>

#include "base/check.h"

namespace slipway::registry {
namespace {

// Who waits is woken for so many bytes, not for each packet.
constexpr uint64_t kWorthTelling = 512 << 10;

}  // namespace

ChunkFetch::ChunkFetch(uint64_t from, uint64_t to, const RangeOptions& options, Fetch fetch)
    : from_(from),
      to_(to),
      chunk_bytes_(options.chunk_bytes),
      chunks_(static_cast<size_t>((to - from + chunk_bytes_ - 1) / chunk_bytes_)),
      window_(options.connections + 1),
      fetch_(std::move(fetch)) {
  CHECK(from < to && options.connections > 0);
  {
    auto state = state_.lock();
    state->known = from;
    state->told = from;
  }
  for (size_t i = 0; i < std::min(options.connections, chunks_); ++i) {
    threads_.emplace_back([this](std::stop_token stop) { run(stop); });
  }
}

ChunkFetch::~ChunkFetch() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

uint64_t ChunkFetch::end_of(size_t index) const {
  return std::min(begin_of(index) + chunk_bytes_, to_);
}

uint64_t ChunkFetch::end_without_gap(const State& state) const {
  if (state.complete == chunks_) return to_;
  const auto first = state.arrived.find(state.complete);
  return first == state.arrived.end() ? begin_of(state.complete) : first->second;
}

void ChunkFetch::run(std::stop_token stop) {
  for (;;) {
    size_t index = 0;
    {
      auto state = state_.lock();
      const bool go = state.wait(stop, [this](const State& s) {
        const size_t first = static_cast<size_t>((s.known - from_) / chunk_bytes_);
        return s.failure || s.claimed == chunks_ || s.claimed < first + window_;
      });
      if (!go || state->failure || state->claimed == chunks_) return;
      index = state->claimed++;
      state->arrived.emplace(index, begin_of(index));
    }
    Status fetched = fetch_(
        begin_of(index), end_of(index), [this, index](uint64_t end) { arrived(index, end); }, stop);
    if (!fetched) {
      auto state = state_.lock();
      if (!state->failure) state->failure = std::move(fetched).error();
    }
    state_.notify_all();
  }
}

void ChunkFetch::arrived(size_t index, uint64_t end) {
  {
    auto state = state_.lock();
    state->arrived[index] = end;
    while (!state->arrived.empty() && state->arrived.begin()->first == state->complete &&
           state->arrived.begin()->second == end_of(state->complete)) {
      state->arrived.erase(state->arrived.begin());
      ++state->complete;
    }
    const uint64_t now = end_without_gap(*state);
    if (now != to_ && now < state->told + kWorthTelling) return;
    state->told = now;
  }
  state_.notify_all();
}

Result<uint64_t> ChunkFetch::wait_beyond(uint64_t known, std::stop_token stop) {
  auto state = state_.lock();
  state->known = known;
  state_.notify_all();
  const bool ready = state.wait(stop, [&](const State& s) {
    return s.failure || end_without_gap(s) > known || known == to_;
  });
  if (!ready || stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
  const uint64_t end = end_without_gap(*state);
  if (end == known && state->failure) return *state->failure;
  return end;
}

}  // namespace slipway::registry
