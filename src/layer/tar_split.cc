#include "layer/tar_split.h"

#include <isa-l.h>

#include <utility>

#include "base/base64.h"
#include "oci/json_writer.h"

namespace slipway::layer {
namespace {

// The kinds of lines.
constexpr int64_t kFile = 1;
constexpr int64_t kRaw = 2;

std::string big_endian(uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

}  // namespace

uint64_t TarSplit::crc(uint64_t crc, std::string_view bytes) {
  return crc64_iso_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

Status TarSplit::write(std::string line) {
  line += '\n';
  raw_bytes_ += line.size();
  return text_.write(line);
}

Status TarSplit::write_raw() {
  if (raw_.empty()) return {};
  JsonWriter json;
  json.begin_object();
  json.key("type").number(kRaw);
  json.key("payload").string(encode_base64(std::exchange(raw_, {})));
  json.key("position").number(position_++);
  return write(json.end_object().take());
}

Status TarSplit::add_file(const TarEntry& entry, uint64_t crc) {
  TRY(write_raw());
  JsonWriter json;
  json.begin_object();
  json.key("type").number(kFile);
  json.key("name").string(entry.name);
  json.optional("size", static_cast<int64_t>(entry.size));
  json.key("payload");
  if (entry.size == 0) {
    json.null();
  } else {
    json.string(encode_base64(big_endian(crc)));
  }
  json.key("position").number(position_++);
  return write(json.end_object().take());
}

Result<TarSplit::Packed> TarSplit::finish() {
  TRY(write_raw());
  std::string bytes = TRY(text_.finish());
  return Packed{std::move(bytes), raw_bytes_};
}

}  // namespace slipway::layer
