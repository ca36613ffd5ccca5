#include "exporter/image_pusher.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/manifest.h"
#include "registry/options.h"
#include "registry/testing/registry_process.h"
#include "store/mem_content_store.h"

namespace slipway::exporter {
namespace {

using ::testing::HasSubstr;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

// Counts the calls to the client behind it.
class CountingClient final : public registry::Client {
 public:
  explicit CountingClient(std::unique_ptr<registry::Client> behind) : behind_(std::move(behind)) {}

  Result<Descriptor> resolve(const Reference& reference, std::stop_token stop) override {
    return behind_->resolve(reference, stop);
  }
  Result<std::string> fetch_manifest(const Reference& reference, const Descriptor& wanted,
                                     std::stop_token stop) override {
    return behind_->fetch_manifest(reference, wanted, stop);
  }
  Status fetch_blob(const Reference& reference, const Descriptor& wanted, BlobSink& sink,
                    std::stop_token stop) override {
    ++fetched;
    return behind_->fetch_blob(reference, wanted, sink, stop);
  }
  Result<bool> blob_exists(const Reference& reference, const Digest& digest,
                           std::stop_token stop) override {
    ++asked;
    return behind_->blob_exists(reference, digest, stop);
  }
  Result<bool> mount_blob(const Reference& reference, const Digest& digest, const std::string& from,
                          std::stop_token stop) override {
    const Result<bool> answer = behind_->mount_blob(reference, digest, from, stop);
    if (answer && *answer) ++mounted;
    return answer;
  }
  Status push_blob(const Reference& reference, const Descriptor& blob,
                   const registry::ByteSourceFactory& source, std::stop_token stop) override {
    const registry::ByteSourceFactory counted = [&](uint64_t offset) {
      ++uploaded;
      return source(offset);
    };
    return behind_->push_blob(reference, blob, counted, stop);
  }
  Result<bool> has_manifest(const Reference& reference, const Digest& digest,
                            std::stop_token stop) override {
    ++asked;
    return behind_->has_manifest(reference, digest, stop);
  }
  Status push_manifest(const Reference& reference, const std::string& media_type,
                       std::string_view bytes, std::stop_token stop) override {
    ++manifests;
    return behind_->push_manifest(reference, media_type, bytes, stop);
  }

  std::atomic<int> asked = 0, mounted = 0, uploaded = 0, fetched = 0, manifests = 0;

 private:
  std::unique_ptr<registry::Client> behind_;
};

class PushTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<registry::testing::RegistryProcess> started =
        registry::testing::RegistryProcess::start();
    if (!started) {
      if (geteuid() == 0) FAIL() << started.error().message();
      GTEST_SKIP() << started.error().message();
    }
    process_.emplace(*std::move(started));
  }

  Descriptor add(const std::string& bytes, const char* media_type) {
    Descriptor descriptor;
    descriptor.media_type = media_type;
    descriptor.digest = *content_.put(bytes);
    descriptor.size = bytes.size();
    return descriptor;
  }
  Descriptor add_image(const std::vector<std::string>& layers) {
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    manifest.config =
        add("{\"x\":\"" + layers.back().substr(0, 10) + "\"}", media_type::kOciConfig);
    for (const std::string& layer : layers) {
      manifest.layers.push_back(add(layer, media_type::kOciLayer));
    }
    return add(to_json(manifest), media_type::kOciManifest);
  }
  Reference name(const std::string& path) const {
    return *Reference::parse(process_->host() + "/" + path);
  }
  Status push(const Descriptor& image, const Reference& to, const PushOptions& options = {}) {
    return push_image(content_, client_, image, to, options, reporter_, {});
  }

