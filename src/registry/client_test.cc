// The client against a server that misbehaves on purpose; real_registry_test.cc has the good case.
#include "registry/client.h"

#include <atomic>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/guarded.h"
#include "oci/manifest.h"
#include "registry/options.h"
#include "registry/testing/fake_server.h"
#include "registry/testing/text_sink.h"

namespace slipway::registry {
namespace {

using ::testing::ElementsAre;
using testing::FakeReply;
using testing::FakeRequest;
using testing::FakeServer;
using ::testing::HasSubstr;
using testing::TextSink;

constexpr char kDigest[] =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::unique_ptr<Client> client(ClientOptions options = {}) {
  options.retry_delay = std::chrono::milliseconds(1);
  return make_client(std::move(options));
}

Reference reference(const std::string& text) {
  return *Reference::parse(text);
}

FakeReply manifest_head() {
  return {200,
          {{"Content-Type", media_type::kOciManifest},
           {"Docker-Content-Digest", kDigest},
           {"Content-Length", "3"}},
          "",
          std::string::npos};
}

Result<std::string> fetch_all(Client& from, const Reference& name, const std::string& content) {
  Descriptor blob;
  blob.digest = Digest::sha256_of(content);
  blob.size = content.size();
  TextSink sink;
  TRY(from.fetch_blob(name, blob, sink, {}));
  return sink.text();
}

// A disk on which so many bytes have room.
class SmallDisk final : public BlobSink {
 public:
  explicit SmallDisk(size_t room) : room_(room) {}
  Status write(std::string_view bytes) override { return write_at(0, bytes); }
  Status write_at(uint64_t, std::string_view bytes) override {
    if ((taken_ += bytes.size()) > room_) return Error(ErrorCode::ResourceExhausted, "disk full");
    return {};
  }
  Status reached(uint64_t) override { return {}; }

 private:
  const size_t room_;
  std::atomic<size_t> taken_ = 0;
};

ByteSourceFactory source_of(const std::string& content) {
  return [content](uint64_t offset) -> Result<ByteSource> {
    return ByteSource([rest = content.substr(offset)]() mutable -> Result<std::string> {
      return std::exchange(rest, {});
    });
  };
}

TEST(Client, ResolveUsesHeadAndKeepsTheConnection) {
  FakeServer server([](const FakeRequest&) { return manifest_head(); });
  const auto registry = client();
  for (const char* name : {"a", "b/c:1"}) {
    const auto found = registry->resolve(reference(server.host() + "/" + name), {});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->digest.str(), kDigest);
    EXPECT_EQ(found->size, 3u);
  }
  EXPECT_THAT(server.requests(),
              ElementsAre("HEAD /v2/a/manifests/latest", "HEAD /v2/b/c/manifests/1"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(Client, ResolveGetsWhereTheHeadSaysTooLittle) {
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.method == "HEAD") return {405};
    return {200, {{"Content-Type", "text/plain"}}, R"({"schemaVersion":2,"manifests":[]})"};
  });
  const auto found = client()->resolve(reference(server.host() + "/a"), {});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->media_type, media_type::kOciIndex);
  EXPECT_EQ(found->digest, Digest::sha256_of(R"({"schemaVersion":2,"manifests":[]})"));
}

TEST(Client, ErrorsSayWhatToDo) {
  int status = 404;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    return {status, {}, R"({"errors":[{"code":"X","message":"words of the registry"}]})"};
  });
  const auto registry = client();
  const Reference name = reference(server.host() + "/a:1");
  const auto error_at = [&](int answered) {
    status = answered;
    Descriptor wanted;
    wanted.media_type = media_type::kOciManifest;
    wanted.digest = *Digest::parse(kDigest);
    return registry->fetch_manifest(name, wanted, {}).error();
  };
  EXPECT_EQ(error_at(404).code(), ErrorCode::NotFound);
  EXPECT_THAT(error_at(404).message(), HasSubstr("words of the registry"));
  EXPECT_EQ(error_at(403).code(), ErrorCode::PermissionDenied);
  EXPECT_THAT(error_at(401).hint(), HasSubstr("docker login " + server.host()));
  EXPECT_EQ(error_at(503).code(), ErrorCode::Unavailable);
}

