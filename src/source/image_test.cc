#include "source/image.h"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/file_io.h"
#include "registry/options.h"
#include "registry/testing/registry_process.h"
#include "source/image_unpacker.h"
#include "source/testing_layout.h"

namespace slipway::source {
namespace {

using ::testing::HasSubstr;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

// Counts what is taken from the layout behind it.
class CountingOrigin final : public BlobOrigin {
 public:
  explicit CountingOrigin(std::shared_ptr<BlobOrigin> behind) : behind_(std::move(behind)) {}
  std::string name() const override { return behind_->name(); }
  Result<std::string> read(const Descriptor& wanted, std::stop_token stop) override {
    return behind_->read(wanted, stop);
  }
  Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) override {
    ++copied;
    return behind_->copy(wanted, sink, stop);
  }
  std::atomic<int> copied = 0;

 private:
  std::shared_ptr<BlobOrigin> behind_;
};

class ImageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "overlay layers with whiteouts need root";
  }
  std::unique_ptr<store::Store> open_store() {
    return *store::Store::open({directory_.path() / "store", false, {}});
  }
  ResolvedImage image_of(ImageSource& from, const std::string& tag) {
    const auto layout = OciLayout::open(layout_.path());
    EXPECT_TRUE(layout) << layout.error().message();
    const auto image = from.resolve(*layout, tag, Platform::host(), {});
    EXPECT_TRUE(image) << image.error().message();
    return *image;
  }
  // The merged content of a file; "" when it is not there.
  std::string file_in(store::Store& store, store::SnapshotId id, const std::string& name) {
    const auto target = directory_.path() / "mnt";
    EXPECT_TRUE(make_directories(target));
    const auto mount = store.snapshotter().mount(*store.snapshotter().view(id), target);
    EXPECT_TRUE(mount) << mount.error().message();
    return read_file(target / name).value_or("");
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-image-");
  TestLayout layout_;
  std::unique_ptr<registry::Client> client_ =
      registry::make_client({.retry_delay = std::chrono::milliseconds(1)});
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

TEST_F(ImageTest, LayersOfALayoutAreStacked) {
  layout_.add_image("1", {{{"etc/a", "one"}, {"etc/b", "two"}}, {{"etc/.wh.a", ""}}, {{"c", "3"}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  const ResolvedImage image = image_of(source, "1");
  ImageUnpacker unpacker(*store);
  EXPECT_EQ(*unpacker.find(image), std::nullopt);
  const auto unpacked = unpacker.unpack(image, reporter_, {});
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "etc/a"), "");
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "etc/b"), "two");
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "c"), "3");
  EXPECT_EQ(unpacker.find(image)->value().snapshot, unpacked->snapshot);
  EXPECT_EQ(store->layers().blobs_of(unpacked->snapshot)->at(0).descriptor.digest,
            image.manifest.layers[2].digest);
}

