#include "exporter/image_options.h"

#include <charconv>

#include "base/text.h"
#include "base/values.h"
#include "layer/block_codec.h"

namespace slipway::exporter {
namespace {

Error bad_value(std::string_view key, std::string_view value, std::string_view wanted) {
  return make_error(ErrorCode::InvalidInput,
                    "invalid value \"{}\" of output option {}: {} expected", value, key, wanted);
}

Result<int64_t> to_number(std::string_view key, std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return bad_value(key, text, "a number");
  }
  return value;
}

Status add_names(std::string_view list, std::vector<Reference>& names) {
  for (const std::string& name : split(list, ',')) {
    if (trim(name).empty()) continue;
    names.push_back(TRY(Reference::parse(trim(name))).with_default_tag());
  }
  return {};
}

Result<LayerFormat> to_compression(const std::string& text) {
  if (const auto compression = parse_layer_format(text)) return *compression;
  return bad_value("compression", text, "gzip, estargz, zstd, zstd:chunked or uncompressed");
}

// One annotation for the place that `type` names: "", "manifest", "manifest[linux/arm64]".
Status add_annotation(std::string_view type, const std::string& key, const std::string& value,
                      ImageOptions& image) {
  Annotation annotation{.key = key, .value = value};
  const size_t bracket = std::min(type.find('['), type.size());
  const std::string_view place = type.substr(0, bracket);
  if (bracket < type.size()) {
    std::string_view platform = type.substr(bracket + 1);
    if (!platform.ends_with(']')) {
      return make_error(ErrorCode::InvalidInput, "annotation {}: \"{}\" has no closing bracket",
                        key, type);
    }
    platform.remove_suffix(1);
    annotation.platform = TRY(Platform::parse(platform).context("annotation " + key));
    if (place.starts_with("index")) {
      return make_error(ErrorCode::InvalidInput, "annotation {}: an index has no platform", key);
    }
  }
  if (place.empty() || place == "manifest") {
    annotation.place = AnnotationPlace::Manifest;
  } else if (place == "manifest-descriptor") {
    annotation.place = AnnotationPlace::ManifestDescriptor;
  } else if (place == "index") {
    annotation.place = AnnotationPlace::Index;
  } else if (place == "index-descriptor") {
    annotation.place = AnnotationPlace::IndexDescriptor;
  } else {
    return make_error(
        ErrorCode::InvalidInput, "unknown annotation type \"{}\"{}", place,
        did_you_mean(place, {"manifest", "manifest-descriptor", "index", "index-descriptor"}));
  }
  image.annotations.push_back(std::move(annotation));
  return {};
}

// "key=value", "manifest,manifest-descriptor[linux/amd64]:key=value"
Status add_annotation_flag(const std::string& text, ImageOptions& image) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return make_error(ErrorCode::InvalidInput, "invalid annotation \"{}\", expected key=value",
                      text);
  }
  std::string key = text.substr(0, equals);
  std::vector<std::string> types = {""};
  const size_t colon = key.find(':');
  if (colon != std::string::npos) {
    types = split(key.substr(0, colon), ',');
    key = key.substr(colon + 1);
  }
  for (const std::string& type : types) {
    TRY(add_annotation(type, key, text.substr(equals + 1), image));
  }
  return {};
}

