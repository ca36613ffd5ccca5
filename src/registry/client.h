// The distribution client (OCI distribution-spec 1.1): resolve, fetch, push. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/blob_sink.h"
#include "oci/descriptor.h"
#include "oci/reference.h"

namespace slipway::registry {

// Receives the bytes of a blob in order.
using ByteSink = std::function<Status(std::string_view bytes)>;
// Gives the next bytes of a blob, empty at its end.
using ByteSource = std::function<Result<std::string>()>;
// A blob from byte `offset` on. Called again where an upload goes on after a broken connection.
using ByteSourceFactory = std::function<Result<ByteSource>(uint64_t offset)>;

class Client {
 public:
  virtual ~Client() = default;

  // What a name stands for now: HEAD on the manifest (GET where a registry sends no digest). For a
  // reference with a digest the descriptor has it. NotFound when there is no such image.
  virtual Result<Descriptor> resolve(const Reference& reference, std::stop_token stop) = 0;
  // A manifest, index or other small blob, verified.
  virtual Result<std::string> fetch_manifest(const Reference& reference, const Descriptor& wanted,
                                             std::stop_token stop) = 0;
  // A blob, not verified (ContentWriter does): a big one in ranges over several connections
  // (RangeOptions), where the server can. Retries with back-off inside, and continues after the
  // bytes that have come. Where `sink` takes its time, the server waits.
  virtual Status fetch_blob(const Reference& reference, const Descriptor& wanted, BlobSink& sink,
                            std::stop_token stop) = 0;

  virtual Result<bool> blob_exists(const Reference& reference, const Digest& digest,
                                   std::stop_token stop) = 0;
  // Cross-repository mount from `from_repository` of the same registry; false when it must be
  // uploaded.
  virtual Result<bool> mount_blob(const Reference& reference, const Digest& digest,
                                  const std::string& from_repository, std::stop_token stop) = 0;
  // Uploads a blob; or mounts it, when this client has put it into another repository of the same
  // registry before or is doing so right now. After a failure it goes on where the registry says it
  // is, or starts again.
  virtual Status push_blob(const Reference& reference, const Descriptor& blob,
                           const ByteSourceFactory& source, std::stop_token stop) = 0;
  // Whether the reference's tag (or digest) stands for this manifest in the registry itself, not in
  // a mirror.
  virtual Result<bool> has_manifest(const Reference& reference, const Digest& digest,
                                    std::stop_token stop) = 0;
  // Puts a manifest or index under the reference's tag (or its digest when it has none).
  virtual Status push_manifest(const Reference& reference, const std::string& media_type,
                               std::string_view bytes, std::stop_token stop) = 0;
};

}  // namespace slipway::registry
