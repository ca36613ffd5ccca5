#include "registry/blob_upload.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace slipway::registry {
namespace {

constexpr size_t kPieceBytes = 16 << 20;
// A registry verifies the whole blob before it answers, in cloud stores with a copy of it.
constexpr std::chrono::seconds kUploadStallTimeout{600};

// The place of an upload: absolute, or relative to where it was asked for.
Result<std::string> location_of(const HttpResponse& response, const Endpoint& endpoint) {
  const std::string location = response.header("location");
  if (location.starts_with("http://") || location.starts_with("https://")) {
    // Registries behind a proxy that ends TLS often answer with http:// and their own name.
    const bool downgraded = location.starts_with("http://") && endpoint.url.starts_with("https://");
    return downgraded ? "https" + location.substr(4) : location;
  }
  if (location.starts_with('/')) return url_origin(endpoint.url) + location;
  return make_error(ErrorCode::InvalidInput, "{} opened an upload without a location",
                    endpoint.host);
}

std::string with_digest(const std::string& location, const Digest& digest) {
  return location + (location.find('?') == std::string::npos ? '?' : '&') +
         "digest=" + percent_encode(digest.str());
}

bool refuses_whole_blobs(const HttpResponse& response) {
  switch (response.status) {
    case 400:
    case 405:
    case 411:
    case 413:
    case 415:
    case 416:
    case 501:
      return true;
    default:
      return false;
  }
}

// "0-99", as registries say what they have of an upload: 100. 0 for anything else, and for "0-0",
// which some say when they have nothing.
uint64_t end_of_range(std::string_view range) {
  if (range.starts_with("bytes=")) range.remove_prefix(6);
  if (!range.starts_with("0-")) return 0;
  range.remove_prefix(2);
  uint64_t last = 0;
  const auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), last);
  if (error != std::errc() || end != range.data() + range.size() || last == UINT64_MAX) return 0;
  return last == 0 ? 0 : last + 1;
}

// The next piece of a source, `bytes` long or what is left.
Result<std::string> read_piece(const ByteSource& source, std::string& rest, size_t bytes) {
  std::string piece = std::exchange(rest, {});
  while (piece.size() < bytes) {
    const std::string more = TRY(source());
    if (more.empty()) break;
    piece += more;
  }
  if (piece.size() > bytes) {
    rest = piece.substr(bytes);
    piece.resize(bytes);
  }
  return piece;
}

}  // namespace

void BlobUploads::keep_session(const Endpoint& endpoint, const Reference& reference,
                               const Digest& digest, const HttpResponse& opened) {
  Result<std::string> location = location_of(opened, endpoint);
  if (!location) return;
  sessions_.lock()->insert_or_assign({reference.name(), digest}, *std::move(location));
}

Result<BlobUploads::Session> BlobUploads::open_session(const Upload& upload, std::stop_token stop) {
  {
    auto sessions = sessions_.lock();
    const auto kept = sessions->find({upload.reference.name(), upload.blob.digest});
    if (kept != sessions->end()) {
      std::string location = std::move(kept->second);
      sessions->erase(kept);
      return Session{std::move(location)};
    }
  }
  HttpRequest request;
  request.method = "POST";
  request.url = upload.endpoint.url + upload.reference.path() + "/blobs/uploads/";
  const HttpResponse response = TRY(requester_.send(upload.endpoint, upload.reference.path(),
                                                    std::move(request), upload.scopes, stop));
  if (response.status != 202) {
    return requester_.denied(upload.endpoint, response, "open an upload");
  }
  return Session{TRY(location_of(response, upload.endpoint))};
}

std::optional<BlobUploads::Session> BlobUploads::find_progress(const Upload& upload,
                                                               const Session& session,
                                                               std::stop_token stop) {
  HttpRequest request;
  request.url = session.location;
  const Result<HttpResponse> response = requester_.send_once(
      upload.endpoint, upload.reference.path(), std::move(request), upload.scopes, stop);
  if (!response || response->status != 204) return std::nullopt;
  const uint64_t offset = end_of_range(response->header("range"));
  if (offset == 0 || offset > upload.blob.size) return std::nullopt;
  Result<std::string> location = location_of(*response, upload.endpoint);
  return Session{location ? *std::move(location) : session.location, offset};
}

