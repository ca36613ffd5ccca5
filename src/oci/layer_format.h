// LayerFormat: what a layer blob is made as. A media type says less: seekable layers, which have a
// table of contents, are gzip and zstd to whoever does not look for it, and annotations tell them
// from those.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "oci/descriptor.h"

namespace slipway {

namespace annotation {
// Where and what the table of contents is (docs/layers.md).
inline constexpr char kStargzToc[] = "containerd.io/snapshot/stargz/toc.digest";
inline constexpr char kStargzTarBytes[] = "io.containers.estargz.uncompressed-size";
inline constexpr char kChunkedToc[] = "io.github.containers.zstd-chunked.manifest-checksum";
inline constexpr char kChunkedTocPlace[] = "io.github.containers.zstd-chunked.manifest-position";
inline constexpr char kTarSplit[] = "io.github.containers.zstd-chunked.tarsplit-checksum";
inline constexpr char kTarSplitPlace[] = "io.github.containers.zstd-chunked.tarsplit-position";
}  // namespace annotation

enum class LayerFormat { Uncompressed, Gzip, Estargz, Zstd, ZstdChunked };

// As users write it: "zstd:chunked".
std::string_view layer_format_name(LayerFormat format);
std::optional<LayerFormat> parse_layer_format(std::string_view name);
bool is_seekable(LayerFormat format);

std::string layer_media_type(LayerFormat format, bool oci_types);
// By media type and annotations; nullopt for anything that is no layer.
std::optional<LayerFormat> layer_format(const Descriptor& layer);
// Those annotations that say what is in the blob: they go wherever it is named.
std::map<std::string, std::string> toc_annotations(const Descriptor& layer);

}  // namespace slipway
