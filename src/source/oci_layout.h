// OciLayout: an image layout directory (OCI image-spec image-layout.md) that is read from.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "oci/manifest.h"
#include "source/blob_origin.h"

namespace slipway::source {

// How users name an image of a layout: "DIR@sha256:…", "DIR:TAG" or "DIR". A colon before the last
// slash belongs to the directory.
struct LayoutLocation {
  std::string directory;
  std::string tag;     // empty: none
  std::string digest;  // as it was written; empty: none

  static LayoutLocation parse(const std::string& text);
};

class OciLayout : public BlobOrigin {
 public:
  // Reads index.json; NotFound or InvalidInput when the directory is no layout.
  static Result<std::shared_ptr<OciLayout>> open(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  // What index.json lists.
  const Index& index() const { return index_; }

  // What a tag ("org.opencontainers.image.ref.name") stands for; an empty one is "latest", or the
  // only image there is.
  Result<Descriptor> find_tag(const std::string& tag) const;
  // A manifest or index by digest, named in index.json or not.
  Result<Descriptor> find_digest(const Digest& digest) const;

  std::string name() const override;
  Result<std::string> read(const Descriptor& wanted, std::stop_token stop) override;
  Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) override;

 private:
  OciLayout(std::filesystem::path directory, Index index)
      : directory_(std::move(directory)), index_(std::move(index)) {}
  Result<UniqueFd> open_blob(const Digest& digest) const;
  Result<std::string> read_verified(const Digest& digest) const;

  std::filesystem::path directory_;
  Index index_;
};

}  // namespace slipway::source
