// Skeletons of layers: made of any blob, they are archives with the same names in the same order;
// and the annotation that names one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "layer/decompress.h"
#include "layer/skeleton.h"
#include "layer/tar_reader.h"
#include "oci/layer_skeleton.h"

using namespace slipway;

namespace {

// Small pieces cross every boundary there is.
layer::ByteStream pieces_of(std::string_view input) {
  return [rest = input]() mutable -> Result<std::string_view> {
    const std::string_view piece = rest.substr(0, std::min<size_t>(rest.size(), 97));
    rest.remove_prefix(piece.size());
    return piece;
  };
}

// A few bytes can stand for gigabytes.
std::string unpacked(std::string_view input) {
  std::string all;
  const auto stream = layer::make_decompressor(pieces_of(input));
  if (!stream) return all;
  std::string buffer(4096, '\0');
  while (all.size() < (4 << 20)) {
    const Result<size_t> got = (*stream)->read(buffer.data(), buffer.size());
    if (!got || *got == 0) break;
    all.append(buffer, 0, *got);
  }
  return all;
}

std::vector<std::string> names(std::string_view blob, bool skeleton) {
  const std::string tar = unpacked(blob);
  layer::TarReader reader(pieces_of(tar));
  std::vector<std::string> found;
  for (;;) {
    const auto entry = reader.next();
    if (!entry) std::abort();
    if (!*entry) return found;
    found.push_back((*entry)->name);
    const bool has_content = (*entry)->type == layer::EntryType::File && (*entry)->size > 0;
    if (skeleton && has_content && !layer::skeleton_keeps((*entry)->name, (*entry)->size)) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Descriptor descriptor;
  descriptor.annotations[kLayerSkeletonAnnotation] = input;
  if (const auto skeleton = skeleton_of(descriptor)) {
    Descriptor again;
    set_skeleton(again, *skeleton);
    if (skeleton_of(again) != skeleton) std::abort();
  }
  const std::string tar = unpacked(input);
  if (tar.size() >= (4 << 20)) return 0;
  const auto skeleton = layer::skeleton_of_blob(pieces_of(tar), Digest::sha256_of(tar), {});
  if (!skeleton || !*skeleton) return 0;
  if (names(**skeleton, true) != names(tar, false)) std::abort();
  return 0;
}