TEST(Client, NobodyListeningIsUnavailable) {
  const auto found =
      client()->resolve(reference(fmt::format("127.0.0.1:{}/a", testing::free_port())), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::Unavailable);
  EXPECT_THAT(found.error().message(), HasSubstr("resolve 127.0.0.1"));
}

TEST(Client, TriesAgainAfterBusyAnswers) {
  int asked = 0;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    switch (++asked) {
      case 1:
        return {503};
      case 2:
        return {429, {{"Retry-After", "0"}}};
      default:
        return manifest_head();
    }
  });
  EXPECT_TRUE(client()->resolve(reference(server.host() + "/a"), {}));
  EXPECT_EQ(asked, 3);
}

TEST(Client, DoesNotWaitForAServerThatWantsHours) {
  int asked = 0;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    ++asked;
    return {429, {{"Retry-After", "3600"}}};
  });
  EXPECT_EQ(client()->resolve(reference(server.host() + "/a"), {}).error().code(),
            ErrorCode::Unavailable);
  EXPECT_EQ(asked, 1);
}

TEST(Client, CancellationEndsAWaitingRequest) {
  std::stop_source stop;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    stop.request_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return {200};
  });
  const auto found = client()->resolve(reference(server.host() + "/a"), stop.get_token());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::Cancelled);
}

TEST(Client, ContinuesABrokenDownloadWithARange) {
  const std::string content = "0123456789abcdef";
  std::vector<std::string> ranges;
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    const std::string range = request.header("range");
    ranges.push_back(range);
    if (range.empty()) return {200, {}, content, 4};
    const size_t from = std::stoul(range.substr(6));
    return {206, {}, content.substr(from), from == 4 ? 3 : std::string::npos};
  });
  const auto got = fetch_all(*client(), reference(server.host() + "/a"), content);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, content);
  EXPECT_THAT(ranges, ElementsAre("", "bytes=4-", "bytes=7-"));
}

TEST(Client, SkipsWhatItHasWhereRangesAreIgnored) {
  const std::string content = "0123456789abcdef";
  bool cut = true;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    return {200, {}, content, std::exchange(cut, false) ? 5 : std::string::npos};
  });
  EXPECT_EQ(fetch_all(*client(), reference(server.host() + "/a"), content).value_or(""), content);
}

// Serves one blob, knows ranges, and keeps what it was asked for.
class RangeServer {
 public:
  // What becomes of the answer to the bytes [from, to), asked for the `number`th time.
  using Spoil = std::function<void(FakeReply& reply, size_t from, int number)>;

  explicit RangeServer(std::string content, Spoil spoil = {})
      : content_(std::move(content)),
        spoil_(std::move(spoil)),
        server_([this](const FakeRequest& request) { return answer(request); }) {}

  Reference name() const { return reference(server_.host() + "/a"); }
  std::map<std::string, int> asked() { return *asked_.lock(); }

 private:
  FakeReply answer(const FakeRequest& request) {
    const std::string range = request.header("range");
    const int number = ++(*asked_.lock())[range];
    FakeReply reply{200, {}, content_};
    size_t from = 0;
    if (!range.empty()) {
      from = std::stoul(range.substr(6));
      const std::string last = range.substr(range.find('-') + 1);
      const size_t to = last.empty() ? content_.size() : std::stoul(last) + 1;
      reply = {206, {}, content_.substr(from, to - from)};
    }
    if (spoil_) spoil_(reply, from, number);
    return reply;
  }

  const std::string content_;
  const Spoil spoil_;
  Guarded<std::map<std::string, int>> asked_;
  FakeServer server_;
};

std::string numbers(size_t size) {
  std::string text;
  while (text.size() < size) text += fmt::format("{} ", text.size());
  return text.substr(0, size);
}

ClientOptions small_chunks() {
  ClientOptions options;
  options.ranges = {.above = 100, .chunk_bytes = 64, .connections = 3};
  return options;
}

