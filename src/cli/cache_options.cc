#include "cli/cache_options.h"

#include "base/text.h"
#include "base/values.h"
#include "exporter/image_options.h"

namespace slipway::cli {
namespace {

// What goes beside a cache when nothing else is said: more than most caches of packages have, and a
// few seconds of work.
constexpr uint64_t kDefaultCacheMountBytes = 1 << 30;

// Takes fields out one by one; what is left at the end is unknown.
class Taker {
 public:
  Taker(const bake::Fields& fields, std::string flag) : flag_(std::move(flag)) {
    options_.fields = fields;
  }

  Result<CachePlace> place() {
    type_ = text("type").value_or("registry");
    if (type_ == "registry") return CachePlace::Registry;
    if (type_ == "local") return CachePlace::Local;
    if (type_ == "inline") return CachePlace::Inline;
    if (type_ == "gha" || type_ == "s3" || type_ == "azblob") {
      return make_error(ErrorCode::Unsupported, "{}: type={} is not supported", flag_, type_)
          .with_hint("use type=registry, or type=local with a directory that your CI keeps");
    }
    return make_error(ErrorCode::InvalidInput, "{}: unknown type \"{}\"", flag_, type_)
        .with_hint("use type=registry, type=local or type=inline");
  }

  std::optional<std::string> text(const std::string& key) {
    return exporter::take_field(options_, key);
  }
  Result<std::string> required(const std::string& key) {
    std::string value = text(key).value_or("");
    if (!value.empty()) return value;
    return make_error(ErrorCode::InvalidInput, "{}: type={} needs {}=…", flag_, type_, key);
  }
  Result<bool> flag(const std::string& key, bool fallback) {
    return exporter::take_flag(options_, key, fallback).context(flag_);
  }
  Result<Reference> reference() {
    const std::string name = TRY(required("ref"));
    // Which registries speak plain HTTP is told to the client.
    TRY(flag("registry.insecure", false));
    return TRY(Reference::parse(name).context(flag_)).with_default_tag();
  }
  Status compression(CacheTarget& target) {
    exporter::ExporterOptions only;
    const bool given = options_.fields.contains("compression");
    for (const char* key : {"compression", "compression-level", "force-compression"}) {
      if (const auto value = text(key)) only.fields[key] = *value;
    }
    const exporter::ImageOptions image = TRY(exporter::take_image_options(only).context(flag_));
    if (given) target.compression = image.compression;
    target.compression_level = image.compression_level;
    target.force_compression = image.force_compression;
    return {};
  }
  Status refuse_rest(const std::vector<std::string>& known) const {
    if (options_.fields.empty()) return {};
    const std::string& key = options_.fields.begin()->first;
    Error error = make_error(ErrorCode::InvalidInput, "{}: unknown option \"{}\" of type={}", flag_,
                             key, type_);
    const std::string near = nearest(key, known);
    if (!near.empty()) error = std::move(error).with_hint("did you mean \"" + near + "\"?");
    return error;
  }

 private:
  std::string flag_;
  std::string type_;
  exporter::ExporterOptions options_;
};

std::filesystem::path absolute(const std::filesystem::path& base, const std::string& path) {
  return (base / path).lexically_normal();
}

Status take_mode(Taker& taker, CacheTarget& target) {
  const std::string mode = taker.text("mode").value_or("min");
  target.all_steps = mode == "max";
  if (mode == "min" || mode == "max") return {};
  return make_error(ErrorCode::InvalidInput,
                    "invalid value \"{}\" of cache-to option mode: min or max expected", mode);
}

// BuildKit's rules: an image manifest, unless Docker's types are asked for.
Status take_format(Taker& taker, CacheTarget& target) {
  target.oci_types = TRY(taker.flag("oci-mediatypes", true));
  target.image_manifest = TRY(taker.flag("image-manifest", target.oci_types));
  if (!target.image_manifest || target.oci_types) return taker.compression(target);
  return make_error(ErrorCode::InvalidInput,
                    "cache-to: image-manifest=true needs oci-mediatypes=true");
}

// true, false or a size. What nobody asked to publish stays here: without mode=max a cache holds
// nothing that the image does not.
Status take_cache_mounts(Taker& taker, CacheTarget& target) {
  const std::string text = taker.text("cache-mounts").value_or(target.all_steps ? "true" : "false");
  if (const Result<bool> wanted = parse_bool(text)) {
    target.cache_mount_bytes = *wanted ? kDefaultCacheMountBytes : 0;
    return {};
  }
  const Result<int64_t> size = parse_size(text);
  if (!size || *size < 0) {
    return make_error(ErrorCode::InvalidInput,
                      "invalid value \"{}\" of cache-to option cache-mounts: true, false or a size "
                      "like 500mb expected",
                      text);
  }
  target.cache_mount_bytes = static_cast<uint64_t>(*size);
  return {};
}

}  // namespace

std::string CacheSource::name() const {
  if (place == CachePlace::Registry) return reference.str();
  return directory.string() + (digest.empty() ? ":" + tag : "@" + digest.str());
}

std::string CacheTarget::name() const {
  switch (place) {
    case CachePlace::Registry:
      return reference.str();
    case CachePlace::Local:
      return directory.string();
    case CachePlace::Inline:
      return "inline";
  }
  return {};
}

Result<CacheSource> parse_cache_source(const bake::Fields& fields,
                                       const std::filesystem::path& working_directory) {
  Taker taker(fields, "cache-from");
  CacheSource source;
  source.place = TRY(taker.place());
  source.cache_mounts = TRY(taker.flag("cache-mounts", true));
  switch (source.place) {
    case CachePlace::Registry:
      source.reference = TRY(taker.reference());
      TRY(taker.refuse_rest({"ref", "registry.insecure", "cache-mounts"}));
      break;
    case CachePlace::Local: {
      source.directory = absolute(working_directory, TRY(taker.required("src")));
      source.tag = taker.text("tag").value_or("latest");
      const std::string digest = taker.text("digest").value_or("");
      if (!digest.empty()) source.digest = TRY(Digest::parse(digest).context("cache-from"));
      TRY(taker.refuse_rest({"src", "tag", "digest", "cache-mounts"}));
      break;
    }
    case CachePlace::Inline:
      return make_error(ErrorCode::InvalidInput, "cache-from: an inline cache is part of an image")
          .with_hint("name the image: type=registry,ref=IMAGE");
  }
  return source;
}

Result<CacheTarget> parse_cache_target(const bake::Fields& fields,
                                       const std::filesystem::path& working_directory) {
  Taker taker(fields, "cache-to");
  CacheTarget target;
  target.place = TRY(taker.place());
  TRY(take_mode(taker, target));
  target.ignore_error = TRY(taker.flag("ignore-error", false));
  std::vector<std::string> known = {"mode", "ignore-error"};
  if (target.place != CachePlace::Inline) {
    TRY(take_format(taker, target));
    TRY(take_cache_mounts(taker, target));
    for (const char* key : {"image-manifest", "oci-mediatypes", "compression", "compression-level",
                            "force-compression", "cache-mounts"}) {
      known.emplace_back(key);
    }
  }
  if (target.place == CachePlace::Registry) {
    target.reference = TRY(taker.reference());
    known.insert(known.end(), {"ref", "registry.insecure"});
  } else if (target.place == CachePlace::Local) {
    target.directory = absolute(working_directory, TRY(taker.required("dest")));
    target.tag = taker.text("tag").value_or("latest");
    known.insert(known.end(), {"dest", "tag"});
  }
  TRY(taker.refuse_rest(known));
  return target;
}

}  // namespace slipway::cli