// "annotation.KEY", "annotation-manifest[linux/amd64].KEY"
Status take_annotation_fields(ExporterOptions& options, ImageOptions& image) {
  constexpr std::string_view kPrefix = "annotation";
  for (auto field = options.fields.begin(); field != options.fields.end();) {
    const std::string& name = field->first;
    const size_t dot = name.find('.');
    const bool ours =
        name.starts_with(kPrefix) && dot != std::string::npos &&
        (name[kPrefix.size()] == '.' || name[kPrefix.size()] == '-' || name[kPrefix.size()] == '[');
    if (!ours) {
      ++field;
      continue;
    }
    std::string type = name.substr(kPrefix.size(), dot - kPrefix.size());
    if (type.starts_with('-')) type.erase(0, 1);
    TRY(add_annotation(type, name.substr(dot + 1), field->second, image));
    field = options.fields.erase(field);
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> ImageOptions::annotations_of(
    AnnotationPlace place, const std::optional<Platform>& platform) const {
  std::map<std::string, std::string> found;
  for (const bool for_all : {true, false}) {
    for (const Annotation& annotation : annotations) {
      if (annotation.place != place || !annotation.platform.has_value() != for_all) continue;
      if (!for_all && (!platform || !annotation.is_for(*platform))) continue;
      found[annotation.key] = annotation.value;
    }
  }
  return found;
}

std::optional<std::string> take_field(ExporterOptions& options, const std::string& key) {
  const auto found = options.fields.find(key);
  if (found == options.fields.end()) return std::nullopt;
  std::string value = std::move(found->second);
  options.fields.erase(found);
  return value;
}

Result<bool> take_flag(ExporterOptions& options, const std::string& key, bool fallback) {
  const std::optional<std::string> value = take_field(options, key);
  if (!value) return fallback;
  const std::string text = to_lower(*value);
  if (text.empty() || text == "true" || text == "1" || text == "t") return true;
  if (text == "false" || text == "0" || text == "f") return false;
  return bad_value(key, *value, "true or false");
}

Result<uint64_t> parse_layer_split(const std::string& text) {
  if (text == "auto") return kSplitAbove;
  if (text == "off") return uint64_t{0};
  const Result<int64_t> size = parse_size(text);
  if (!size || *size <= 0) return bad_value("layer-split", text, "auto, off or a size (512mb)");
  return static_cast<uint64_t>(*size);
}

Result<ImageOptions> take_image_options(ExporterOptions& options) {
  ImageOptions image;
  const std::string name = take_field(options, "name").value_or("");
  if (!name.empty() && name != "*") TRY(add_names(name, image.names));
  if (image.names.empty()) {
    for (const std::string& tag : options.names) TRY(add_names(tag, image.names));
  }
  if (const auto text = take_field(options, "compression")) {
    image.compression = TRY(to_compression(*text));
  }
  if (const auto text = take_field(options, "compression-level")) {
    image.compression_level = static_cast<int>(TRY(to_number("compression-level", *text)));
    TRY(layer::stream_format(image.compression, image.compression_level));
  }
  image.split_above =
      TRY(parse_layer_split(take_field(options, "layer-split").value_or(options.layer_split)));
  if (const auto text = take_field(options, "source-date-epoch"); text && !text->empty()) {
    image.epoch = TRY(to_number("source-date-epoch", *text));
  }
  image.force_compression = TRY(take_flag(options, "force-compression", false));
  if (options.fields.contains("oci-mediatypes")) {
    image.oci_types = TRY(take_flag(options, "oci-mediatypes", true));
  }
  // As BuildKit: Docker's manifests have no annotations, and these formats need theirs.
  if (is_seekable(image.compression)) image.oci_types = true;
  image.rewrite_timestamp = TRY(take_flag(options, "rewrite-timestamp", false));
  image.push = TRY(take_flag(options, "push", false));
  image.push_by_digest = TRY(take_flag(options, "push-by-digest", false));
  image.store = TRY(take_flag(options, "store", true));
  image.name_canonical = TRY(take_flag(options, "name-canonical", false));
  image.dangling_prefix = take_field(options, "dangling-name-prefix").value_or("");
  image.dangling_empty_only = TRY(take_flag(options, "danging-name-empty-only", false));
  image.artifacts = TRY(take_flag(options, "oci-artifact", true));
  // Without effect here: snapshots are unpacked always, attestations are always with their image,
  // and which registries are insecure is told to the client.
  for (const char* key :
       {"unpack", "attestation-inline", "registry.insecure", "prefer-nondist-layers"}) {
    TRY(take_flag(options, key, false));
  }
  for (const std::string& annotation : options.annotations) {
    TRY(add_annotation_flag(annotation, image));
  }
  TRY(take_annotation_fields(options, image));
  return image;
}

std::vector<std::string> image_option_keys() {
  return {"name",
          "compression",
          "compression-level",
          "force-compression",
          "layer-split",
          "source-date-epoch",
          "oci-mediatypes",
          "rewrite-timestamp",
          "push",
          "push-by-digest",
          "store",
          "name-canonical",
          "dangling-name-prefix",
          "danging-name-empty-only",
          "unpack",
          "oci-artifact",
          "attestation-inline",
          "registry.insecure",
          "prefer-nondist-layers"};
}

Status refuse_unknown_fields(const ExporterOptions& options, const std::string& type,
                             std::vector<std::string> known) {
  if (options.fields.empty()) return {};
  const std::string& key = options.fields.begin()->first;
  Error error =
      make_error(ErrorCode::InvalidInput, "unknown option \"{}\" of output type {}", key, type);
  const std::string near = nearest(key, known);
  if (!near.empty()) error = std::move(error).with_hint("did you mean \"" + near + "\"?");
  return error;
}

}  // namespace slipway::exporter
