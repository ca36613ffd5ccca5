// Reference: the name of an image, as docker reads it (distribution/reference normalisation).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "oci/digest.h"

namespace slipway {

class Reference {
 public:
  // "busybox" -> docker.io/library/busybox. Keeps tag and digest apart; adds no tag.
  static Result<Reference> parse(std::string_view text);

  const std::string& domain() const { return domain_; }  // "docker.io", "localhost:5000"
  const std::string& path() const { return path_; }      // "library/busybox"
  const std::string& tag() const { return tag_; }        // may be empty
  const Digest& digest() const { return digest_; }       // may be empty

  std::string name() const { return domain_ + "/" + path_; }  // without tag and digest
  // The full name: docker.io/library/busybox:latest@sha256:...
  std::string str() const;
  // As people write it: busybox:latest
  std::string familiar() const;
  // With ":latest" added when there is neither tag nor digest.
  Reference with_default_tag() const;
  Reference with_digest(Digest digest) const;
  Reference with_tag(std::string tag) const;

  auto operator<=>(const Reference&) const = default;

 private:
  std::string domain_;
  std::string path_;
  std::string tag_;
  Digest digest_;
};

}  // namespace slipway
