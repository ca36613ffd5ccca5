#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/guarded.h"
#include "oci/manifest.h"
#include "registry/blob_fetch.h"
#include "registry/blob_places.h"
#include "registry/blob_upload.h"
#include "registry/client.h"
#include "registry/endpoint.h"
#include "registry/options.h"
#include "registry/requester.h"

namespace slipway::registry {
namespace {

constexpr size_t kMaxManifestBytes = 4 << 20;
constexpr size_t kMaxSmallBlobBytes = 32 << 20;

Scopes push_scope(const Reference& reference) {
  return {fmt::format("repository:{}:pull,push", reference.path())};
}

std::string manifest_url(const Endpoint& endpoint, const Reference& reference,
                         const std::string& tag_or_digest) {
  return endpoint.url + reference.path() + "/manifests/" + tag_or_digest;
}
std::string tag_or_digest(const Reference& reference) {
  if (!reference.digest().empty()) return reference.digest().str();
  return reference.with_default_tag().tag();
}

// Under which name a manifest is put: a reference with tag and digest means its tag.
std::string tag_of(const Reference& reference, const Digest& digest) {
  return reference.tag().empty() ? digest.str() : reference.tag();
}

void accept_manifests(HttpRequest& request) {
  request.headers.emplace_back(
      "Accept",
      fmt::format("{}, {}, {}, {}, */*", media_type::kOciIndex, media_type::kDockerManifestList,
                  media_type::kOciManifest, media_type::kDockerManifest));
  request.max_body_bytes = kMaxManifestBytes;
}

std::string media_type_of(const HttpResponse& response) {
  const std::string type = response.header("content-type");
  return type.substr(0, type.find(';'));
}

class DistributionClient : public Client {
 public:
  explicit DistributionClient(ClientOptions options)
      : options_(std::move(options)),
        http_(options_.proxy, options_.user_agent),
        credentials_(options_.credential_files, options_.credentials_json),
        authorizer_(http_, credentials_),
        endpoints_(options_, http_),
        requester_(http_, authorizer_, options_.retry_delay) {}

  Result<Descriptor> resolve(const Reference& reference, std::stop_token stop) override {
    return on_any_endpoint<Descriptor>(reference, stop, [&](const Endpoint& endpoint) {
      return resolve_at(endpoint, reference, stop);
    });
  }

  Result<std::string> fetch_manifest(const Reference& reference, const Descriptor& wanted,
                                     std::stop_token stop) override {
    return on_any_endpoint<std::string>(reference, stop, [&](const Endpoint& endpoint) {
      return fetch_small(endpoint, reference, wanted, stop);
    });
  }

  Status fetch_blob(const Reference& reference, const Descriptor& wanted, BlobSink& sink,
                    std::stop_token stop) override {
    ResumingSink resuming(sink, wanted.size);
    return on_any_endpoint<void>(reference, stop, [&](const Endpoint& endpoint) {
      return BlobFetch(requester_, endpoint, reference, wanted, options_.ranges)
          .run(resuming, stop);
    });
  }

  Result<bool> blob_exists(const Reference& reference, const Digest& digest,
                           std::stop_token stop) override {
    const Endpoint endpoint = TRY(endpoints_.for_push(reference, stop));
    HttpRequest request;
    request.method = "HEAD";
    request.url = blob_url(endpoint, reference, digest);
    request.follow_redirects = false;  // a redirect says that it is there
    const HttpResponse response = TRY(requester_.send(
        endpoint, reference.path(), std::move(request), push_scope(reference), stop));
    if (response.ok() || (response.status >= 300 && response.status < 400)) {
      places_.note(endpoint.host, digest, reference.path());
      return true;
    }
    if (response.status == 404) return false;
    return requester_.denied(endpoint, response,
                             fmt::format("check blob {} in {}", digest.str(), reference.name()));
  }