  std::optional<registry::testing::RegistryProcess> process_;
  store::MemContentStore content_;
  CountingClient client_{registry::make_client({.retry_delay = std::chrono::milliseconds(1)})};
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

TEST_F(PushTest, PushesWhatIsMissingAndThenNothing) {
  const Descriptor image = add_image({"layer 1", std::string(3'000'000, 'x')});
  const Status pushed = push(image, name("app:1"));
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(client_.uploaded, 3);
  EXPECT_EQ(*client_.resolve(name("app:1"), {}), image);

  client_.asked = 0;
  ASSERT_TRUE(push(image, name("app:1")));
  EXPECT_EQ(client_.asked, 1);
  EXPECT_EQ(client_.uploaded, 3);
  EXPECT_EQ(client_.manifests, 1);
}

TEST_F(PushTest, AnotherTagOfTheSameImageIsOneManifest) {
  const Descriptor image = add_image({"layer"});
  ASSERT_TRUE(push(image, name("app:1")));
  client_.asked = 0;
  ASSERT_TRUE(push(image, name("app:2")));
  EXPECT_EQ(client_.asked, 2);
  EXPECT_EQ(client_.uploaded, 2);
  EXPECT_EQ(*client_.resolve(name("app:2"), {}), image);
}

TEST_F(PushTest, ImagesPushedAtOnceUploadSharedLayersOnce) {
  const std::string base(5'000'000, 'b');
  std::vector<Descriptor> images;
  for (int i = 0; i < 4; ++i) images.push_back(add_image({base, "top " + std::to_string(i)}));
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < images.size(); ++i) {
      threads.emplace_back([&, i] {
        const Status pushed = push(images[i], name("service" + std::to_string(i) + ":1"));
        EXPECT_TRUE(pushed) << pushed.error().message();
      });
    }
  }
  EXPECT_EQ(client_.uploaded, 1 + 4 * 2);
  for (size_t i = 0; i < images.size(); ++i) {
    EXPECT_TRUE(
        *client_.blob_exists(name("service" + std::to_string(i)), Digest::sha256_of(base), {}));
  }
}

TEST_F(PushTest, BaseLayersAreMountedFromTheirRepositoryOrFetched) {
  ASSERT_TRUE(push(add_image({"base layer"}), name("base:1")));
  const Descriptor image = add_image({"base layer", "own"});
  ASSERT_TRUE(content_.remove(Digest::sha256_of("base layer")));
  // Another client knows nothing of the first one's uploads.
  CountingClient fresh(registry::make_client({}));
  ASSERT_TRUE(push_image(content_, fresh, image, name("app:1"), {.sources = {name("base:1")}},
                         reporter_, {}));
  EXPECT_EQ(fresh.mounted, 1);
  EXPECT_EQ(fresh.uploaded, 2);

  // The same registry by another name: no mounts between the two.
  const std::string elsewhere = "localhost" + process_->host().substr(std::strlen("127.0.0.1"));
  CountingClient other(registry::make_client({}));
  ASSERT_TRUE(push_image(content_, other, image, *Reference::parse(elsewhere + "/other:1"),
                         {.sources = {name("base:1")}}, reporter_, {}));
  EXPECT_EQ(other.fetched, 1);
  EXPECT_EQ(other.uploaded, 3);
}

TEST_F(PushTest, IndexesArePushedAfterTheirManifests) {
  Index index{media_type::kOciIndex, {add_image({"a"}), add_image({"b"})}, {}};
  const Descriptor target = add(to_json(index), media_type::kOciIndex);
  const Status pushed = push(target, name("multi:1"));
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(*client_.resolve(name("multi:1"), {}), target);
  EXPECT_EQ(client_.manifests, 3);
}

TEST_F(PushTest, ALayerThatIsNowhereIsNamed) {
  const Descriptor image = add_image({"lost layer"});
  ASSERT_TRUE(content_.remove(Digest::sha256_of("lost layer")));
  const Status pushed = push(image, name("app:1"));
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(pushed.error().message(), HasSubstr(Digest::sha256_of("lost layer").str()));
  EXPECT_EQ(client_.resolve(name("app:1"), {}).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::exporter