Result<HttpResponse> BlobUploads::put_whole(const Upload& upload, const Session& session,
                                            std::stop_token stop) {
  const ByteSource source = TRY(upload.source(0));
  HttpRequest request;
  request.method = "PUT";
  request.url = with_digest(session.location, upload.blob.digest);
  request.headers.emplace_back("Content-Type", "application/octet-stream");
  request.body_source = &source;
  request.body_size = upload.blob.size;
  request.stall_timeout = kUploadStallTimeout;
  return requester_.send_once(upload.endpoint, upload.reference.path(), std::move(request),
                              upload.scopes, stop);
}

Result<HttpResponse> BlobUploads::put_pieces(const Upload& upload, Session& session,
                                             std::stop_token stop) {
  const ByteSource source = TRY(upload.source(session.offset));
  std::string rest;
  while (session.offset < upload.blob.size) {
    HttpRequest request;
    request.method = "PATCH";
    request.url = session.location;
    request.body = TRY(read_piece(source, rest, kPieceBytes));
    if (request.body.empty()) {
      return make_error(ErrorCode::InvalidInput, "the blob has {} bytes instead of {}",
                        session.offset, upload.blob.size);
    }
    const uint64_t end = session.offset + request.body.size();
    request.headers.emplace_back("Content-Type", "application/octet-stream");
    request.headers.emplace_back("Content-Range", fmt::format("{}-{}", session.offset, end - 1));
    request.stall_timeout = kUploadStallTimeout;
    HttpResponse response = TRY(requester_.send_once(upload.endpoint, upload.reference.path(),
                                                     std::move(request), upload.scopes, stop));
    if (!response.ok()) return response;
    session = {TRY(location_of(response, upload.endpoint)), end};
  }
  HttpRequest request;
  request.method = "PUT";
  request.url = with_digest(session.location, upload.blob.digest);
  request.stall_timeout = kUploadStallTimeout;
  return requester_.send_once(upload.endpoint, upload.reference.path(), std::move(request),
                              upload.scopes, stop);
}

Status BlobUploads::push(const Endpoint& endpoint, const Reference& reference, const Scopes& scopes,
                         const Descriptor& blob, const ByteSourceFactory& source,
                         std::stop_token stop) {
  const Upload upload{endpoint, reference, scopes, blob, source};
  Backoff backoff = requester_.backoff();
  bool in_pieces = false;
  bool reauthorized = false;
  bool restarted = false;
  std::optional<Session> session;  // nullopt: from the start
  for (;;) {
    if (!session) session = TRY(open_session(upload, stop));
    const uint64_t before = session->offset;
    const bool whole = !in_pieces && before == 0;
    Result<HttpResponse> outcome =
        whole ? put_whole(upload, *session, stop) : put_pieces(upload, *session, stop);
    if (outcome && outcome->ok()) return {};
    const bool unauthorized = outcome && outcome->status == 401;
    const bool refuses_whole = whole && outcome && refuses_whole_blobs(*outcome);
    if ((unauthorized && !std::exchange(reauthorized, true)) || refuses_whole) {
      in_pieces |= refuses_whole;
      session.reset();
      continue;
    }
    if (!TRY(backoff.retry_after(outcome, stop))) {
      // What a registry kept of a broken upload may be of no use to it.
      if (before != 0 && !std::exchange(restarted, true)) {
        session.reset();
        continue;
      }
      if (!outcome) return std::move(outcome).error();
      return requester_.denied(endpoint, *outcome, "upload");
    }
    session = find_progress(upload, *session, stop);
    if (session && session->offset > before) backoff.reset(requester_.retry_delay());
  }
}

}  // namespace slipway::registry