  Result<bool> mount_blob(const Reference& reference, const Digest& digest,
                          const std::string& from_repository, std::stop_token stop) override {
    const Endpoint endpoint = TRY(endpoints_.for_push(reference, stop));
    HttpRequest request;
    request.method = "POST";
    request.url =
        fmt::format("{}{}/blobs/uploads/?mount={}&from={}", endpoint.url, reference.path(),
                    percent_encode(digest.str()), percent_encode(from_repository));
    Scopes scopes = push_scope(reference);
    scopes.push_back(fmt::format("repository:{}:pull", from_repository));
    const Result<HttpResponse> response =
        requester_.send(endpoint, reference.path(), std::move(request), scopes, stop);
    if (!response && response.error().code() == ErrorCode::PermissionDenied) return false;
    if (!response) return response.error();
    if (response->status == 201) return true;
    if (response->status == 202) {
      // The registry has opened an upload instead: push_blob() goes on with it.
      uploads_.keep_session(endpoint, reference, digest, *response);
      return false;
    }
    if (response->status < 500) return false;  // no mounts here, or none from there: upload
    return requester_.denied(endpoint, *response,
                             fmt::format("mount blob {} into {}", digest.str(), reference.name()));
  }

  Status push_blob(const Reference& reference, const Descriptor& blob,
                   const ByteSourceFactory& source, std::stop_token stop) override {
    const Endpoint endpoint = TRY(endpoints_.for_push(reference, stop));
    BlobPlaces::Turn turn = TRY(places_.take_turn(endpoint.host, blob.digest, stop));
    for (const std::string& repository : turn.repositories()) {
      if (repository == reference.path()) continue;  // it was deleted there, or we were not asked
      if (TRY(mount_blob(reference, blob.digest, repository, stop))) {
        turn.add(reference.path());
        return {};
      }
    }
    TRY(uploads_.push(endpoint, reference, push_scope(reference), blob, source, stop)
            .context(fmt::format("push blob {} to {}", blob.digest.str(), reference.name())));
    turn.add(reference.path());
    return {};
  }

  Result<bool> has_manifest(const Reference& reference, const Digest& digest,
                            std::stop_token stop) override {
    const Endpoint endpoint = TRY(endpoints_.for_push(reference, stop));
    const std::string what = fmt::format("check {}", reference.with_default_tag().familiar());
    HttpRequest request;
    request.method = "HEAD";
    request.url = manifest_url(endpoint, reference, tag_of(reference, digest));
    accept_manifests(request);
    const HttpResponse response = TRY(
        requester_.send(endpoint, reference.path(), std::move(request), push_scope(reference), stop)
            .context(what));
    if (response.ok()) return response.header("docker-content-digest") == digest.str();
    if (response.status == 404 || response.status == 405) return false;
    return requester_.denied(endpoint, response, what);
  }

  Status push_manifest(const Reference& reference, const std::string& media_type,
                       std::string_view bytes, std::stop_token stop) override {
    const Endpoint endpoint = TRY(endpoints_.for_push(reference, stop));
    const Digest digest = Digest::sha256_of(bytes);
    const std::string target = tag_of(reference, digest);
    const std::string what = fmt::format("push manifest {} to {}", target, reference.name());
    HttpRequest request;
    request.method = "PUT";
    request.url = manifest_url(endpoint, reference, target);
    request.headers.emplace_back("Content-Type", media_type);
    request.body = bytes;
    request.stall_timeout = std::chrono::seconds(300);
    const HttpResponse response = TRY(
        requester_.send(endpoint, reference.path(), std::move(request), push_scope(reference), stop)
            .context(what));
    if (!response.ok()) return requester_.denied(endpoint, response, what);
    const std::string stored = response.header("docker-content-digest");
    if (!stored.empty() && stored.starts_with("sha256:") && stored != digest.str()) {
      return make_error(ErrorCode::InvalidInput, "{}: the registry stored {} instead of {}", what,
                        stored, digest.str());
    }
    return {};
  }

 private:
  // Asks mirrors in turn, then the origin, whose error counts. Cancellation, and what the caller's
  // sink says, end the search.
  template <typename T, typename Ask>
  Result<T> on_any_endpoint(const Reference& reference, std::stop_token stop, Ask ask) {
    const std::vector<Endpoint> endpoints = TRY(endpoints_.for_pull(reference, stop));
    for (size_t i = 0; i + 1 < endpoints.size(); ++i) {
      Result<T> answer = ask(endpoints[i]);
      if (answer || answer.error().code() == ErrorCode::Cancelled) return answer;
      if (is_of_this_machine(answer.error())) return answer;
    }
    return ask(endpoints.back());
  }

