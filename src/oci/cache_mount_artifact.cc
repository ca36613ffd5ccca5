#include "oci/cache_mount_artifact.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <nlohmann/json.hpp>

#include "oci/json_fields.h"
#include "oci/json_writer.h"

namespace slipway {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = 8 << 20;
constexpr int64_t kVersion = 1;

auto key_of(const PackedCacheMount& mount) {
  return std::tie(mount.id, mount.base);
}

// A number that is not negative and at most `most`.
Result<uint64_t> number(const json& object, const char* name, uint64_t most) {
  const int64_t value = TRY(json_fields::integer(object, name));
  if (value >= 0 && static_cast<uint64_t>(value) <= most) return static_cast<uint64_t>(value);
  return make_error(ErrorCode::InvalidInput, "\"{}\" is out of range: {}", name, value);
}

Result<CacheMountChunk> parse_chunk(const json& object, const std::vector<Descriptor>& layers) {
  const uint64_t index = TRY(number(object, "layer", INT64_MAX));
  if (index >= layers.size()) {
    return make_error(ErrorCode::InvalidInput, "\"layer\" is {}, but there are {}", index,
                      layers.size());
  }
  CacheMountChunk chunk;
  chunk.blob = layers[index];
  const std::string diff_id = TRY(json_fields::string(object, "diffId"));
  chunk.diff_id = TRY(Digest::parse(diff_id).context("diffId"));
  chunk.tar_bytes = TRY(number(object, "tarBytes", INT64_MAX));
  return chunk;
}

Result<PackedCacheMount> parse_mount(const json& object, const std::vector<Descriptor>& layers) {
  PackedCacheMount mount;
  mount.id = TRY(json_fields::string(object, "id"));
  mount.base = TRY(json_fields::string(object, "base"));
  if (mount.id.empty()) return make_error(ErrorCode::InvalidInput, "\"id\" is missing");
  if (!mount.base.empty()) TRY(Digest::parse(mount.base).context("base"));
  mount.uid = static_cast<uint32_t>(TRY(number(object, "uid", UINT32_MAX)));
  mount.gid = static_cast<uint32_t>(TRY(number(object, "gid", UINT32_MAX)));
  mount.mode = static_cast<uint32_t>(TRY(number(object, "mode", 07777)));
  mount.files = TRY(number(object, "files", INT64_MAX));
  mount.bytes = TRY(number(object, "bytes", INT64_MAX));
  for (const json* chunk : TRY(json_fields::objects(object, "chunks"))) {
    mount.chunks.push_back(TRY(parse_chunk(*chunk, layers)));
  }
  if (mount.chunks.empty()) return make_error(ErrorCode::InvalidInput, "it has no \"chunks\"");
  return mount;
}

}  // namespace

uint64_t unpacked_bytes(const PackedCacheMount& mount) {
  uint64_t total = 0;
  for (const CacheMountChunk& chunk : mount.chunks) {
    total += std::min(chunk.tar_bytes, UINT64_MAX - total);
  }
  return total;
}

CacheMountArtifact to_artifact(std::vector<PackedCacheMount> mounts) {
  std::ranges::sort(mounts, [](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  CacheMountArtifact artifact;
  std::map<Digest, int64_t> layers;
  const auto index_of = [&](const Descriptor& blob) {
    const auto [place, added] =
        layers.try_emplace(blob.digest, static_cast<int64_t>(artifact.layers.size()));
    if (added) artifact.layers.push_back(blob);
    return place->second;
  };
  JsonWriter writer;
  writer.begin_object();
  writer.key("version").number(kVersion);
  writer.key("cacheMounts").begin_array();
  for (const PackedCacheMount& mount : mounts) {
    writer.begin_object();
    writer.key("id").string(mount.id);
    writer.key("base").string(mount.base);
    writer.key("uid").number(mount.uid);
    writer.key("gid").number(mount.gid);
    writer.key("mode").number(mount.mode);
    writer.key("files").number(static_cast<int64_t>(mount.files));
    writer.key("bytes").number(static_cast<int64_t>(mount.bytes));
    writer.key("chunks").begin_array();
    for (const CacheMountChunk& chunk : mount.chunks) {
      writer.begin_object();
      writer.key("layer").number(index_of(chunk.blob));
      writer.key("diffId").string(chunk.diff_id.str());
      writer.key("tarBytes").number(static_cast<int64_t>(chunk.tar_bytes));
      writer.end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array().end_object();
  artifact.config = writer.take();
  return artifact;
}

Result<std::vector<PackedCacheMount>> parse_cache_mounts(std::string_view config,
                                                         const std::vector<Descriptor>& layers) {
  const json document = TRY(json_fields::parse_object(config, kMaxConfigBytes));
  const int64_t version = TRY(json_fields::integer(document, "version"));
  if (version != kVersion) {
    return make_error(ErrorCode::Unsupported, "cache mounts of version {}", version)
        .with_hint("a newer slipway wrote them");
  }
  std::vector<PackedCacheMount> mounts;
  for (const json* object : TRY(json_fields::objects(document, "cacheMounts"))) {
    mounts.push_back(
        TRY(parse_mount(*object, layers).context(fmt::format("cacheMounts[{}]", mounts.size()))));
  }
  std::ranges::sort(mounts, [](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  const auto twice = std::ranges::adjacent_find(
      mounts, [](const auto& a, const auto& b) { return key_of(a) == key_of(b); });
  if (twice == mounts.end()) return mounts;
  return make_error(ErrorCode::InvalidInput, "the cache mount {} is there twice", twice->id);
}

}  // namespace slipway
