// A hash of names that is the same on every machine: where blocks are cut and what part a file
// falls into depend on it (docs/layers.md).
#pragma once

#include <cstdint>
#include <string_view>

namespace slipway::layer {

// FNV-1a, then the finalizer of MurmurHash3: FNV alone leaves the last letters in few of the bits.
constexpr uint64_t name_hash(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace slipway::layer
