// For tests: an OCI layout on disk, built blob by blob.
#pragma once

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

namespace slipway::source {

using TarFiles = std::vector<std::pair<std::string, std::string>>;  // name -> content

// A plain ustar archive of regular files.
inline std::string make_tar(const TarFiles& files) {
  std::string tar;
  for (const auto& [name, content] : files) {
    std::string header(512, '\0');
    const auto put = [&](size_t at, const std::string& text) {
      header.replace(at, text.size(), text);
    };
    char size[13];
    std::snprintf(size, sizeof(size), "%011o", static_cast<unsigned>(content.size()));
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, size);
    put(136, "00000000000");
    put(148, "        ");
    header[156] = '0';
    put(257, std::string("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof(checksum), "%06o", sum);
    put(148, std::string(checksum, 7));
    tar += header + content + std::string((512 - content.size() % 512) % 512, '\0');
  }
  return tar + std::string(1024, '\0');
}

class TestLayout {
 public:
  TestLayout() : directory_(*TempDir::create("/var/tmp", "slipway-layout-")) { save(); }

  const std::filesystem::path& path() const { return directory_.path(); }

  Descriptor add_blob(const std::string& bytes, const std::string& media_type) {
    Descriptor descriptor;
    descriptor.media_type = media_type;
    descriptor.digest = Digest::sha256_of(bytes);
    descriptor.size = bytes.size();
    const auto blobs = path() / "blobs" / "sha256";
    (void)make_directories(blobs).has_value();
    (void)write_file_atomic(blobs / std::string(descriptor.digest.hex()), bytes).has_value();
    return descriptor;
  }

  // An image of uncompressed layers; its manifest is added to index.json under `tag`.
  Descriptor add_image(const std::string& tag, const std::vector<TarFiles>& layers,
                       const std::vector<Digest>& wrong_diff_ids = {}) {
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    ImageConfig config;
    config.platform = Platform::host();
    for (const TarFiles& files : layers) {
      const std::string tar = make_tar(files);
      manifest.layers.push_back(add_blob(tar, media_type::kOciLayer));
      config.diff_ids.push_back(Digest::sha256_of(tar));
    }
    if (!wrong_diff_ids.empty()) config.diff_ids = wrong_diff_ids;
    manifest.config = add_blob(to_json(config), media_type::kOciConfig);
    Descriptor descriptor = add_blob(to_json(manifest), media_type::kOciManifest);
    descriptor.annotations["org.opencontainers.image.ref.name"] = tag;
    index_.manifests.push_back(descriptor);
    save();
    return descriptor;
  }

 private:
  void save() {
    (void)write_file_atomic(path() / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})").has_value();
    std::string text = to_json(index_);
    if (index_.manifests.empty()) text = R"({"schemaVersion":2,"manifests":[]})";
    (void)write_file_atomic(path() / "index.json", text).has_value();
  }

  TempDir directory_;
  Index index_{media_type::kOciIndex, {}, {}};
};

}  // namespace slipway::source
