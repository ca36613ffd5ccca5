// ImageOptions: what the fields of -o say about an image, with buildx's keys.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exporter/exporter.h"
#include "layer/diff.h"
#include "oci/platform.h"

namespace slipway::exporter {

inline constexpr uint64_t kSplitAbove = 256 << 20;  // --layer-split=auto

enum class AnnotationPlace { Manifest, ManifestDescriptor, Index, IndexDescriptor };

struct Annotation {
  AnnotationPlace place = AnnotationPlace::Manifest;
  std::optional<Platform> platform;  // nullopt: of all
  std::string key;
  std::string value;

  bool is_for(const Platform& built) const {
    return !platform || platform->normalized() == built.normalized();
  }
};

struct ImageOptions {
  std::vector<Reference> names;  // each with a tag
  LayerFormat compression = LayerFormat::Gzip;
  int compression_level = -1;
  bool force_compression = false;
  uint64_t split_above = kSplitAbove;  // see LayerChoice
  std::optional<bool> oci_types;       // not given: true
  bool rewrite_timestamp = false;
  std::optional<int64_t> epoch;  // overrides that of the build

  bool push = false;
  bool push_by_digest = false;
  bool store = true;
  bool name_canonical = false;
  bool artifacts = true;  // attestations are OCI artifacts
  std::string dangling_prefix;
  bool dangling_empty_only = false;

  std::vector<Annotation>
      annotations;  // of two of one key, place and platform the later one counts

  bool use_oci_types() const { return oci_types.value_or(true); }
  // Those for one place, of one platform's image or (nullopt) of the index; what is said of the
  // platform comes before what is said of all.
  std::map<std::string, std::string> annotations_of(AnnotationPlace place,
                                                    const std::optional<Platform>& platform) const;
};

// "auto", "off" or a size such as "1gb": for LayerChoice::split_above.
Result<uint64_t> parse_layer_split(const std::string& text);

// Takes what it knows out of `options.fields`.
Result<ImageOptions> take_image_options(ExporterOptions& options);

// Fails when fields are left: InvalidInput that names the first one and the nearest of `known`.
Status refuse_unknown_fields(const ExporterOptions& options, const std::string& type,
                             std::vector<std::string> known);
// The keys that take_image_options() takes.
std::vector<std::string> image_option_keys();

// A field as a flag: "" counts as true. Takes it out; `fallback` when it is not there.
Result<bool> take_flag(ExporterOptions& options, const std::string& key, bool fallback);
std::optional<std::string> take_field(ExporterOptions& options, const std::string& key);

}  // namespace slipway::exporter
