// BlobUploads: puts blobs into a repository (distribution-spec "Pushing blobs").
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "registry/requester.h"

namespace slipway::registry {

class BlobUploads {
 public:
  explicit BlobUploads(Requester& requester) : requester_(requester) {}

  // One POST and one PUT with the whole blob; in pieces (PATCH) where a registry refuses that. When
  // the connection breaks, the rest follows in pieces; from the start where the registry does not
  // say what it has.
  Status push(const Endpoint& endpoint, const Reference& reference, const Scopes& scopes,
              const Descriptor& blob, const ByteSourceFactory& source, std::stop_token stop);

  // Remembers the upload that a registry has opened instead of a mount; push() continues with it.
  void keep_session(const Endpoint& endpoint, const Reference& reference, const Digest& digest,
                    const HttpResponse& opened);

 private:
  struct Upload {
    const Endpoint& endpoint;
    const Reference& reference;
    const Scopes& scopes;
    const Descriptor& blob;
    const ByteSourceFactory& source;
  };

  // What the registry has of a blob.
  struct Session {
    std::string location;
    uint64_t offset = 0;
  };

  Result<Session> open_session(const Upload& upload, std::stop_token stop);
  // After a failure; nullopt: nothing that an upload could go on with.
  std::optional<Session> find_progress(const Upload& upload, const Session& session,
                                       std::stop_token stop);
  Result<HttpResponse> put_whole(const Upload& upload, const Session& session,
                                 std::stop_token stop);
  // What is missing. `session` follows what the registry has taken.
  Result<HttpResponse> put_pieces(const Upload& upload, Session& session, std::stop_token stop);

  Requester& requester_;
  // (repository name, digest) -> location.
  Guarded<std::map<std::pair<std::string, Digest>, std::string>> sessions_;
};

}  // namespace slipway::registry
