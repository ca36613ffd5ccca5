// Exporters on a real store; other tools read what they write.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "exporter/exporter.h"
#include "exporter/image_assembly.h"
#include "layer/diff.h"
#include "oci/manifest.h"
#include "registry/options.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WarningSink final : public progress::Sink {
 public:
  void handle(const progress::Event& event) override {
    const auto* warning = std::get_if<progress::WarningEvent>(&event);
    if (warning != nullptr) warnings.push_back(warning->message);
  }
  std::vector<std::string> warnings;
};

class ExporterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: overlay mounts";
    store_ = *store::Store::open({temp_->path() / "store", false, {}});
    build_.platforms.resize(1);
    PlatformResult& built = build_.platforms.front();
    built.platform = Platform::host();
    built.config.platform = Platform::host();
    built.config.config.cmd = std::vector<std::string>{"/bin/tool"};
    // base: bin/tool, etc/old; then: etc/old removed, etc/new added
    built.snapshot = add_layer({}, [](const fs::path& upper) {
      put(upper / "bin/tool", "#!/bin/sh\n", 04755);
      put(upper / "etc/old", "old");
    });
    built.snapshot = add_layer(built.snapshot, [](const fs::path& upper) {
      put(upper / "etc/new", "new");
      ASSERT_EQ(::mknod((upper / "etc/old").c_str(), S_IFCHR, makedev(0, 0)), 0);
    });
    for (const char* command : {"COPY base /", "RUN change"}) {
      HistoryEntry entry;
      entry.created_by = command;
      built.config.history.push_back(entry);
    }
    HistoryEntry cmd;
    cmd.created_by = "CMD [\"/bin/tool\"]";
    cmd.empty_layer = true;
    built.config.history.push_back(cmd);
  }

  static void put(const fs::path& path, std::string_view text, unsigned mode = 0644) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, text));
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  template <typename Fill>
  store::SnapshotId add_layer(store::SnapshotId parent, Fill fill) {
    auto active = *store_->snapshotter().prepare(parent);
    fill(active->layers().upper);
    const store::SnapshotId id = *active->commit();
    pins_.push_back(*store_->snapshotter().pin(id));
    return id;
  }

  Result<ExportedImage> run(std::map<std::string, std::string> fields,
                            std::vector<std::string> names = {}) {
    ExporterOptions options;
    options.fields = std::move(fields);
    options.names = std::move(names);
    options.working_directory = temp_->path();
    const std::unique_ptr<Exporter> exporter = TRY(make_exporter(std::move(options)));
    ExportContext context{*store_, *client_, pool_, progress_, {}};
    ExportedImage image = TRY(exporter->run(build_, context));
    TRY(exporter->finalize(context));
    return image;
  }
  ExportedImage must_run(std::map<std::string, std::string> fields,
                         std::vector<std::string> names = {}) {
    Result<ExportedImage> image = run(std::move(fields), std::move(names));
    if (!image) ADD_FAILURE() << image.error().message();
    return image ? *image : ExportedImage();
  }

  // One more platform, on the layer that the first one begins with.
  void add_platform(const std::string& platform, const std::string& text) {
    PlatformResult other = build_.platforms.front();
    other.platform = *Platform::parse(platform);
    other.config.platform = other.platform;
    const store::SnapshotId base = store_->snapshotter().ancestry(other.snapshot)->back();
    other.snapshot = add_layer(base, [&](const fs::path& upper) { put(upper / "etc/new", text); });
    build_.platforms.push_back(std::move(other));
    build_.multi_platform = true;
  }

  std::string command(std::vector<std::string> argv) {
    ProcessOptions options;
    options.argv = std::move(argv);
    options.working_directory = temp_->path();
    const Result<CommandOutput> output = run_command(options);
    if (!output) {
      ADD_FAILURE() << output.error().message();
      return {};
    }
    EXPECT_TRUE(output->status.success()) << options.argv[0] << ": " << output->stderr_text;
    return output->stdout_text;
  }
  std::string text(const std::string& path) { return *read_file(temp_->path() / path); }
  Manifest manifest_of(const ExportedImage& image) {
    return *parse_manifest(*store_->content().read(image.target.digest));
  }
  ImageConfig config_of(const ExportedImage& image) {
    return *parse_image_config(*store_->content().read(image.config.value()));
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-exporter-test-");
  std::unique_ptr<store::Store> store_;
  std::vector<std::shared_ptr<const void>> pins_;
  std::unique_ptr<registry::Client> client_ = registry::make_client({});
  ThreadPool pool_{2};
  WarningSink sink_;
  progress::VertexReporter progress_{sink_, Digest()};
  BuildResult build_;
};

