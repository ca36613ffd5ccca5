// eStargz (containerd/stargz-snapshotter, docs/estargz.md): the archive in gzip members, one for
// each chunk; one with a table of contents; an empty one that says where that begins.
#include <fmt/format.h>

#include "layer/seekable_layer.h"
#include "layer/toc_sink.h"

namespace slipway::layer {
namespace {

using namespace std::string_literals;

constexpr std::string_view kTocName = "stargz.index.json";
// Tells that no files are marked as those to fetch first, which a reader would look for.
constexpr std::string_view kNoPrefetchName = ".no.prefetch.landmark";
constexpr std::string_view kPrefetchName = ".prefetch.landmark";
constexpr std::string_view kLandmarkData = "\x0f";

TarEntry plain_file(std::string_view name, uint64_t size) {
  TarEntry entry;
  entry.name = name;
  entry.mode = 0444;
  entry.size = size;
  return entry;
}

Status check_reserved(const std::vector<TocEntry>& entries) {
  for (const TocEntry& toc : entries) {
    const std::string& name = toc.entry.name;
    if (name != kTocName && name != kNoPrefetchName && name != kPrefetchName) continue;
    return make_error(ErrorCode::Unsupported,
                      "write layer: /{}: a file of this name has a meaning of its own in estargz",
                      name)
        .with_hint("remove the file, or use compression=gzip");
  }
  return {};
}

// An empty gzip member (RFC 1952) with an extra field "SG".
std::string footer(uint64_t toc_offset) {
  const std::string place = fmt::format("{:016x}STARGZ", toc_offset);
  return "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x1a\x00SG\x16\x00"s + place +
         "\x01\x00\x00\xff\xff"s + std::string(8, '\0');
}

}  // namespace

Result<SeekableLayer> write_estargz(const WriteTar& write_tar, BlockPipeline& pipeline,
                                    store::ContentWriter& out) {
  TocSink sink(pipeline, nullptr);
  TRY(write_tar(sink));
  TRY(check_reserved(sink.entries()));
  // What follows lies behind the end of the archive: who unpacks it as tar never sees these two
  // files, who reads the table of contents does. (BuildKit writes its table there, too.)
  TRY(sink.member(plain_file(kNoPrefetchName, kLandmarkData.size())));
  TRY(sink.append(kLandmarkData));
  TRY(sink.append_zeros(tar_padding(kLandmarkData.size())));
  TRY(pipeline.flush());

  const uint64_t toc_offset = out.bytes_written();
  const std::string toc =
      toc_json(LayerFormat::Estargz, sink.entries(), pipeline.chunks(), Digest());
  std::string archive = encode_tar_header(plain_file(kTocName, toc.size())) + toc;
  archive.append(tar_padding(toc.size()) + kTarEndBytes, '\0');
  TRY(pipeline.append_whole(archive));  // readers expect one member
  SeekableLayer layer;
  layer.totals = TRY(pipeline.finish());
  TRY(out.write(footer(toc_offset)));
  layer.annotations[annotation::kStargzToc] = Digest::sha256_of(toc).str();
  layer.annotations[annotation::kStargzTarBytes] = std::to_string(layer.totals.raw_bytes);
  return layer;
}

}  // namespace slipway::layer