TEST(ClientRanges, ABigBlobComesInChunks) {
  RangeServer server(numbers(300));
  EXPECT_EQ(fetch_all(*client(small_chunks()), server.name(), numbers(300)).value_or(""),
            numbers(300));
  const std::map<std::string, int> once = {{"bytes=0-63", 1},
                                           {"bytes=64-127", 1},
                                           {"bytes=128-191", 1},
                                           {"bytes=192-255", 1},
                                           {"bytes=256-", 1}};
  EXPECT_EQ(server.asked(), once);
}

TEST(ClientRanges, ASmallBlobComesWhole) {
  RangeServer server(numbers(100));
  EXPECT_TRUE(fetch_all(*client(small_chunks()), server.name(), numbers(100)));
  EXPECT_EQ(server.asked(), (std::map<std::string, int>{{"", 1}}));
}

TEST(ClientRanges, ABrokenChunkGoesOnWhereItStopped) {
  RangeServer server(numbers(1000), [](FakeReply& reply, size_t from, int) {
    if (from % 64 == 0) reply.cut_after = 20;
  });
  EXPECT_EQ(fetch_all(*client(small_chunks()), server.name(), numbers(1000)).value_or(""),
            numbers(1000));
  EXPECT_EQ(server.asked().at("bytes=64-127"), 1);
  EXPECT_EQ(server.asked().at("bytes=84-127"), 1);
}

TEST(ClientRanges, AServerThatIgnoresThemIsAskedOnce) {
  std::atomic<int> asked = 0;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    ++asked;
    return {200, {}, numbers(1000)};
  });
  EXPECT_EQ(fetch_all(*client(small_chunks()), reference(server.host() + "/a"), numbers(1000))
                .value_or(""),
            numbers(1000));
  EXPECT_EQ(asked, 1);
}

TEST(ClientRanges, WhatIsNotGivenInChunksIsFetchedInOneGo) {
  const std::vector<FakeReply> bad = {
      {500}, {403}, {200, {}, numbers(1000)}, {206, {}, numbers(1000)}};
  for (const FakeReply& answer : bad) {
    RangeServer server(numbers(1000), [&](FakeReply& reply, size_t from, int) {
      // Everything that is asked for with an end, but the first.
      if (from != 0 && reply.body.size() == 64) reply = answer;
    });
    const auto got = fetch_all(*client(small_chunks()), server.name(), numbers(1000));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*got, numbers(1000)) << answer.status;
  }
}

TEST(ClientRanges, ChunksThatFailLateLeaveWhatCameBefore) {
  // The third chunk is refused after the others have come: its bytes and what follows come in one
  // go.
  RangeServer server(numbers(1000), [](FakeReply& reply, size_t from, int) {
    if (from == 128 && reply.body.size() == 64) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      reply = {403};
    }
  });
  EXPECT_EQ(fetch_all(*client(small_chunks()), server.name(), numbers(1000)).value_or(""),
            numbers(1000));
  EXPECT_EQ(server.asked().at("bytes=128-"), 1);
}

TEST(ClientRanges, ASinkThatTakesItsTimeHoldsTheServerBack) {
  RangeServer server(numbers(10'000));
  Descriptor blob;
  blob.digest = *Digest::parse(kDigest);
  blob.size = 10'000;
  std::stop_source stop;
  // Takes the first answer, and of the chunks nothing.
  class Slow final : public BlobSink {
   public:
    explicit Slow(std::stop_source& stop) : stop_(stop) {}
    Status write(std::string_view) override { return {}; }
    Status write_at(uint64_t, std::string_view) override { return {}; }
    Status reached(uint64_t) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      stop_.request_stop();
      return {};
    }

   private:
    std::stop_source& stop_;
  } slow(stop);
  const Status fetched =
      client(small_chunks())->fetch_blob(server.name(), blob, slow, stop.get_token());
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), ErrorCode::Cancelled);
  EXPECT_LT(server.asked().size(), 10u);
}

