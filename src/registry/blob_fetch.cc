#include "registry/blob_fetch.h"

#include <fmt/format.h>

namespace slipway::registry {
namespace {

// The answer to a first request of so many bytes tells whether a server knows ranges.
constexpr uint64_t kFirstBytes = 4 << 20;

}  // namespace

bool is_of_this_machine(const Error& error) {
  return error.code() == ErrorCode::System || error.code() == ErrorCode::ResourceExhausted;
}

std::string blob_url(const Endpoint& endpoint, const Reference& reference, const Digest& digest) {
  return endpoint.url + reference.path() + "/blobs/" + digest.str();
}

Scopes pull_scope(const Reference& reference) {
  return {fmt::format("repository:{}:pull", reference.path())};
}

Status ResumingSink::take(std::string_view bytes) {
  const uint64_t behind = delivered_ - std::min(delivered_, position_);
  const size_t skipped = static_cast<size_t>(std::min<uint64_t>(behind, bytes.size()));
  position_ += bytes.size();
  bytes.remove_prefix(skipped);
  if (bytes.empty()) return {};
  if (size_ != 0 && delivered_ + bytes.size() > size_) {
    return make_error(ErrorCode::InvalidInput, "the blob is longer than its {} bytes", size_);
  }
  TRY(sink_.write(bytes));
  delivered_ += bytes.size();
  return {};
}

Status ResumingSink::reached(uint64_t end) {
  TRY(sink_.reached(end));
  delivered_ = end;
  return {};
}

BlobFetch::BlobFetch(Requester& requester, const Endpoint& endpoint, const Reference& reference,
                     const Descriptor& wanted, const RangeOptions& ranges)
    : requester_(requester),
      endpoint_(endpoint),
      reference_(reference),
      wanted_(wanted),
      ranges_(ranges),
      what_(fmt::format("fetch {} of {}", wanted.digest.str(), reference.familiar())) {}

Status BlobFetch::run(ResumingSink& sink, std::stop_token stop) {
  if (wanted_.size > sink.delivered() + ranges_.above) {
    // A server that knows no ranges has sent everything.
    const uint64_t first = std::min(ranges_.chunk_bytes, kFirstBytes);
    const bool ranged = TRY(fetch_until(sink.delivered() + first, sink, stop));
    if (ranged) TRY(fetch_ahead(sink, stop));
  }
  TRY(fetch_until(wanted_.size, sink, stop));
  return {};
}

// One request for [from, to); `to` is 0 where the end is not known.
Result<HttpResponse> BlobFetch::request(uint64_t from, uint64_t to, const ByteSink& sink,
                                        std::function<void(const HttpResponse&)> on_answer,
                                        std::stop_token stop) {
  HttpRequest request;
  request.url = blob_url(endpoint_, reference_, wanted_.digest);
  if (to != 0 && to < wanted_.size) {
    request.headers.emplace_back("Range", fmt::format("bytes={}-{}", from, to - 1));
  } else if (from != 0) {
    request.headers.emplace_back("Range", fmt::format("bytes={}-", from));
  }
  request.on_answer = std::move(on_answer);
  request.sink = &sink;
  return requester_.send_once(endpoint_, reference_.path(), std::move(request),
                              pull_scope(reference_), std::move(stop));
}

// Until the sink has at least the bytes before `to`; 0: until the answer ends. Tries again while
// that helps. Returns whether the server answered with ranges.
Result<bool> BlobFetch::fetch_until(uint64_t to, ResumingSink& sink, std::stop_token stop) {
  const ByteSink take = [&](std::string_view bytes) { return sink.take(bytes); };
  bool ranged = false;
  Backoff backoff = requester_.backoff();
  for (;;) {
    const uint64_t before = sink.delivered();
    if (to != 0 && before >= to) return ranged;
    // A server without ranges answers 200 with the whole; the sink then skips what it has.
    const auto on_answer = [&](const HttpResponse& response) {
      ranged = response.status == 206;
      sink.starts_at(ranged ? before : 0);
    };
    Result<HttpResponse> outcome = request(before, to, take, on_answer, stop);
    if (outcome && outcome->ok()) {
      if (to == 0 || sink.delivered() >= to) return ranged;
      outcome = make_error(ErrorCode::Unavailable, "the connection ended after {} of {} bytes",
                           sink.delivered(), wanted_.size);
    }
    if (sink.delivered() != before) backoff.reset(requester_.retry_delay());
    if (TRY(backoff.retry_after(outcome, stop).context(what_))) continue;
    if (!outcome) return std::move(outcome).error().context(what_);
    return requester_.denied(endpoint_, *outcome, what_);
  }
}

// The rest, several chunks at a time. What the server does not give in this way is left to
// fetch_until(), which gets it or can tell why not.
Status BlobFetch::fetch_ahead(ResumingSink& sink, std::stop_token stop) {
  if (sink.delivered() >= wanted_.size) return {};
  ChunkFetch chunks(
      sink.delivered(), wanted_.size, ranges_,
      [&](uint64_t from, uint64_t to, const ChunkFetch::Arrived& arrived, std::stop_token stopped) {
        return fetch_chunk(from, to, sink, arrived, std::move(stopped));
      });
  while (sink.delivered() < wanted_.size) {
    const Result<uint64_t> end = chunks.wait_beyond(sink.delivered(), stop);
    if (end) {
      TRY(sink.reached(*end));
    } else if (end.error().code() == ErrorCode::Cancelled || is_of_this_machine(end.error())) {
      return end.error();
    } else {
      return {};
    }
  }
  return {};
}

Status BlobFetch::fetch_chunk(uint64_t from, uint64_t to, ResumingSink& sink,
                              const ChunkFetch::Arrived& arrived, std::stop_token stop) {
  uint64_t position = from;
  bool ranged = false;
  const auto on_answer = [&](const HttpResponse& response) { ranged = response.status == 206; };
  const ByteSink take = [&](std::string_view bytes) -> Status {
    if (!ranged || bytes.size() > to - position) {
      return make_error(ErrorCode::Unsupported, "the server answers with another range");
    }
    TRY(sink.write_at(position, bytes));
    position += bytes.size();
    arrived(position);
    return {};
  };
  Backoff backoff = requester_.backoff();
  for (;;) {
    const uint64_t before = position;
    Result<HttpResponse> outcome = request(before, to, take, on_answer, stop);
    if (position == to) return {};
    if (outcome && outcome->ok()) {
      outcome = make_error(ErrorCode::Unavailable, "the connection ended early");
    }
    if (position != before) backoff.reset(requester_.retry_delay());
    if (TRY(backoff.retry_after(outcome, stop))) continue;
    if (!outcome) return std::move(outcome).error();
    return requester_.denied(endpoint_, *outcome, what_);
  }
}

}  // namespace slipway::registry
