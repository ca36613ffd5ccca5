#include "registry/blob_upload.h"

#include <algorithm>

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

Result<std::string> BlobUploads::open_session(const Upload& upload, std::stop_token stop) {
  {
    auto sessions = sessions_.lock();
    const auto kept = sessions->find({upload.reference.name(), upload.blob.digest});
    if (kept != sessions->end()) {
      std::string location = std::move(kept->second);
      sessions->erase(kept);
      return location;
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
  return location_of(response, upload.endpoint);
}

Result<HttpResponse> BlobUploads::put_whole(const Upload& upload, const std::string& location,
                                            std::stop_token stop) {
  const ByteSource source = TRY(upload.source());
  HttpRequest request;
  request.method = "PUT";
  request.url = with_digest(location, upload.blob.digest);
  request.headers.emplace_back("Content-Type", "application/octet-stream");
  request.body_source = &source;
  request.body_size = upload.blob.size;
  request.stall_timeout = kUploadStallTimeout;
  return requester_.send_once(upload.endpoint, upload.reference.path(), std::move(request),
                              upload.scopes, stop);
}

Result<HttpResponse> BlobUploads::put_pieces(const Upload& upload, std::string location,
                                             std::stop_token stop) {
  const ByteSource source = TRY(upload.source());
  std::string rest;
  for (uint64_t offset = 0; offset < upload.blob.size;) {
    HttpRequest request;
    request.method = "PATCH";
    request.url = location;
    request.body = TRY(read_piece(source, rest, kPieceBytes));
    if (request.body.empty()) {
      return make_error(ErrorCode::InvalidInput, "the blob has {} bytes instead of {}", offset,
                        upload.blob.size);
    }
    const uint64_t end = offset + request.body.size();
    request.headers.emplace_back("Content-Type", "application/octet-stream");
    request.headers.emplace_back("Content-Range", fmt::format("{}-{}", offset, end - 1));
    request.stall_timeout = kUploadStallTimeout;
    HttpResponse response = TRY(requester_.send_once(upload.endpoint, upload.reference.path(),
                                                     std::move(request), upload.scopes, stop));
    if (!response.ok()) return response;
    location = TRY(location_of(response, upload.endpoint));
    offset = end;
  }
  HttpRequest request;
  request.method = "PUT";
  request.url = with_digest(location, upload.blob.digest);
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
  for (;;) {
    const std::string location = TRY(open_session(upload, stop));
    Result<HttpResponse> outcome =
        in_pieces ? put_pieces(upload, location, stop) : put_whole(upload, location, stop);
    if (outcome && outcome->ok()) return {};
    if (outcome && outcome->status == 401 && !std::exchange(reauthorized, true)) continue;
    if (outcome && !in_pieces && refuses_whole_blobs(*outcome)) {
      in_pieces = true;
      continue;
    }
    if (TRY(backoff.retry_after(outcome, stop))) continue;
    if (!outcome) return std::move(outcome).error();
    return requester_.denied(endpoint, *outcome, "upload");
  }
}

}  // namespace slipway::registry