TEST(ClientRanges, AFailingSinkEndsAllOfThem) {
  RangeServer server(numbers(10'000));
  Descriptor blob;
  blob.digest = *Digest::parse(kDigest);
  blob.size = 10'000;
  SmallDisk full(1000);
  const Status fetched = client(small_chunks())->fetch_blob(server.name(), blob, full, {});
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), ErrorCode::ResourceExhausted);
  EXPECT_LT(server.asked().size(), 30u);
}

TEST(Client, AnErrorOfTheSinkIsNotRetried) {
  int asked = 0;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    ++asked;
    return {200, {}, "content"};
  });
  Descriptor blob;
  blob.digest = *Digest::parse(kDigest);
  blob.size = 7;
  SmallDisk full(0);
  const Status fetched = client()->fetch_blob(reference(server.host() + "/a"), blob, full, {});
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(asked, 1);
}

TEST(Client, ABlobLongerThanAnnouncedIsRefused) {
  FakeServer server([](const FakeRequest&) -> FakeReply { return {200, {}, "too long"}; });
  EXPECT_EQ(fetch_all(*client(), reference(server.host() + "/a"), "short").error().code(),
            ErrorCode::InvalidInput);
}

TEST(Client, AManifestWithOtherContentIsRefused) {
  FakeServer server([](const FakeRequest&) -> FakeReply { return {200, {}, "{}"}; });
  Descriptor wanted;
  wanted.media_type = media_type::kOciManifest;
  wanted.digest = *Digest::parse(kDigest);
  const auto got = client()->fetch_manifest(reference(server.host() + "/a"), wanted, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::InvalidInput);
}

// A registry with token authentication; the token server is on the same port.
class TokenRegistry {
 public:
  TokenRegistry() : server_([this](const FakeRequest& request) { return answer(request); }) {}

  std::string host() const { return server_.host(); }
  std::vector<std::string> requests() { return server_.requests(); }
  std::atomic<int> generation = 1;  // tokens of other generations are refused
  std::string wanted_authorization;
  Guarded<std::vector<FakeRequest>> token_requests;

 private:
  FakeReply answer(const FakeRequest& request) {
    if (request.target.starts_with("/token")) {
      token_requests.lock()->push_back(request);
      if (request.header("authorization") != wanted_authorization) return {401};
      return {200, {}, fmt::format(R"({{"token":"t{}","expires_in":300}})", generation.load())};
    }
    if (request.header("authorization") == fmt::format("Bearer t{}", generation.load())) {
      return request.method == "HEAD" ? manifest_head() : FakeReply{201};
    }
    const std::string challenge =
        fmt::format(R"(Bearer realm="http://{}/token",service="s e")", server_.host());
    return {401, {{"WWW-Authenticate", challenge}}};
  }

  FakeServer server_;
};

TEST(ClientAuth, FetchesOneTokenPerScope) {
  TokenRegistry registry;
  const auto pulls = client();
  const Reference name = reference(registry.host() + "/team/app:1");
  ASSERT_TRUE(pulls->resolve(name, {}));
  ASSERT_TRUE(pulls->resolve(name, {}));
  ASSERT_TRUE(pulls->push_manifest(name, media_type::kOciManifest, "{}", {}));
  EXPECT_THAT(registry.requests(),
              ElementsAre("HEAD /v2/team/app/manifests/1",
                          "GET /token?service=s%20e&scope=repository%3Ateam%2Fapp%3Apull",
                          "HEAD /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1",
                          "GET /token?service=s%20e&scope=repository%3Ateam%2Fapp%3Apull%2Cpush",
                          "PUT /v2/team/app/manifests/1"));
}

TEST(ClientAuth, ARefusedTokenIsFetchedAgainOnce) {
  TokenRegistry registry;
  const auto pulls = client();
  const Reference name = reference(registry.host() + "/a");
  ASSERT_TRUE(pulls->resolve(name, {}));
  registry.generation = 2;
  ASSERT_TRUE(pulls->resolve(name, {}));
  EXPECT_EQ(registry.token_requests.lock()->size(), 2u);
}

TEST(ClientAuth, SendsTheNameAndPasswordToTheTokenServerOnly) {
  TokenRegistry registry;
  registry.wanted_authorization = "Basic dXNlcjpwYXNz";
  ClientOptions options;
  options.credentials_json =
      fmt::format(R"({{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}})", registry.host());
  ASSERT_TRUE(client(options)->resolve(reference(registry.host() + "/a"), {}));
  const auto denied = client()->resolve(reference(registry.host() + "/a"), {});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), ErrorCode::PermissionDenied);
  EXPECT_THAT(denied.error().hint(), HasSubstr("docker login"));
}

