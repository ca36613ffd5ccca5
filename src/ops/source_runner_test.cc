#include "ops/source_runner.h"

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "registry/options.h"
#include "registry/testing/fake_server.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

using registry::testing::FakeReply;
using registry::testing::FakeRequest;
using registry::testing::FakeServer;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

class SourceRunnerTest : public ::testing::Test {
 protected:
  Result<std::vector<solver::StepResult>> run(const graph::SourceOp& op) {
    graph::Vertex vertex;
    vertex.op = op;
    return runner_.run({vertex, reporter_, {}}, {});
  }
  Result<solver::CacheMap> key(const graph::SourceOp& op) {
    graph::Vertex vertex;
    vertex.op = op;
    return runner_.cache_map({vertex, reporter_, {}});
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-source-");
  std::unique_ptr<store::Store> store_ =
      *store::Store::open({directory_.path() / "store", false, {}});
  std::unique_ptr<registry::Client> client_ = registry::make_client({});
  source::ImageSource images_{*store_, *client_};
  source::ImageUnpacker unpacker_{*store_};
  OciLayouts layouts_;
  LocalContexts contexts_;
  source::HttpFileSource files_{*store_, {}};
  SourceRunner runner_{images_, unpacker_, layouts_, contexts_, &files_};
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

TEST_F(SourceRunnerTest, AFileBehindAUrlIsASnapshot) {
  FakeServer server([](const FakeRequest&) -> FakeReply { return {200, {}, "content"}; });
  const graph::SourceOp op{"http://" + server.host() + "/f.txt", {{"http.filename", "g.txt"}}};
  const auto results = run(op);
  ASSERT_TRUE(results) << results.error().message();
  const auto snapshot = store::snapshot_of_result(results->at(0).id);
  ASSERT_TRUE(snapshot);
  const auto file = store_->snapshotter().info(*snapshot)->directory / "g.txt";
  EXPECT_EQ(read_file(file).value_or(""), "content");
}

TEST_F(SourceRunnerTest, TheKeyOfAUrlFollowsItsContent) {
  std::string content = "one";
  FakeServer server([&](const FakeRequest&) -> FakeReply { return {200, {}, content}; });
  const graph::SourceOp op{"http://" + server.host() + "/f.txt", {}};
  const auto first = key(op);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(key(op)->digest, first->digest);
  content = "two";
  source::HttpFileSource next_build(*store_, {});
  SourceRunner other(images_, unpacker_, layouts_, contexts_, &next_build);
  graph::Vertex vertex;
  vertex.op = op;
  EXPECT_NE(other.cache_map({vertex, reporter_, {}})->digest, first->digest);
}

TEST_F(SourceRunnerTest, WhatItWasNotGivenIsUnsupported) {
  for (const char* identifier : {"git://host/repository", "ftp://host/file"}) {
    const auto refused = key({identifier, {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::Unsupported);
  }
}

}  // namespace
}  // namespace slipway::ops