TEST_F(ExporterTest, AnImageIsNamedInTheStoreAndStaysTheSame) {
  const ExportedImage image = must_run({{"type", "image"}}, {"app:1", "example.com/app"});
  ASSERT_EQ(image.names.size(), 2u);
  for (const char* name : {"docker.io/library/app:1", "example.com/app:latest"}) {
    const auto stored = *store_->images().find(name);
    ASSERT_TRUE(stored) << name;
    EXPECT_EQ(stored->target.digest, image.target.digest);
  }
  const Manifest manifest = manifest_of(image);
  EXPECT_EQ(manifest.media_type, media_type::kOciManifest);
  EXPECT_EQ(manifest.layers.size(), 2u);
  EXPECT_EQ(manifest.layers[0].media_type, media_type::kOciLayerGzip);
  const ImageConfig config = config_of(image);
  EXPECT_EQ(config.diff_ids.size(), 2u);
  EXPECT_EQ(config.history.size(), 3u);
  for (const HistoryEntry& entry : config.history) EXPECT_FALSE(entry.created.empty());
  EXPECT_EQ(config.created, config.history.back().created);
  EXPECT_EQ(must_run({{"type", "image"}}, {"app:1"}).target.digest, image.target.digest);
}

TEST_F(ExporterTest, DockerMediaTypesAndCompressionsOnRequest) {
  const Manifest docker = manifest_of(must_run({{"type", "image"}, {"oci-mediatypes", "false"}}));
  EXPECT_EQ(docker.media_type, media_type::kDockerManifest);
  EXPECT_EQ(docker.config.media_type, media_type::kDockerConfig);
  EXPECT_EQ(docker.layers[1].media_type, media_type::kDockerLayerGzip);
  const Manifest zstd = manifest_of(
      must_run({{"type", "image"}, {"compression", "zstd"}, {"compression-level", "9"}}));
  EXPECT_EQ(zstd.layers[0].media_type, media_type::kOciLayerZstd);
  const Manifest plain =
      manifest_of(must_run({{"type", "image"}, {"compression", "uncompressed"}}));
  EXPECT_EQ(plain.layers[0].media_type, media_type::kOciLayer);
  EXPECT_EQ(plain.layers[0].digest,
            config_of(must_run({{"type", "image"}, {"compression", "uncompressed"}})).diff_ids[0]);
}

TEST_F(ExporterTest, SeekableLayersKeepTheirAnnotations) {
  for (const char* compression : {"estargz", "zstd:chunked"}) {
    // As BuildKit: what has annotations has OCI's types.
    const auto make = [&] {
      return must_run(
          {{"type", "image"}, {"compression", compression}, {"oci-mediatypes", "false"}});
    };
    const ExportedImage image = make();
    const Manifest manifest = manifest_of(image);
    EXPECT_EQ(manifest.media_type, media_type::kOciManifest);
    for (const Descriptor& layer : manifest.layers) {
      EXPECT_EQ(layer_format_name(*layer_format(layer)), compression);
      EXPECT_EQ(toc_annotations(layer), layer.annotations);
    }
    EXPECT_EQ(make().target.digest, image.target.digest) << "layers found in the store";
  }
}

