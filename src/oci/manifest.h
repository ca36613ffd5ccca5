// Manifest and Index with their JSON (OCI image-spec manifest.md, image-index.md; Docker schema 2).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/descriptor.h"

namespace slipway {

struct Manifest {
  std::string media_type;  // OCI's or Docker's
  Descriptor config;
  std::vector<Descriptor> layers;
  std::map<std::string, std::string> annotations;
  std::string artifact_type;
  std::optional<Descriptor> subject;  // the manifest that this one says something about
  std::string config_data;            // the config itself, where it is written into the manifest

  bool operator==(const Manifest&) const = default;
};

struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
  std::map<std::string, std::string> annotations;

  bool operator==(const Index&) const = default;
};

bool is_index_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);

// Hostile input: a missing or malformed field is an InvalidInput error.
Result<Manifest> parse_manifest(std::string_view json);
Result<Index> parse_index(std::string_view json);
// The bytes that BuildKit writes (two-space indent, its order of fields), so digests can be
// compared.
std::string to_json(const Manifest& manifest);
std::string to_json(const Index& index);
std::string to_json(const Descriptor& descriptor);

}  // namespace slipway