  Result<Descriptor> resolve_at(const Endpoint& endpoint, const Reference& reference,
                                std::stop_token stop) {
    const std::string what = fmt::format("resolve {}", reference.with_default_tag().familiar());
    HttpRequest request;
    request.method = "HEAD";
    request.url = manifest_url(endpoint, reference, tag_or_digest(reference));
    accept_manifests(request);
    const HttpResponse response =
        TRY(requester_.send(endpoint, reference.path(), request, pull_scope(reference), stop)
                .context(what));
    const bool head_unsupported = response.status == 405 || response.status == 501;
    if (!response.ok() && !head_unsupported) {
      return requester_.denied(endpoint, response, what);
    }
    Descriptor descriptor;
    descriptor.media_type = media_type_of(response);
    const Result<Digest> digest = Digest::parse(response.header("docker-content-digest"));
    const std::string length = response.header("content-length");
    const bool complete =
        response.ok() && digest && !length.empty() && length.size() < 18 &&
        length.find_first_not_of("0123456789") == std::string::npos &&
        (is_index_type(descriptor.media_type) || is_manifest_type(descriptor.media_type));
    if (!complete) return resolve_by_get(endpoint, reference, request, what, stop);
    descriptor.digest = *digest;
    descriptor.size = std::stoull(length);
    if (!reference.digest().empty() && descriptor.digest != reference.digest()) {
      return make_error(ErrorCode::InvalidInput, "{}: the registry answered with {}", what,
                        descriptor.digest.str());
    }
    return descriptor;
  }

  Result<Descriptor> resolve_by_get(const Endpoint& endpoint, const Reference& reference,
                                    HttpRequest request, const std::string& what,
                                    std::stop_token stop) {
    request.method = "GET";
    const HttpResponse response = TRY(
        requester_.send(endpoint, reference.path(), std::move(request), pull_scope(reference), stop)
            .context(what));
    if (!response.ok()) return requester_.denied(endpoint, response, what);
    Descriptor descriptor;
    descriptor.media_type = TRY(manifest_type(response).context(what));
    descriptor.digest = Digest::sha256_of(response.body);
    descriptor.size = response.body.size();
    if (!reference.digest().empty() && descriptor.digest != reference.digest()) {
      return make_error(ErrorCode::InvalidInput, "{}: the registry answered with {}", what,
                        descriptor.digest.str());
    }
    return descriptor;
  }

  // By the header, or by the text where the registry does not know better.
  static Result<std::string> manifest_type(const HttpResponse& response) {
    const std::string type = media_type_of(response);
    if (is_index_type(type) || is_manifest_type(type)) return type;
    if (const Result<Index> index = parse_index(response.body)) return index->media_type;
    return TRY(parse_manifest(response.body)).media_type;
  }

  Result<std::string> fetch_small(const Endpoint& endpoint, const Reference& reference,
                                  const Descriptor& wanted, std::stop_token stop) {
    const std::string what =
        fmt::format("fetch {} of {}", wanted.digest.str(), reference.familiar());
    const bool manifest = is_index_type(wanted.media_type) || is_manifest_type(wanted.media_type);
    HttpRequest request;
    if (manifest) {
      request.url = manifest_url(endpoint, reference, wanted.digest.str());
      accept_manifests(request);
    } else {
      request.url = blob_url(endpoint, reference, wanted.digest);
      request.max_body_bytes = kMaxSmallBlobBytes;
    }
    const HttpResponse response = TRY(
        requester_.send(endpoint, reference.path(), std::move(request), pull_scope(reference), stop)
            .context(what));
    if (!response.ok()) return requester_.denied(endpoint, response, what);
    if (wanted.digest.algorithm() != "sha256") {
      return make_error(ErrorCode::Unsupported, "{}: digests of this kind cannot be verified",
                        what);
    }
    const Digest digest = Digest::sha256_of(response.body);
    if (digest != wanted.digest) {
      return make_error(ErrorCode::InvalidInput, "{}: its content is {}", what, digest.str());
    }
    return response.body;
  }

  ClientOptions options_;
  HttpClient http_;
  CredentialStore credentials_;
  Authorizer authorizer_;
  Endpoints endpoints_;
  Requester requester_;
  BlobUploads uploads_{requester_};
  BlobPlaces places_;
};

}  // namespace

std::unique_ptr<Client> make_client(ClientOptions options) {
  return std::make_unique<DistributionClient>(std::move(options));
}

}  // namespace slipway::registry
