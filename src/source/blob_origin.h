// BlobOrigin: where the blobs of an image can be had when the content store lacks them.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "oci/blob_sink.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "registry/client.h"

namespace slipway::source {

// Thread-safe.
class BlobOrigin {
 public:
  virtual ~BlobOrigin() = default;
  // For messages: "docker.io/library/busybox:latest", "oci-layout:///images/base".
  virtual std::string name() const = 0;
  // A manifest, index or config, verified.
  virtual Result<std::string> read(const Descriptor& wanted, std::stop_token stop) = 0;
  // The bytes of a blob, not verified.
  virtual Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) = 0;
};

// A repository of a registry. `client` must outlive it.
class RegistryOrigin : public BlobOrigin {
 public:
  RegistryOrigin(registry::Client& client, Reference reference)
      : client_(client), reference_(std::move(reference)) {}

  std::string name() const override { return reference_.str(); }
  Result<std::string> read(const Descriptor& wanted, std::stop_token stop) override {
    return client_.fetch_manifest(reference_, wanted, stop);
  }
  Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) override {
    return client_.fetch_blob(reference_, wanted, sink, stop);
  }

 private:
  registry::Client& client_;
  Reference reference_;
};

}  // namespace slipway::source
