#include "oci/layer_format.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace slipway {
namespace {

struct Format {
  LayerFormat format;
  std::string_view name;
  Compression compression;  // to who looks at the media type only
  bool seekable;
};

constexpr std::array<Format, 5> kFormats = {{
    {LayerFormat::Uncompressed, "uncompressed", Compression::Uncompressed, false},
    {LayerFormat::Gzip, "gzip", Compression::Gzip, false},
    {LayerFormat::Estargz, "estargz", Compression::Gzip, true},
    {LayerFormat::Zstd, "zstd", Compression::Zstd, false},
    {LayerFormat::ZstdChunked, "zstd:chunked", Compression::Zstd, true},
}};

constexpr std::array kTocAnnotations = {annotation::kStargzToc,  annotation::kStargzTarBytes,
                                        annotation::kChunkedToc, annotation::kChunkedTocPlace,
                                        annotation::kTarSplit,   annotation::kTarSplitPlace};
// A digest, or four numbers: anything longer is none of ours.
constexpr size_t kLongestTocAnnotation = 256;

const Format& find(LayerFormat format) {
  const auto* found = std::ranges::find(kFormats, format, &Format::format);
  CHECK(found != kFormats.end());
  return *found;
}

}  // namespace

std::string_view layer_format_name(LayerFormat format) {
  return find(format).name;
}

std::optional<LayerFormat> parse_layer_format(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  return found == kFormats.end() ? std::nullopt : std::optional(found->format);
}

bool is_seekable(LayerFormat format) {
  return find(format).seekable;
}

std::string layer_media_type(LayerFormat format, bool oci_types) {
  return layer_media_type(find(format).compression, oci_types);
}

std::optional<LayerFormat> layer_format(const Descriptor& layer) {
  const std::optional<Compression> compression = layer_compression(layer.media_type);
  if (!compression) return std::nullopt;
  switch (*compression) {
    case Compression::Uncompressed:
      return LayerFormat::Uncompressed;
    case Compression::Gzip:
      return layer.annotations.contains(annotation::kStargzToc) ? LayerFormat::Estargz
                                                                : LayerFormat::Gzip;
    case Compression::Zstd:
      return layer.annotations.contains(annotation::kChunkedToc) ? LayerFormat::ZstdChunked
                                                                 : LayerFormat::Zstd;
  }
  CHECK(false);
}

std::map<std::string, std::string> toc_annotations(const Descriptor& layer) {
  std::map<std::string, std::string> kept;
  for (const char* name : kTocAnnotations) {
    const auto found = layer.annotations.find(name);
    if (found == layer.annotations.end()) continue;
    if (found->second.size() <= kLongestTocAnnotation) kept.insert(*found);
  }
  return kept;
}

}  // namespace slipway
