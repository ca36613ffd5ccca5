#include "source/git_source.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/text.h"

namespace slipway::source {
namespace {

using ::testing::HasSubstr;

class NullSink final : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

class GitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(repository_ / "sub"));
    git({"init", "-q", "-b", "main"});
    ASSERT_TRUE(write_file_atomic(repository_ / "a.txt", "first"));
    ASSERT_TRUE(write_file_atomic(repository_ / "sub/run.sh", "#!/bin/sh", 0755));
    first_ = commit("first");
    git({"tag", "-a", "v1", "-m", "tag"});
    ASSERT_TRUE(write_file_atomic(repository_ / "a.txt", "second"));
    second_ = commit("second");
  }
  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-C", repository_.string(), "-c", "user.name=t",
                                         "-c", "user.email=t"});
    const auto ran = run_command({.argv = std::move(arguments)});
    EXPECT_TRUE(ran && ran->status.success()) << (ran ? ran->stderr_text : "");
    return ran ? std::string(trim(ran->stdout_text)) : "";
  }
  std::string commit(const char* message) {
    git({"add", "-A"});
    git({"commit", "-q", "-m", message, "--date=2020-01-01T00:00:00Z"});
    return git({"rev-parse", "HEAD"});
  }
  GitSpec spec(const std::string& fragment, std::map<std::string, std::string> attributes = {}) {
    attributes["git.fullurl"] = "file://" + repository_.string();
    return *GitSpec::parse("git://host/repo#" + fragment, attributes);
  }
  std::filesystem::path tree(const GitSpec& wanted) {
    const auto made = source_.snapshot(wanted, reporter_, {});
    EXPECT_TRUE(made) << made.error().message();
    return store_->snapshotter().info(made->snapshot)->directory;
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-git-");
  std::filesystem::path repository_ = directory_.path() / "repository";
  std::string first_, second_;
  std::unique_ptr<store::Store> store_ =
      *store::Store::open({directory_.path() / "store", false, {}});
  GitSource source_{*store_, {.allow_file_protocol = true}};
  NullSink sink_;
  progress::VertexReporter reporter_{sink_, Digest()};
};

TEST_F(GitTest, RefsOfAllKindsResolveToCommits) {
  EXPECT_EQ(*source_.resolve(spec(""), {}), second_);
  EXPECT_EQ(*source_.resolve(spec("main"), {}), second_);
  EXPECT_EQ(*source_.resolve(spec("refs/heads/main"), {}), second_);
  EXPECT_EQ(*source_.resolve(spec("v1"), {}), first_);
  EXPECT_EQ(*source_.resolve(spec("refs/tags/v1"), {}), first_);
  EXPECT_EQ(*source_.resolve(spec(first_), {}), first_);
  const auto missing = source_.resolve(spec("nothing"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
}

TEST_F(GitTest, ACommitHasATime) {
  EXPECT_EQ(std::to_string(*source_.commit_time(spec("v1"), {})),
            git({"show", "-s", "--format=%ct", first_}));
}

TEST_F(GitTest, FilesHaveTheCommitsContentAndNoGitDir) {
  const auto files = tree(spec("v1"));
  EXPECT_EQ(read_file(files / "a.txt").value_or(""), "first");
  struct stat info;
  ASSERT_EQ(::stat((files / "sub/run.sh").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
  EXPECT_FALSE(std::filesystem::exists(files / ".git"));
}

TEST_F(GitTest, ASubdirBecomesTheRoot) {
  const auto files = tree(spec("main:sub"));
  EXPECT_TRUE(std::filesystem::exists(files / "run.sh"));
  EXPECT_FALSE(std::filesystem::exists(files / "a.txt"));
  EXPECT_FALSE(source_.snapshot(spec("main:../x"), reporter_, {}));
  EXPECT_FALSE(source_.snapshot(spec("main:missing"), reporter_, {}));
}

TEST_F(GitTest, TheGitDirIsKeptOnDemand) {
  const auto files = tree(spec("main", {{"git.keepgitdir", "true"}}));
  EXPECT_EQ(read_file(files / ".git/HEAD").value_or(""), second_ + "\n");
}

TEST_F(GitTest, AChecksumThatDoesNotMatchIsRefused) {
  EXPECT_TRUE(source_.resolve(spec("main", {{"git.checksum", second_.substr(0, 12)}}), {}));
  const auto other = source_.resolve(spec("main", {{"git.checksum", first_}}), {});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message(), HasSubstr("expected checksum to match " + first_));
}

TEST_F(GitTest, SubmodulesComeAlong) {
  const auto inner = directory_.path() / "inner";
  ASSERT_TRUE(make_directories(inner));
  const auto outer = std::exchange(repository_, inner);
  git({"init", "-q", "-b", "main"});
  ASSERT_TRUE(write_file_atomic(inner / "in.txt", "inside"));
  commit("inner");
  repository_ = outer;
  git({"-c", "protocol.file.allow=always", "submodule", "-q", "add", "file://" + inner.string(),
       "mod"});
  commit("with submodule");
  const auto files = tree(spec("main"));
  EXPECT_EQ(read_file(files / "mod/in.txt").value_or(""), "inside");
  EXPECT_FALSE(std::filesystem::exists(files / "mod/.git"));
  EXPECT_FALSE(
      std::filesystem::exists(tree(spec("main", {{"git.skipsubmodules", "true"}})) / "mod/in.txt"));
}

TEST_F(GitTest, ProtocolsThatRunProgramsAreRefused) {
  for (const char* remote : {"ext::sh -c true", "file:///etc"}) {
    GitSource strict(*store_, {});
    GitSpec hostile = spec("main");
    hostile.remote = remote;
    EXPECT_FALSE(strict.resolve(hostile, {})) << remote;
  }
  EXPECT_FALSE(GitSpec::parse("git://h/r#--upload-pack=x", {}));
  EXPECT_FALSE(GitSpec::parse("git://h/r", {{"git.sig.pubkey", "x"}}));
}

}  // namespace
}  // namespace slipway::source
