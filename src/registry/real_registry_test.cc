// The client against Debian's docker-registry on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include "oci/manifest.h"
#include "registry/client.h"
#include "registry/options.h"
#include "registry/testing/registry_process.h"

namespace slipway::registry {
namespace {

using ::testing::HasSubstr;

class RealRegistry : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<testing::RegistryProcess> started = testing::RegistryProcess::start();
    if (!started) {
      if (geteuid() == 0) FAIL() << started.error().message();
      GTEST_SKIP() << started.error().message();
    }
    process_.emplace(*std::move(started));
    client_ = make_client({});
  }
  Reference name(const std::string& path) const {
    return *Reference::parse(process_->host() + "/" + path);
  }
  static Descriptor descriptor(const std::string& content, const char* type) {
    Descriptor result;
    result.media_type = type;
    result.digest = Digest::sha256_of(content);
    result.size = content.size();
    return result;
  }
  static ByteSourceFactory source_of(const std::string& content) {
    return [&content]() -> Result<ByteSource> {
      return ByteSource([&content, at = size_t{0}]() mutable -> Result<std::string> {
        std::string piece = content.substr(std::min(at, content.size()), 100'000);
        at += piece.size();
        return piece;
      });
    };
  }

  std::optional<testing::RegistryProcess> process_;
  std::unique_ptr<Client> client_;
};

TEST_F(RealRegistry, PushesAndPullsAnImage) {
  std::string layer;
  for (int i = 0; i < 300'000; ++i) layer += std::to_string(i);
  const Reference app = name("team/app:1");
  const Descriptor layer_blob = descriptor(layer, media_type::kOciLayer);
  const std::string config = "{}";
  const Descriptor config_blob = descriptor(config, media_type::kOciConfig);
  EXPECT_FALSE(*client_->blob_exists(app, layer_blob.digest, {}));
  ASSERT_TRUE(client_->push_blob(app, layer_blob, source_of(layer), {}));
  ASSERT_TRUE(client_->push_blob(app, config_blob, source_of(config), {}));
  EXPECT_TRUE(*client_->blob_exists(app, layer_blob.digest, {}));
  const std::string manifest =
      to_json(Manifest{media_type::kOciManifest, config_blob, {layer_blob}, {}, {}});
  const Status pushed = client_->push_manifest(app, media_type::kOciManifest, manifest, {});
  ASSERT_TRUE(pushed) << pushed.error().message();

  const Result<Descriptor> resolved = client_->resolve(app, {});
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_EQ(*resolved, descriptor(manifest, media_type::kOciManifest));
  EXPECT_EQ(client_->fetch_manifest(app, *resolved, {}).value_or(""), manifest);
  EXPECT_EQ(client_->fetch_manifest(app, config_blob, {}).value_or(""), config);
  std::string got;
  const ByteSink sink = [&](std::string_view bytes) {
    got += bytes;
    return Status();
  };
  ASSERT_TRUE(client_->fetch_blob(app, layer_blob, 1000, sink, {}));
  EXPECT_EQ(got, layer.substr(1000));
}

TEST_F(RealRegistry, MountsFromAnotherRepository) {
  const std::string content = "layer";
  const Descriptor blob = descriptor(content, media_type::kOciLayer);
  ASSERT_TRUE(client_->push_blob(name("base"), blob, source_of(content), {}));
  const Result<bool> mounted = client_->mount_blob(name("app"), blob.digest, "base", {});
  ASSERT_TRUE(mounted) << mounted.error().message();
  EXPECT_TRUE(*mounted);
  EXPECT_TRUE(*client_->blob_exists(name("app"), blob.digest, {}));
  EXPECT_FALSE(*client_->mount_blob(name("app"), Digest::sha256_of("other"), "base", {}));
}

TEST_F(RealRegistry, MissingImagesAreNotFound) {
  const Result<Descriptor> found = client_->resolve(name("nothing:1"), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(found.error().message(), HasSubstr("nothing:1"));
}

TEST_F(RealRegistry, ABlobThatIsNotItsDigestIsRefused) {
  Descriptor blob = descriptor("right", media_type::kOciLayer);
  const std::string wrong = "wrong";
  const Status pushed = client_->push_blob(name("app"), blob, source_of(wrong), {});
  ASSERT_FALSE(pushed);
  EXPECT_FALSE(*client_->blob_exists(name("app"), blob.digest, {}));
}

TEST_F(RealRegistry, ADeadRegistryIsUnavailable) {
  ASSERT_TRUE(process_->kill());
  const Result<Descriptor> found = client_->resolve(name("app"), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace slipway::registry
