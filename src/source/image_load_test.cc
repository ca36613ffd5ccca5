#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "source/image_import.h"
#include "source/testing_layout.h"

namespace slipway::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

class LoadTest : public ::testing::Test {
 protected:
  Result<std::vector<ImportedImage>> load(const std::string& tar) {
    const UniqueFd fd(::memfd_create("archive", MFD_CLOEXEC));
    EXPECT_TRUE(write_all(fd.get(), tar));
    ::lseek(fd.get(), 0, SEEK_SET);
    return load_archive(*store_, fd.get(), std::nullopt, reporter_, {});
  }
  Result<std::vector<ImportedImage>> load_file(const std::filesystem::path& path) {
    const UniqueFd fd = *open_file(path, O_RDONLY);
    return load_archive(*store_, fd.get(), std::nullopt, reporter_, {});
  }
  static int run(std::vector<std::string> argv) {
    const auto ran = run_command({.argv = std::move(argv)});
    EXPECT_TRUE(ran) << ran.error().message();
    if (ran && !ran->status.success()) ADD_FAILURE() << ran->stderr_text;
    return ran ? ran->status.shell_code() : -1;
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-load-");
  std::unique_ptr<store::Store> store_ =
      *store::Store::open({directory_.path() / "store", false, {}});
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

std::string docker_config(const std::string& layer) {
  ImageConfig config;
  config.platform = Platform::host();
  config.diff_ids = {Digest::sha256_of(layer)};
  return to_json(config);
}

TEST_F(LoadTest, DockersOlderFormat) {
  const std::string layer = make_tar({{"a", "1"}});
  const auto loaded = load(
      make_tar({{"manifest.json",
                 R"([{"Config":"c.json","RepoTags":["app:1","other"],"Layers":["x/layer.tar"]}])"},
                {"./x/layer.tar", layer},
                {"c.json", docker_config(layer)}}));
  ASSERT_TRUE(loaded) << loaded.error().message();
  ASSERT_EQ(loaded->size(), 2u);
  EXPECT_EQ(loaded->at(1).name, "docker.io/library/other:latest");
  const auto named = *store_->images().find("docker.io/library/app:1");
  ASSERT_TRUE(named);
  const Manifest manifest = *parse_manifest(*store_->content().read(named->target.digest));
  EXPECT_EQ(manifest.layers.at(0).digest, Digest::sha256_of(layer));
  EXPECT_EQ(manifest.layers.at(0).media_type, media_type::kDockerLayer);
}

TEST_F(LoadTest, WhatSkopeoWrites) {
  TestLayout layout;
  layout.add_image("1", {{{"a", "1"}}, {{"b", "2"}}});
  const std::string source = "oci:" + layout.path().string() + ":1";
  const std::string oci = (directory_.path() / "oci.tar").string();
  const std::string docker = (directory_.path() / "docker.tar").string();
  if (run({"skopeo", "copy", "-q", source, "oci-archive:" + oci + ":reg.lan/app:2"}) != 0) return;
  run({"skopeo", "copy", "-q", source, "docker-archive:" + docker + ":app:3"});
  run({"gzip", docker});
  const auto from_oci = load_file(oci);
  ASSERT_TRUE(from_oci) << from_oci.error().message();
  EXPECT_EQ(from_oci->at(0).name, "reg.lan/app:2");
  const auto from_docker = load_file(docker + ".gz");
  ASSERT_TRUE(from_docker) << from_docker.error().message();
  EXPECT_EQ(from_docker->at(0).name, "docker.io/library/app:3");
  EXPECT_EQ(store_->images().list()->size(), 2u);
}

// 500 * 500 * 500 * 500 visits would take a year.
TEST_F(LoadTest, AnIndexThatNamesItsChildrenManyTimesIsReadOnce) {
  TarFiles files;
  const auto add = [&](const std::string& text, const char* type) {
    const Digest digest = Digest::sha256_of(text);
    files.push_back({"blobs/sha256/" + std::string(digest.hex()), text});
    Descriptor descriptor;
    descriptor.media_type = type;
    descriptor.digest = digest;
    descriptor.size = text.size();
    return descriptor;
  };
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.config = add(docker_config("layer"), media_type::kOciConfig);
  Descriptor target = add(to_json(manifest), media_type::kOciManifest);
  for (int depth = 0; depth < 4; ++depth) {
    Index index;
    index.media_type = media_type::kOciIndex;
    index.manifests.assign(500, target);
    target = add(to_json(index), media_type::kOciIndex);
  }
  Index top;
  top.media_type = media_type::kOciIndex;
  top.manifests = {target};
  files.push_back({"index.json", to_json(top)});
  const auto loaded = load(make_tar(files));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->at(0).target.digest, target.digest);
}

TEST_F(LoadTest, RefusesWhatIsIncompleteOrHostile) {
  const std::string layer = make_tar({{"a", "1"}});
  const auto message = [&](const TarFiles& files) {
    const auto loaded = load(make_tar(files));
    return loaded ? "loaded" : loaded.error().message();
  };
  EXPECT_THAT(message({{"hello.txt", "x"}}), HasSubstr("no image archive"));
  EXPECT_THAT(message({{"../x.json", "{}"}}), HasSubstr("leads out of the archive"));
  EXPECT_THAT(message({{"manifest.json", R"([{"Config":"c.json","Layers":[]}])"}}),
              HasSubstr("config c.json is not in the archive"));
  EXPECT_THAT(message({{"manifest.json", R"([{"Config":"c.json","Layers":["l"]}])"},
                       {"c.json", docker_config(layer)}}),
              HasSubstr("layer l is not in the archive"));
  EXPECT_THAT(message({{"blobs/sha256/" + std::string(64, 'a'), "x"}}), HasSubstr("sha256"));
  EXPECT_THAT(message({{"index.json",
                        fmt::format(R"({{"schemaVersion":2,"manifests":[{{"mediaType":"{}",)"
                                    R"("digest":"{}","size":1}}]}})",
                                    media_type::kOciManifest, Digest::sha256_of("x").str())}}),
              HasSubstr("incomplete"));
  EXPECT_THAT(load("no tar at all").error().message(), HasSubstr("load image archive"));
  EXPECT_TRUE(store_->images().list()->empty());
}

}  // namespace
}  // namespace slipway::source
