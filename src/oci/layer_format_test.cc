#include "oci/layer_format.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(LayerFormat, NamesRoundTrip) {
  for (const char* name : {"uncompressed", "gzip", "estargz", "zstd", "zstd:chunked"}) {
    EXPECT_EQ(layer_format_name(*parse_layer_format(name)), name);
  }
  EXPECT_FALSE(parse_layer_format("lzma"));
}

TEST(LayerFormat, SeekableLayersAreToldByTheirAnnotations) {
  for (const LayerFormat format : {LayerFormat::Estargz, LayerFormat::ZstdChunked}) {
    const bool stargz = format == LayerFormat::Estargz;
    Descriptor layer;
    layer.media_type = layer_media_type(format, true);
    EXPECT_EQ(layer_format(layer), stargz ? LayerFormat::Gzip : LayerFormat::Zstd);
    layer.annotations = {{stargz ? annotation::kStargzToc : annotation::kChunkedToc, "sha256:…"},
                         {annotation::kTarSplit, std::string(1000, 'x')},
                         {annotation::kCreated, "2026"}};
    EXPECT_EQ(layer_format(layer), format);
    EXPECT_EQ(toc_annotations(layer).size(), 1u);
  }
  EXPECT_FALSE(layer_format(Descriptor()));
}

}  // namespace
}  // namespace slipway
