// What --cache-from and --cache-to say, with buildx's keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "frontend/bake/target.h"
#include "oci/layer_format.h"
#include "oci/reference.h"

namespace slipway::cli {

enum class CachePlace { Registry, Local, Inline };

struct CacheSource {
  CachePlace place = CachePlace::Registry;
  Reference reference;              // Registry
  std::filesystem::path directory;  // Local, absolute
  std::string tag = "latest";       // Local, when there is no digest
  Digest digest;                    // Local
  bool cache_mounts = true;         // those that lie beside the cache are taken

  std::string name() const;  // for messages
};

struct CacheTarget {
  CachePlace place = CachePlace::Registry;
  Reference reference;              // Registry
  std::filesystem::path directory;  // Local, absolute
  std::string tag = "latest";       // Local
  bool all_steps = false;      // mode=max: the steps of all stages, not only the image's layers
  bool image_manifest = true;  // an image manifest, not an index
  bool oci_types = true;
  std::optional<LayerFormat> compression;  // as the image has it
  int compression_level = -1;
  bool force_compression = false;
  bool ignore_error = false;
  // Cache mounts go beside the cache, of at most so many bytes together; 0: none.
  uint64_t cache_mount_bytes = 0;

  std::string name() const;
};

// Unknown types and keys are InvalidInput with the nearest known one; types that BuildKit has and
// we have not are Unsupported. Relative directories start at `working_directory`.
Result<CacheSource> parse_cache_source(const bake::Fields& fields,
                                       const std::filesystem::path& working_directory);
Result<CacheTarget> parse_cache_target(const bake::Fields& fields,
                                       const std::filesystem::path& working_directory);

}  // namespace slipway::cli
