#include "source/http_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "registry/testing/fake_server.h"

namespace slipway::source {
namespace {

using registry::testing::FakeReply;
using registry::testing::FakeRequest;
using registry::testing::FakeServer;
using ::testing::HasSubstr;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

class HttpFileTest : public ::testing::Test {
 protected:
  // A fresh source, as another build would have.
  HttpFileSource source() {
    return HttpFileSource(*store_, {.retry_delay = std::chrono::milliseconds(1)});
  }
  HttpFileSpec spec(const FakeServer& server, std::map<std::string, std::string> attributes = {}) {
    return *HttpFileSpec::parse("http://" + server.host() + "/dir/file.txt?x=y", attributes);
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-http-");
  std::unique_ptr<store::Store> store_ =
      *store::Store::open({directory_.path() / "store", false, {}});
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

TEST_F(HttpFileTest, BecomesASnapshotWithOneFile) {
  FakeServer server([](const FakeRequest&) -> FakeReply {
    return {200, {{"Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"}}, "content"};
  });
  HttpFileSource files = source();
  const auto made = files.snapshot(spec(server, {{"http.perm", "0640"}}), reporter_, {});
  ASSERT_TRUE(made) << made.error().message();
  const auto path = store_->snapshotter().info(made->snapshot)->directory / "file.txt";
  EXPECT_EQ(read_file(path).value_or(""), "content");
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  EXPECT_EQ(info.st_mtime, 1445412480);
}

TEST_F(HttpFileTest, AnUnchangedFileIsNotSentAgain) {
  int sent = 0;
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    if (request.header("if-none-match") == "\"v1\"") return {304};
    ++sent;
    return {200, {{"ETag", "\"v1\""}}, "content"};
  });
  const auto first = source().resolve(spec(server), reporter_, {});
  const auto second = source().resolve(spec(server), reporter_, {});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(HttpFileSource::cache_key(spec(server), *first),
            HttpFileSource::cache_key(spec(server), *second));
}

TEST_F(HttpFileTest, AChecksumNeedsNoServerUntilTheFileIsWanted) {
  int sent = 0;
  FakeServer server([&](const FakeRequest&) -> FakeReply {
    ++sent;
    return {200, {}, "content"};
  });
  const HttpFileSpec wanted = spec(server, {{"http.checksum", Digest::sha256_of("content").str()}});
  HttpFileSource files = source();
  EXPECT_EQ(files.resolve(wanted, reporter_, {})->digest, Digest::sha256_of("content"));
  EXPECT_EQ(sent, 0);
  EXPECT_TRUE(files.snapshot(wanted, reporter_, {}));
  EXPECT_EQ(sent, 1);
  const auto other = files.snapshot(
      spec(server, {{"http.checksum", Digest::sha256_of("other").str()}}), reporter_, {});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message(), HasSubstr("fetch http://"));
}

TEST_F(HttpFileTest, NamesFromServersStayInTheirDirectory) {
  FakeServer server([](const FakeRequest&) -> FakeReply {
    return {200, {{"Content-Disposition", "attachment; filename=\"../../etc/passwd\""}}, "x"};
  });
  EXPECT_EQ(source().resolve(spec(server), reporter_, {})->filename, "passwd");
  EXPECT_EQ(source().resolve(spec(server, {{"http.filename", ".."}}), reporter_, {})->filename,
            "download");
}

TEST_F(HttpFileTest, MissingFilesAreNotFoundAndPasswordsStayUnseen) {
  FakeServer server([](const FakeRequest&) -> FakeReply { return {404}; });
  const auto missing =
      source().resolve({"http://user:secret@" + server.host() + "/x"}, reporter_, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message(), ::testing::Not(HasSubstr("secret")));
}

TEST_F(HttpFileTest, AHostsSecretBecomesItsAuthorization) {
  FakeServer server([&](const FakeRequest& request) -> FakeReply {
    const std::string given = request.header("authorization");
    if (given != "Bearer t0ken" && given != "Basic abc" && given != "of the graph") return {401};
    return {200, {}, given + "|" + request.header("accept")};
  });
  const std::string host = server.host().substr(0, server.host().find(':'));
  std::map<std::string, std::string> secrets;
  const auto fetched = [&](std::map<std::string, std::string> attributes = {}) {
    HttpFileSource files(
        *store_,
        {.retry_delay = std::chrono::milliseconds(1), .secret = [&](const std::string& name) {
           const auto found = secrets.find(name);
           return found == secrets.end() ? std::nullopt : std::optional(found->second);
         }});
    const auto file = files.resolve(spec(server, std::move(attributes)), reporter_, {});
    return file ? *store_->content().read(file->digest) : file.error().message();
  };
  EXPECT_THAT(fetched(), HasSubstr("HTTP status 401"));
  secrets["HTTP_AUTH_TOKEN_" + host] = "t0ken";
  EXPECT_THAT(fetched({{"http.header.Accept", "a/b"}, {"http.header.x", "y"}}), "Bearer t0ken|a/b");
  secrets["HTTP_AUTH_HEADER_" + host] = "Basic abc";
  EXPECT_THAT(fetched(), HasSubstr("Basic abc|"));
  EXPECT_THAT(fetched({{"http.authheadersecret", "S"}}), HasSubstr("there is no secret S"));
  secrets["S"] = "of the graph";
  EXPECT_THAT(fetched({{"http.authheadersecret", "S"}}), HasSubstr("of the graph|"));
}

TEST_F(HttpFileTest, AnUploadIsAskedOfNobody) {
  HttpFileSource files = source();
  const Digest digest = *store_->content().put("content");
  const HttpFileSpec wanted = *HttpFileSpec::parse("http://nowhere.invalid/x", {});
  files.add_upload(wanted.url, digest);
  EXPECT_EQ(files.resolve(wanted, reporter_, {})->digest, digest);
  const auto made = files.snapshot(wanted, reporter_, {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(read_file(store_->snapshotter().info(made->snapshot)->directory / "x").value_or(""),
            "content");
  EXPECT_EQ(*files.time(wanted, reporter_, {}), std::nullopt);
}

}  // namespace
}  // namespace slipway::source