TEST(ClientAuth, TradesAnIdentityTokenByPost) {
  TokenRegistry registry;
  ClientOptions options;
  options.credentials_json =
      fmt::format(R"({{"auths":{{"{}":{{"identitytoken":"refresh/1"}}}}}})", registry.host());
  ASSERT_TRUE(client(options)->resolve(reference(registry.host() + "/a"), {}));
  const FakeRequest asked = registry.token_requests.lock()->at(0);
  EXPECT_EQ(asked.method, "POST");
  EXPECT_THAT(asked.body, HasSubstr("grant_type=refresh_token&service=s%20e"));
  EXPECT_THAT(asked.body, HasSubstr("&refresh_token=refresh%2F1"));
}

TEST(ClientAuth, BasicIsSentAfterTheFirstChallenge) {
  FakeServer server([](const FakeRequest& request) -> FakeReply {
    if (request.header("authorization") == "Basic dXNlcjpwYXNz") return manifest_head();
    return {401, {{"WWW-Authenticate", "Basic realm=\"x\""}}};
  });
  ClientOptions options;
  options.credentials_json =
      fmt::format(R"({{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}})", server.host());
  const auto registry = client(options);
  EXPECT_TRUE(registry->resolve(reference(server.host() + "/a"), {}));
  EXPECT_TRUE(registry->resolve(reference(server.host() + "/a"), {}));
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(ClientAuth, ADownloadRedirectedToAnotherHostCarriesNoToken) {
  std::string seen = "nothing";
  FakeServer store([&](const FakeRequest& request) -> FakeReply {
    seen = request.header("authorization");
    return {200, {}, "content"};
  });
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.header("authorization").empty()) {
      return {401, {{"WWW-Authenticate", "Basic realm=\"x\""}}};
    }
    return {307, {{"Location", fmt::format("http://{}/blob", store.host())}}};
  });
  ClientOptions options;
  options.credentials_json =
      fmt::format(R"({{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}})", server.host());
  EXPECT_EQ(fetch_all(*client(options), reference(server.host() + "/a"), "content").value_or(""),
            "content");
  EXPECT_EQ(seen, "");
}

TEST(ClientMirror, AsksMirrorsFirstAndFallsBack) {
  FakeServer broken([](const FakeRequest&) -> FakeReply { return {404}; });
  FakeServer mirror([](const FakeRequest&) { return manifest_head(); });
  ClientOptions options;
  options.mirrors["docker.io"] = {broken.host(), "http://" + mirror.host() + "/hub/"};
  const auto found = client(options)->resolve(reference("busybox"), {});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_THAT(broken.requests(),
              ElementsAre("HEAD /v2/library/busybox/manifests/latest?ns=docker.io"));
  EXPECT_THAT(mirror.requests(),
              ElementsAre("HEAD /v2/hub/library/busybox/manifests/latest?ns=docker.io"));
}

