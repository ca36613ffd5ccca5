// BlobUploads: puts blobs into a repository (distribution-spec "Pushing blobs").
#pragma once

#include <map>
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

  // One POST and one PUT with the whole blob; in pieces (PATCH) where a registry refuses that.
  // Starts again from a fresh source when the connection breaks.
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

  Result<std::string> open_session(const Upload& upload, std::stop_token stop);
  Result<HttpResponse> put_whole(const Upload& upload, const std::string& location,
                                 std::stop_token stop);
  Result<HttpResponse> put_pieces(const Upload& upload, std::string location, std::stop_token stop);

  Requester& requester_;
  // (repository name, digest) -> location.
  Guarded<std::map<std::pair<std::string, Digest>, std::string>> sessions_;
};

}  // namespace slipway::registry
