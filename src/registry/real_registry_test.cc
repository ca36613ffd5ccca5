// The client against Debian's docker-registry on loopback.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "oci/manifest.h"
#include "registry/client.h"
#include "registry/options.h"
#include "registry/testing/registry_process.h"
#include "registry/testing/text_sink.h"

namespace slipway::registry {
namespace {

using ::testing::HasSubstr;
using testing::TextSink;

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
    return [&content](uint64_t offset) -> Result<ByteSource> {
      return ByteSource([&content, at = size_t{offset}]() mutable -> Result<std::string> {
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
  TextSink got;
  ASSERT_TRUE(client_->fetch_blob(app, layer_blob, got, {}));
  EXPECT_EQ(got.text(), layer);
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

// Of this process, whoever has them open.
void break_connections_to(int port) {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) ::shutdown(fd, SHUT_RDWR);
  }
}

// This registry forgets an upload when its connection breaks, so the client starts again.
TEST_F(RealRegistry, ABrokenUploadEndsWell) {
  std::string content;
  while (content.size() < 20'000'000) content += std::to_string(content.size());
  const Descriptor blob = descriptor(content, media_type::kOciLayer);
  const std::string host = process_->host();
  const int port = std::stoi(host.substr(host.rfind(':') + 1));
  int starts = 0;
  const ByteSourceFactory source = [&](uint64_t offset) -> Result<ByteSource> {
    ++starts;
    return ByteSource([&, at = size_t{offset}]() mutable -> Result<std::string> {
      const bool breaks = starts == 1 && at > 10'000'000;
      if (breaks) break_connections_to(port);
      std::string piece = content.substr(std::min(at, content.size()), 100'000);
      at += piece.size();
      return piece;
    });
  };
  const Status pushed = client_->push_blob(name("app"), blob, source, {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_TRUE(*client_->blob_exists(name("app"), blob.digest, {}));
  EXPECT_EQ(starts, 2);
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

// An address of this machine that is not loopback (loopback is never verified); "" without one.
std::string outside_address() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr && found.empty(); one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) continue;
    char text[INET_ADDRSTRLEN];
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    found = ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
  }
  ::freeifaddrs(all);
  return found;
}

TEST(RegistryTls, CertificatesAreCheckedUnlessTheHostIsMarked) {
  const std::string address = outside_address();
  if (address.empty()) GTEST_SKIP() << "this machine has only loopback addresses";
  const TempDir directory = *TempDir::create(std::filesystem::temp_directory_path(), "tls-");
  const auto certificate = directory.path() / "cert.pem";
  const auto key = directory.path() / "key.pem";
  const auto made =
      run_command({.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                            "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:" + address,
                            "-keyout", key.string(), "-out", certificate.string()}});
  if (!made) GTEST_SKIP() << made.error().message();
  const auto process = testing::RegistryProcess::start({address, certificate, key});
  ASSERT_TRUE(process) << process.error().message();
  const auto error_with = [&](ClientOptions options) {
    options.retry_delay = std::chrono::milliseconds(1);
    return make_client(std::move(options))
        ->resolve(*Reference::parse(process->host() + "/a:1"), {})
        .error();
  };

  const Error unknown = error_with({});
  EXPECT_EQ(unknown.code(), ErrorCode::PermissionDenied);
  EXPECT_THAT(unknown.hint(), HasSubstr("/etc/docker/certs.d/" + process->host()));
  EXPECT_EQ(error_with({.insecure_hosts = {process->host()}}).code(), ErrorCode::NotFound);
  EXPECT_EQ(error_with({.ca_file = certificate}).code(), ErrorCode::NotFound);
  const auto host_directory = directory.path() / "certs.d" / process->host();
  ASSERT_TRUE(make_directories(host_directory));
  std::filesystem::copy_file(certificate, host_directory / "ca.crt");
  EXPECT_EQ(error_with({.certificate_directories = {directory.path() / "certs.d"}}).code(),
            ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::registry