TEST_F(ImageTest, SharedLayersAreFetchedAndUnpackedOnce) {
  const TarFiles base = {{"base", "x"}};
  layout_.add_image("a", {base, {{"a", "1"}}});
  layout_.add_image("b", {base, {{"b", "2"}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  ImageUnpacker unpacker(*store);
  ResolvedImage a = image_of(source, "a");
  ResolvedImage b = image_of(source, "b");
  const auto origin = std::make_shared<CountingOrigin>(a.origin);
  a.origin = b.origin = origin;
  const auto top_a = unpacker.unpack(a, reporter_, {});
  const auto top_b = unpacker.unpack(b, reporter_, {});
  ASSERT_TRUE(top_a && top_b);
  EXPECT_EQ(origin->copied, 3);
  EXPECT_EQ(store->snapshotter().info(top_a->snapshot)->parent,
            store->snapshotter().info(top_b->snapshot)->parent);
}

TEST_F(ImageTest, ProcessesWorkingAtTheSameTimeFetchEachLayerOnce) {
  std::vector<TarFiles> layers;
  for (int i = 0; i < 12; ++i) layers.push_back({{fmt::format("f{}", i), std::string(20000, 'x')}});
  layout_.add_image("1", layers);
  const auto first = open_store();
  const auto second = open_store();
  ImageSource source(*first, *client_);
  ResolvedImage image = image_of(source, "1");
  const auto origin = std::make_shared<CountingOrigin>(image.origin);
  image.origin = origin;
  std::vector<store::SnapshotId> tops(4);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < tops.size(); ++i) {
      threads.emplace_back([&, i] {
        ImageUnpacker unpacker(i % 2 == 0 ? *first : *second);
        const auto unpacked = unpacker.unpack(image, reporter_, {});
        ASSERT_TRUE(unpacked) << unpacked.error().message();
        tops[i] = unpacked->snapshot;
      });
    }
  }
  EXPECT_EQ(origin->copied, 12);
  for (const store::SnapshotId top : tops) EXPECT_EQ(top, tops[0]);
}

TEST_F(ImageTest, ALayerThatIsNotWhatTheConfigSaysIsRefused) {
  const Digest other = Digest::sha256_of("other");
  layout_.add_image("1", {{{"a", "1"}}, {{"b", "2"}}},
                    {Digest::sha256_of(make_tar({{"a", "1"}})), other});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  const ResolvedImage image = image_of(source, "1");
  const auto unpacked = ImageUnpacker(*store).unpack(image, reporter_, {});
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(unpacked.error().message(), HasSubstr("instead of " + other.str()));
  EXPECT_EQ(*ImageUnpacker(*store).find(image), std::nullopt);
}

TEST_F(ImageTest, ABlobThatTheOriginHasChangedIsRefused) {
  layout_.add_image("1", {{{"a", "1"}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  const ResolvedImage image = image_of(source, "1");
  const auto blob =
      layout_.path() / "blobs/sha256" / std::string(image.manifest.layers[0].digest.hex());
  for (const std::string& evil : {make_tar({{"a", "evil"}}), std::string("\x1f\x8b no gzip")}) {
    ASSERT_TRUE(write_file_atomic(blob, evil));
    const auto unpacked = ImageUnpacker(*store).unpack(image, reporter_, {});
    ASSERT_FALSE(unpacked);
    EXPECT_THAT(unpacked.error().message(),
                HasSubstr("the content has digest " + Digest::sha256_of(evil).str()));
  }
  EXPECT_EQ(*store->content().size(image.manifest.layers[0].digest), std::nullopt);
}

// Gives the blobs of a layout in two pieces, with something happening in between.
class PausingOrigin final : public BlobOrigin {
 public:
  PausingOrigin(std::shared_ptr<BlobOrigin> behind, std::function<Status()> pause)
      : behind_(std::move(behind)), pause_(std::move(pause)) {}
  std::string name() const override { return behind_->name(); }
  Result<std::string> read(const Descriptor& wanted, std::stop_token stop) override {
    return behind_->read(wanted, stop);
  }
  Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) override {
    const std::string bytes = TRY(behind_->read(wanted, stop));
    TRY(sink.write(std::string_view(bytes).substr(0, bytes.size() / 2)));
    TRY(pause_());
    return sink.write(std::string_view(bytes).substr(bytes.size() / 2));
  }

 private:
  std::shared_ptr<BlobOrigin> behind_;
  std::function<Status()> pause_;
};

// Whether a file of that name is in any layer of the store.
bool is_unpacked(const std::filesystem::path& store, const std::string& name) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(store / "snapshots", error)) {
    if (std::filesystem::exists(entry.path() / "fs" / name)) return true;
  }
  return false;
}

TEST_F(ImageTest, UnpackingBeginsWhileTheBlobComes) {
  // More than the unpacker reads ahead.
  layout_.add_image("1", {{{"first", "1"}, {"last", std::string(16 << 20, 'x')}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  ResolvedImage image = image_of(source, "1");
  bool seen = false;
  image.origin = std::make_shared<PausingOrigin>(image.origin, [&]() -> Status {
    for (int i = 0; i < 500 && !seen; ++i) {
      seen = is_unpacked(directory_.path() / "store", "first");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  });
  const auto unpacked = ImageUnpacker(*store).unpack(image, reporter_, {});
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_TRUE(seen);
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "last").size(), 16u << 20);
  EXPECT_TRUE(store->content().size(image.manifest.layers[0].digest)->has_value());
}

TEST_F(ImageTest, ATransferThatEndsEarlyLeavesNothing) {
  layout_.add_image("1", {{{"first", "1"}, {"last", std::string(16 << 20, 'x')}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  ResolvedImage image = image_of(source, "1");
  image.origin = std::make_shared<PausingOrigin>(
      image.origin, []() -> Status { return Error(ErrorCode::Unavailable, "it went away"); });
  const auto unpacked = ImageUnpacker(*store).unpack(image, reporter_, {});
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(*store->content().size(image.manifest.layers[0].digest), std::nullopt);
  EXPECT_FALSE(is_unpacked(directory_.path() / "store", "first"));
}

TEST_F(ImageTest, ADamagedCopyInTheStoreIsFetchedAgain) {
  layout_.add_image("1", {{{"a", "right"}}});
  const auto store = open_store();
  ImageSource source(*store, *client_);
  const ResolvedImage image = image_of(source, "1");
  ImageUnpacker unpacker(*store);
  ASSERT_TRUE(unpacker.fetch(image, reporter_, {}));
  ASSERT_TRUE(write_file_atomic(store->content().path_of(image.manifest.layers[0].digest),
                                make_tar({{"a", "wrong"}})));
  const auto unpacked = unpacker.unpack(image, reporter_, {});
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "a"), "right");
}

TEST(LayoutLocationTest, TagsAndDigestsFollowTheDirectory) {
  const auto parts = [](const char* text) {
    const LayoutLocation location = LayoutLocation::parse(text);
    return location.directory + "|" + location.tag + "|" + location.digest;
  };
  EXPECT_EQ(parts("out"), "out||");
  EXPECT_EQ(parts("a:b/out"), "a:b/out||");
  EXPECT_EQ(parts("a:b/out:v1"), "a:b/out|v1|");
  EXPECT_EQ(parts("out@sha256:12"), "out||sha256:12");
  EXPECT_EQ(parts("me@host/out:v1"), "me@host/out|v1|");
  EXPECT_EQ(parts("me@host/out@sha256:12"), "me@host/out||sha256:12");
}

TEST_F(ImageTest, LayoutsNameWhatTheyHaveNot) {
  layout_.add_image("1.0", {});
  const auto layout = *OciLayout::open(layout_.path());
  EXPECT_TRUE(layout->find_tag(""));  // the only one
  const auto missing = layout->find_tag("2.0");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("it has 1.0"));
  EXPECT_EQ(OciLayout::open(directory_.path()).error().code(), ErrorCode::NotFound);
}

TEST_F(ImageTest, RegistryImagesFallBackToTheLocalStoreWhenItIsDown) {
  auto process = registry::testing::RegistryProcess::start();
  ASSERT_TRUE(process) << process.error().message();
  const Reference name = *Reference::parse(process->host() + "/app:1");
  // Into the registry, by hand.
  const Descriptor target = layout_.add_image("1", {{{"a", "1"}}});
  const auto layout = *OciLayout::open(layout_.path());
  const std::string manifest_text = *layout->read(target, {});
  const Manifest manifest = *parse_manifest(manifest_text);
  for (const Descriptor& blob : {manifest.config, manifest.layers[0]}) {
    const std::string bytes = *layout->read(blob, {});
    const registry::ByteSourceFactory bytes_of = [&](uint64_t) -> Result<registry::ByteSource> {
      return registry::ByteSource([&, done = false]() mutable -> Result<std::string> {
        return std::exchange(done, true) ? std::string() : bytes;
      });
    };
    ASSERT_TRUE(client_->push_blob(name, blob, bytes_of, {}));
  }
  ASSERT_TRUE(client_->push_manifest(name, target.media_type, manifest_text, {}));

  const auto store = open_store();
  const auto resolve = [&](const Reference& reference, ResolveMode mode) {
    return ImageSource(*store, *client_).resolve(reference, Platform::host(), mode, {});
  };
  const auto image = resolve(name, ResolveMode::Default);
  ASSERT_TRUE(image) << image.error().message();
  const auto unpacked = ImageUnpacker(*store).unpack(*image, reporter_, {});
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(file_in(*store, unpacked->snapshot, "a"), "1");

  ASSERT_TRUE(store->images().tag(name.str(), image->target));
  ASSERT_TRUE(process->kill());
  const auto offline = resolve(name, ResolveMode::Default);
  ASSERT_TRUE(offline) << offline.error().message();
  EXPECT_THAT(offline->warning, HasSubstr("using the local image"));
  EXPECT_TRUE(resolve(name.with_digest(target.digest), ResolveMode::ForcePull));
  EXPECT_TRUE(resolve(name, ResolveMode::PreferLocal));
  const auto forced = resolve(name, ResolveMode::ForcePull);
  ASSERT_FALSE(forced);
  EXPECT_EQ(forced.error().code(), ErrorCode::Unavailable);
}

Descriptor entry(const char* content, const char* platform) {
  Descriptor descriptor;
  descriptor.media_type = media_type::kOciManifest;
  descriptor.digest = Digest::sha256_of(content);
  if (*platform != '\0') descriptor.platform = *Platform::parse(platform);
  return descriptor;
}

TEST(SelectPlatform, TakesTheBestMatch) {
  Index index{media_type::kOciIndex, {}, {}};
  index.manifests = {entry("v6", "linux/arm/v6"), entry("v7", "linux/arm/v7"),
                     entry("amd", "linux/amd64")};
  EXPECT_EQ(select_platform(index, *Platform::parse("linux/arm/v7"))->digest,
            Digest::sha256_of("v7"));
  EXPECT_EQ(select_platform(index, *Platform::parse("linux/amd64"))->digest,
            Digest::sha256_of("amd"));
  const auto missing = select_platform(index, *Platform::parse("linux/s390x"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("linux/s390x: there is linux/arm/v6"));
}

TEST(SelectPlatform, PassesOverAttestations) {
  Index index{media_type::kOciIndex, {}, {}};
  Descriptor attestation = entry("attestation", "");
  attestation.annotations["vnd.docker.reference.type"] = "attestation-manifest";
  index.manifests = {attestation, entry("image", "")};
  EXPECT_EQ(select_platform(index, Platform::host())->digest, Digest::sha256_of("image"));
}

}  // namespace
}  // namespace slipway::source
