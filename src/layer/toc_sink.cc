#include "layer/toc_sink.h"

#include <algorithm>

#include "base/check.h"
#include "base/unicode.h"

namespace slipway::layer {
namespace {

Status check_names(const TarEntry& entry, LayerFormat format) {
  bool fits = is_utf8(entry.name) && is_utf8(entry.link_name);
  for (const auto& [name, value] : entry.xattrs) fits = fits && is_utf8(name);
  if (fits) return {};
  return make_error(
             ErrorCode::Unsupported,
             "write layer: /{}: its name, the target of its link or the name of an attribute "
             "is not UTF-8, and the table of contents of {} can hold nothing else",
             entry.name, layer_format_name(format))
      .with_hint("use compression=gzip or compression=zstd");
}

}  // namespace

std::span<char> TocSink::room() {
  const std::span<char> all = pipeline_.room();
  return data_left_ == 0 ? all : all.first(std::min<uint64_t>(all.size(), data_left_));
}

Status TocSink::advance(size_t count) {
  const std::string_view bytes(pipeline_.room().data(), count);
  if (data_left_ == 0) {
    if (tar_split_ != nullptr) tar_split_->add_raw(bytes);
    return pipeline_.advance(count);
  }
  take_data(bytes);
  TRY(pipeline_.advance(count));
  return data_left_ == 0 ? end_data() : Status();
}

Status TocSink::member(const TarEntry& entry) {
  CHECK(data_left_ == 0);
  const StreamFormat& format = pipeline_.format();
  TRY(check_names(entry, format.compression));
  TRY(append(encode_tar_header(entry)));
  entries_.push_back({entry, chunks_, 0, {}});
  if (entry.size == 0) return tar_split_ != nullptr ? tar_split_->add_file(entry, 0) : Status();
  entries_.back().chunks = (entry.size + format.block_bytes - 1) / format.block_bytes;
  chunks_ += entries_.back().chunks;
  data_left_ = entry.size;
  crc_ = 0;
  TRY(pipeline_.cut(1));
  pipeline_.note_chunks(true);
  return {};
}

void TocSink::take_data(std::string_view bytes) {
  data_left_ -= bytes.size();
  if (entries_.back().chunks > 1) hash_.update(bytes);
  if (tar_split_ != nullptr) crc_ = TarSplit::crc(crc_, bytes);
}

Status TocSink::end_data() {
  TRY(pipeline_.cut(1));
  pipeline_.note_chunks(false);
  TocEntry& toc = entries_.back();
  if (toc.chunks > 1) {
    toc.digest = hash_.finish();
    hash_ = Sha256();
  }
  return tar_split_ != nullptr ? tar_split_->add_file(toc.entry, crc_) : Status();
}

}  // namespace slipway::layer