TEST_F(ExporterTest, TheEpochMakesImagesReproducible) {
  build_.platforms.front().epoch = 1'000'000'000;
  const ExportedImage image = must_run({{"type", "image"}, {"rewrite-timestamp", "true"}});
  EXPECT_EQ(config_of(image).created, "2001-09-09T01:46:40Z");
  EXPECT_EQ(config_of(image).history[0].created, "2001-09-09T01:46:40Z");
  const auto unpacked = temp_->path() / "unpacked";
  fs::create_directories(unpacked);
  const UniqueFd blob = *store_->content().open(manifest_of(image).layers[0].digest);
  ASSERT_TRUE(layer::apply_layer(blob.get(), unpacked, {}, {}));
  struct stat info;
  ASSERT_EQ(::lstat((unpacked / "bin/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtime, 1'000'000'000);
}

TEST_F(ExporterTest, AnnotationsReachTheManifest) {
  const ExportedImage image = must_run({{"type", "image"},
                                        {"annotation.org.example.a", "1"},
                                        {"annotation-manifest-descriptor.org.example.b", "2"}});
  EXPECT_EQ(manifest_of(image).annotations.at("org.example.a"), "1");
  EXPECT_EQ(image.target.annotations.at("org.example.b"), "2");
  EXPECT_FALSE(run({{"type", "image"}, {"annotation-index.x", "1"}}));
}

TEST_F(ExporterTest, SeveralPlatformsAreAnIndexThatToolsRead) {
  add_platform("linux/arm64", "arm64 only");
  const ExportedImage image = must_run({{"type", "oci"},
                                        {"dest", "multi.tar"},
                                        {"annotation-index.where", "index"},
                                        {"annotation-manifest[linux/arm64].where", "arm64"},
                                        {"annotation-manifest-descriptor.where", "descriptor"}},
                                       {"app:1"});
  const Index index = *parse_index(*store_->content().read(image.target.digest));
  EXPECT_FALSE(image.config.has_value());
  EXPECT_EQ(index.media_type, media_type::kOciIndex);
  EXPECT_EQ(index.annotations.at("where"), "index");
  ASSERT_EQ(index.manifests.size(), 2u);
  EXPECT_EQ(index.manifests[0].platform->str(), Platform::host().str());
  EXPECT_EQ(index.manifests[1].platform->str(), "linux/arm64");
  EXPECT_EQ(index.manifests[1].annotations.at("where"), "descriptor");
  const auto manifest = [&](size_t i) {
    return *parse_manifest(*store_->content().read(index.manifests[i].digest));
  };
  EXPECT_TRUE(manifest(0).annotations.empty());
  EXPECT_EQ(manifest(1).annotations.at("where"), "arm64");
  EXPECT_EQ(manifest(0).layers[0], manifest(1).layers[0]);  // the base is one blob
  EXPECT_THAT(command({"skopeo", "inspect", "--override-arch", "arm64", "--config",
                       "oci-archive:multi.tar"}),
              HasSubstr("\"architecture\": \"arm64\""));
}

TEST_F(ExporterTest, OnePlatformHasAnIndexWhereThatIsAskedFor) {
  build_.multi_platform = true;
  const ExportedImage image = must_run({{"type", "image"}, {"oci-mediatypes", "false"}}, {"app:1"});
  const Index index = *parse_index(*store_->content().read(image.target.digest));
  EXPECT_EQ(index.media_type, media_type::kDockerManifestList);
  EXPECT_EQ(index.manifests.size(), 1u);
  EXPECT_FALSE(run({{"type", "docker"}, {"dest", "one.tar"}}));
}

TEST_F(ExporterTest, AnnotationsNeedAPlace) {
  EXPECT_FALSE(run({{"type", "image"}, {"annotation-manifest[linux/s390x].a", "1"}}));
  EXPECT_FALSE(run({{"type", "image"}, {"annotation-index-descriptor.a", "1"}}));
  EXPECT_FALSE(run({{"type", "image"}, {"annotation-indx.a", "1"}}));
  EXPECT_FALSE(run({{"type", "image"}, {"annotation-index[linux/amd64].a", "1"}}));
}

TEST_F(ExporterTest, PlatformsHaveFoldersOrOneTreeWithoutConflicts) {
  add_platform("linux/arm64", "arm64 only");
  const std::string native = "linux_" + Platform::host().architecture;
  must_run({{"type", "local"}, {"dest", "out"}});
  EXPECT_EQ(text("out/linux_arm64/etc/new"), "arm64 only");
  EXPECT_EQ(text("out/" + native + "/etc/new"), "new");
  must_run({{"type", "tar"}, {"dest", "out.tar"}});
  EXPECT_THAT(command({"tar", "-tf", "out.tar"}),
              AllOf(HasSubstr("linux_arm64/\n"), HasSubstr(native + "/bin/tool\n")));
  put(temp_->path() / "out/stale/file", "");
  put(temp_->path() / "out/linux_arm64/stale", "");
  must_run({{"type", "local"}, {"dest", "out"}, {"mode", "delete"}});
  EXPECT_FALSE(fs::exists(temp_->path() / "out/stale"));
  EXPECT_FALSE(fs::exists(temp_->path() / "out/linux_arm64/stale"));
  const Result<ExportedImage> one =
      run({{"type", "local"}, {"dest", "one"}, {"platform-split", "false"}});
  ASSERT_FALSE(one);
  EXPECT_THAT(one.error().message(), HasSubstr("cannot overwrite "));
}

TEST_F(ExporterTest, AFileOfOnePlatformDoesNotTakeThePlaceOfADirectoryOfAnother) {
  add_platform("linux/arm64", "arm64 only");
  // "etc" is a directory of the first.
  build_.platforms[0].snapshot =
      add_layer({}, [](const fs::path& upper) { put(upper / "etc/kept", "kept"); });
  build_.platforms[1].snapshot =
      add_layer({}, [](const fs::path& upper) { put(upper / "etc", "a file"); });
  for (int order = 0; order < 2; ++order) {
    const Result<ExportedImage> one =
        run({{"type", "local"}, {"dest", "one"}, {"platform-split", "false"}});
    ASSERT_FALSE(one);
    EXPECT_THAT(one.error().message(), HasSubstr("cannot overwrite etc "));
    std::swap(build_.platforms[0].snapshot, build_.platforms[1].snapshot);
  }
}

// Says this of every platform's files.
Attest says(std::vector<Attestation> said) {
  return [said](const std::vector<Descriptor>& layers) {
    EXPECT_TRUE(layers.empty());
    return Result<std::vector<Attestation>>(said);
  };
}
const Attestation kProvenance{"https://slsa.dev/provenance/v1", "{\"a\": {}}", "provenance.json"};
const Attestation kSbom{"https://spdx.dev/Document", "{}", "sbom.spdx.json"};

TEST_F(ExporterTest, AttestationsAreFilesAboutTheFilesBesideThem) {
  build_.platforms[0].epoch = 1'000'000'000;
  build_.platforms[0].attest = says({kSbom, kProvenance});
  must_run({{"type", "local"}, {"dest", "out"}});
  // As BuildKit writes it.
  EXPECT_EQ(text("out/provenance.json"), R"({
  "_type": "https://in-toto.io/Statement/v1",
  "predicateType": "https://slsa.dev/provenance/v1",
  "subject": [
    {
      "name": "bin/tool",
      "digest": {
        "sha256": "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"
      }
    },
    {
      "name": "etc/new",
      "digest": {
        "sha256": "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"
      }
    }
  ],
  "predicate": {
    "a": {}
  }
})");
  struct stat info;
  ASSERT_EQ(::lstat((temp_->path() / "out/sbom.spdx.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_mtime, 1'000'000'000);
  must_run({{"type", "tar"}, {"dest", "out.tar"}, {"attestation-prefix", "about-"}});
  EXPECT_EQ(command({"tar", "-tf", "out.tar"}),
            "about-provenance.json\nabout-sbom.spdx.json\nbin/\nbin/tool\netc/\netc/new\n");
}

TEST_F(ExporterTest, AttestationsOfSeveralPlatformsAreToldApart) {
  add_platform("linux/arm64", "arm64 only");
  build_.platforms[0].snapshot =
      add_layer({}, [](const fs::path& upper) { put(upper / "native", ""); });
  for (PlatformResult& platform : build_.platforms) platform.attest = says({kProvenance, kSbom});
  must_run({{"type", "local"}, {"dest", "out"}});
  EXPECT_THAT(text("out/linux_arm64/provenance.json"), HasSubstr("\"name\": \"etc/new\""));
  must_run({{"type", "local"}, {"dest", "one"}, {"platform-split", "false"}});
  EXPECT_THAT(text("one/provenance.linux_arm64.json"), HasSubstr("\"name\": \"etc/new\""));
  EXPECT_TRUE(fs::exists(temp_->path() / "one/sbom.spdx.linux_arm64.json"));
  EXPECT_FALSE(fs::exists(temp_->path() / "one/provenance.json"));
}

TEST_F(ExporterTest, AnAttestationTakesThePlaceOfAFileAndOfNoOtherAttestation) {
  PlatformResult& built = build_.platforms[0];
  built.snapshot = add_layer(built.snapshot, [](const fs::path& upper) {
    put(upper / "provenance.json", "of the build before");
    put(upper / "sbom.spdx.json/not-a-file", "");
  });
  built.attest = says({kProvenance, kSbom});
  must_run({{"type", "local"}, {"dest", "out"}});
  EXPECT_THAT(text("out/provenance.json"), HasSubstr("\"name\": \"provenance.json\""));
  EXPECT_TRUE(fs::is_regular_file(temp_->path() / "out/sbom.spdx.json"));
  EXPECT_EQ(sink_.warnings.size(), 2u);

  built.attest = says({kProvenance, kProvenance});
  const Result<ExportedImage> twice = run({{"type", "local"}, {"dest", "twice"}});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(), "duplicate attestation path name provenance.json");
}

TEST_F(ExporterTest, AnInlineAttestationIsForImagesOnly) {
  Attestation provenance = kProvenance;
  provenance.inline_only = true;
  build_.platforms[0].attest = says({provenance});
  must_run({{"type", "tar"}, {"dest", "root.tar"}});
  EXPECT_EQ(command({"tar", "-tf", "root.tar"}), "bin/\nbin/tool\netc/\netc/new\n");
}

TEST_F(ExporterTest, WhatHasNoFilesHasAttestationsAboutNone) {
  build_.platforms[0].snapshot = {};
  build_.platforms[0].attest = says({kProvenance});
  must_run({{"type", "local"}, {"dest", "out"}});
  EXPECT_THAT(text("out/provenance.json"), HasSubstr("\"subject\": []"));
  EXPECT_FALSE(run({{"type", "local"}, {"dest", "out"}, {"attestation-prefix", "a/"}}));
}

TEST_F(ExporterTest, SkopeoAndUmociReadOciArchivesAndLayouts) {
  const ExportedImage image = must_run({{"type", "oci"}, {"dest", "app.tar"}}, {"app:1"});
  EXPECT_THAT(command({"skopeo", "inspect", "--format", "{{.Digest}}", "oci-archive:app.tar"}),
              HasSubstr(image.target.digest.str()));

  must_run({{"type", "oci"}, {"dest", "layout"}, {"tar", "false"}}, {"app:1"});
  must_run({{"type", "oci"}, {"dest", "layout"}, {"tar", "false"}, {"compression", "zstd"}},
           {"app:z"});
  must_run({{"type", "oci"}, {"dest", "layout"}, {"tar", "false"}}, {"app:1"});  // again
  EXPECT_EQ(parse_index(text("layout/index.json"))->manifests.size(), 2u);
  command({"skopeo", "copy", "oci:layout:z", "dir:copied"});
  command({"umoci", "unpack", "--image", "layout:1", "bundle"});
  EXPECT_EQ(text("bundle/rootfs/etc/new"), "new");
  EXPECT_FALSE(fs::exists(temp_->path() / "bundle/rootfs/etc/old"));
  struct stat info;
  ASSERT_EQ(::lstat((temp_->path() / "bundle/rootfs/bin/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 04755u);
}

// Every build is process 2 of its namespace: two that write one layout have the same id.
TEST_F(ExporterTest, BlobsThatAnotherBuildIsWritingAreLeftAlone) {
  const ExportedImage image = must_run({{"type", "image"}}, {"app:1"});
  const std::string blob = fmt::format("blobs/sha256/{}", std::string(image.target.digest.hex()));
  const std::string others = fmt::format("layout/{}.{}.tmp", blob, ::getpid());
  put(temp_->path() / others, "theirs");
  must_run({{"type", "oci"}, {"dest", "layout"}, {"tar", "false"}}, {"app:1"});
  EXPECT_EQ(text(others), "theirs");
  EXPECT_EQ(Digest::sha256_of(text("layout/" + blob)), image.target.digest);
}

TEST_F(ExporterTest, ABlobThatWasCutOffIsNotExported) {
  const ExportedImage image = must_run({{"type", "image"}}, {"app:1"});
  fs::resize_file(store_->content().path_of(*image.config), 10);
  const Result<ExportedImage> exported =
      run({{"type", "oci"}, {"dest", "layout"}, {"tar", "false"}}, {"app:1"});
  ASSERT_FALSE(exported);
  EXPECT_THAT(exported.error().message(), HasSubstr("shorter than its size"));
}

TEST_F(ExporterTest, DockerArchivesAreReadByDockersReaders) {
  const ExportedImage image = must_run({{"type", "docker"}, {"dest", "docker.tar"}}, {"app:1"});
  EXPECT_THAT(command({"skopeo", "inspect", "--config",
                       "docker-archive:docker.tar:docker.io/library/app:1"}),
              HasSubstr("/bin/tool"));
  EXPECT_THAT(command({"tar", "-xOf", "docker.tar", "manifest.json"}), HasSubstr("\"app:1\""));
}

TEST_F(ExporterTest, FileSystemsComeOutAsTarAndDirectory) {
  must_run({{"type", "tar"}, {"dest", "root.tar"}});
  EXPECT_EQ(command({"tar", "-tf", "root.tar"}), "bin/\nbin/tool\netc/\netc/new\n");

  put(temp_->path() / "out/etc/mine", "mine");
  put(temp_->path() / "out/etc/new/in-the-way", "");
  must_run({{"type", "local"}, {"dest", "out"}});
  EXPECT_EQ(text("out/etc/new"), "new");
  EXPECT_EQ(text("out/etc/mine"), "mine");
  must_run({{"type", "local"}, {"dest", "out"}, {"mode", "delete"}});
  EXPECT_FALSE(fs::exists(temp_->path() / "out/etc/mine"));
}

TEST_F(ExporterTest, StdoutIsWrittenByFinalizeWithItsOwnContext) {
  for (const char* type : {"oci", "tar"}) {
    const std::string path = temp_->path() / type;
    const UniqueFd file = *open_file(path, O_RDWR | O_CREAT);
    ExporterOptions options;
    options.fields = {{"type", type}, {"dest", "-"}};
    options.stdout_fd = file.get();
    const auto exporter = *make_exporter(options);
    {
      const auto gone =
          std::make_unique<ExportContext>(ExportContext{*store_, *client_, pool_, progress_, {}});
      ASSERT_TRUE(exporter->run(build_, *gone));
    }
    EXPECT_EQ(fs::file_size(path), 0u);
    ASSERT_TRUE(exporter->finalize({*store_, *client_, pool_, progress_, {}}));
    EXPECT_THAT(command({"tar", "-tf", path}), HasSubstr("\n"));
  }
}

TEST_F(ExporterTest, WhatWasWrongWithTheArchiveIsToldNotWhatItsReaderMakesOfIt) {
  ExporterOptions options;
  options.fields = {{"type", "docker"}};
  options.load_command = {"sh", "-c", "cat >/dev/null; echo unexpected EOF; exit 1"};
  const auto exporter = *make_exporter(options);
  const ExportContext context{*store_, *client_, pool_, progress_, {}};
  const ExportedImage image = *exporter->run(build_, context);
  ASSERT_TRUE(store_->content().remove(*image.config));
  const Status loaded = exporter->finalize(context);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), HasSubstr(image.config->str()));
}

TEST_F(ExporterTest, NothingAppearsBeforeFinalize) {
  ExporterOptions options;
  options.fields = {{"type", "oci"}, {"dest", "late.tar"}};
  options.working_directory = temp_->path();
  {
    const auto exporter = *make_exporter(options);
    ExportContext context{*store_, *client_, pool_, progress_, {}};
    ASSERT_TRUE(exporter->run(build_, context));
    EXPECT_FALSE(fs::exists(temp_->path() / "late.tar"));
  }
  for (const auto& entry : fs::directory_iterator(temp_->path())) {
    EXPECT_EQ(entry.path().filename(), "store");  // the unfinished file went with its exporter
  }
}

TEST(MakeExporter, RefusesWhatItDoesNotKnow) {
  const auto make = [](std::map<std::string, std::string> fields) {
    ExporterOptions options;
    options.fields = std::move(fields);
    return make_exporter(std::move(options));
  };
  EXPECT_THAT(make({{"type", "imag"}}).error().hint(), HasSubstr("image"));
  EXPECT_THAT(make({{"type", "image"}, {"compresion", "zstd"}}).error().hint(),
              HasSubstr("compression"));
  EXPECT_FALSE(make({{"type", "local"}}));
  EXPECT_FALSE(make({{"type", "image"}, {"compression", "lzma"}}));
  EXPECT_FALSE(make({{"type", "image"}, {"compression-level", "12"}}));
  EXPECT_FALSE(make({{"type", "oci"}, {"tar", "false"}}));
  EXPECT_TRUE(make({{"type", "cacheonly"}}));
}

TEST(CompleteConfig, EntriesWithoutTimeTakeThatOfTheirLayer) {
  ImageConfig config;
  HistoryEntry base;
  base.created = "2020-01-01T00:00:00Z";
  HistoryEntry env;  // before the first new layer: the time of that layer
  env.empty_layer = true;
  HistoryEntry run;
  HistoryEntry cmd;
  cmd.empty_layer = true;
  config.history = {base, env, run, cmd};
  std::vector<Layer> layers(2);
  layers[0].created = 5'000'000;
  layers[1].created = 7'000'000;
  config = complete_config(config, layers, {});
  EXPECT_EQ(config.history[0].created, "2020-01-01T00:00:00Z");
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(config.history[i].created, "1970-01-01T00:00:07Z") << i;
  EXPECT_EQ(config.created, "1970-01-01T00:00:07Z");
}

TEST(CompleteConfig, LayersAndHistoryAgreeInNumber) {
  ImageConfig config;
  config = complete_config(config, std::vector<Layer>(2), {});
  EXPECT_EQ(config.history.size(), 2u);
  config.history.resize(5);
  config = complete_config(config, std::vector<Layer>(1), {});
  size_t with_layer = 0;
  for (const HistoryEntry& entry : config.history) with_layer += !entry.empty_layer;
  EXPECT_EQ(with_layer, 1u);
}

}  // namespace
}  // namespace slipway::exporter