TEST(ClientPush, SendsPiecesWhereAWholeBlobIsRefused) {
  std::string stored;
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.method == "POST") return {202, {{"Location", "/upload?s=1"}}};
    if (request.method == "PATCH") {
      stored += request.body;
      return {202, {{"Location", "/upload?s=2"}}};
    }
    return {request.body.empty() ? 201 : 413};
  });
  Descriptor blob;
  const std::string content(100000, 'x');
  blob.digest = Digest::sha256_of(content);
  blob.size = content.size();
  const Status pushed =
      client()->push_blob(reference(server.host() + "/a"), blob, source_of(content), {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(stored, content);
  EXPECT_EQ(server.requests().back(),
            "PUT /upload?s=2&digest=sha256%3A" + std::string(blob.digest.hex()));
}

TEST(ClientPush, StartsAgainFromAFreshSource) {
  int puts = 0;
  std::string stored;
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.method == "POST") return {202, {{"Location", "/upload"}}};
    if (request.method == "GET") return {404};
    stored = request.body;
    return {++puts == 1 ? 502 : 201};
  });
  Descriptor blob;
  blob.digest = Digest::sha256_of("content");
  blob.size = 7;
  EXPECT_TRUE(client()->push_blob(reference(server.host() + "/a"), blob, source_of("content"), {}));
  EXPECT_EQ(puts, 2);
  EXPECT_EQ(stored, "content");
}

// A registry that keeps what arrives, and breaks down once at the end of the first request.
class KeepingRegistry {
 public:
  explicit KeepingRegistry(size_t kept) : kept_(kept) {}

  FakeReply answer(const FakeRequest& request) {
    if (request.method == "POST") return {202, {{"Location", "/upload?s=1"}}};
    if (request.method == "GET") {
      return {204,
              {{"Range", fmt::format("0-{}", stored.size() - 1)}, {"Location", "/upload?s=2"}}};
    }
    const bool first = std::exchange(first_, false);
    if (first) {
      stored = request.body.substr(0, kept_);
      return {502};
    }
    if (refuses_rest && request.method == "PATCH") return {416};
    if (request.method == "PATCH") {
      ranges.push_back(request.header("content-range"));
      stored += request.body;
      return {202, {{"Location", "/upload?s=3"}}};
    }
    if (!request.body.empty()) stored = request.body;
    return {201};
  }

  std::string stored;
  std::vector<std::string> ranges;
  bool refuses_rest = false;

 private:
  size_t kept_;
  bool first_ = true;
};

TEST(ClientPush, GoesOnWhereTheRegistryIs) {
  KeepingRegistry registry(3);
  FakeServer server([&](const FakeRequest& request) { return registry.answer(request); });
  Descriptor blob;
  blob.digest = Digest::sha256_of("content");
  blob.size = 7;
  const Status pushed =
      client()->push_blob(reference(server.host() + "/a"), blob, source_of("content"), {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(registry.stored, "content");
  EXPECT_THAT(registry.ranges, ElementsAre("3-6"));
  const std::string digest = "digest=sha256%3A" + std::string(blob.digest.hex());
  EXPECT_THAT(server.requests(),
              ElementsAre("POST /v2/a/blobs/uploads/", "PUT /upload?s=1&" + digest,
                          "GET /upload?s=1", "PATCH /upload?s=2", "PUT /upload?s=3&" + digest));
}

TEST(ClientPush, StartsAgainWhereTheRestIsRefused) {
  KeepingRegistry registry(3);
  registry.refuses_rest = true;
  FakeServer server([&](const FakeRequest& request) { return registry.answer(request); });
  Descriptor blob;
  blob.digest = Digest::sha256_of("content");
  blob.size = 7;
  const Status pushed =
      client()->push_blob(reference(server.host() + "/a"), blob, source_of("content"), {});
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_EQ(registry.stored, "content");
}

TEST(ClientPush, GoesOnWithTheUploadOfARefusedMount) {
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.method == "POST") return {202, {{"Location", "/upload"}}};
    return {201};
  });
  const auto registry = client();
  const Reference name = reference(server.host() + "/a");
  Descriptor blob;
  blob.digest = Digest::sha256_of("content");
  blob.size = 7;
  const auto mounted = registry->mount_blob(name, blob.digest, "base", {});
  ASSERT_TRUE(mounted) << mounted.error().message();
  EXPECT_FALSE(*mounted);
  EXPECT_TRUE(registry->push_blob(name, blob, source_of("content"), {}));
  EXPECT_EQ(server.requests().size(), 2u);
}

}  // namespace
}  // namespace slipway::registry
