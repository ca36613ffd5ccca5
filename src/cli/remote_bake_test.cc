#include "cli/remote_bake.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Files = std::map<std::string, std::string>;

// Files by path; "context" is what a URL has.
class FakeReader : public ContextReader {
 public:
  explicit FakeReader(Files files) : files_(std::move(files)) {}
  Result<std::vector<std::optional<std::string>>> read_starts(const graph::Definition&,
                                                              const std::vector<std::string>& paths,
                                                              size_t max_bytes) override {
    std::vector<std::optional<std::string>> texts(paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      const auto found = files_.find(paths[i]);
      if (found != files_.end()) texts[i] = found->second.substr(0, max_bytes);
    }
    return texts;
  }
  Result<std::optional<int64_t>> time(const graph::SourceOp&, const std::string&) override {
    return std::optional<int64_t>();
  }
  Result<std::string> take_archive(std::string, int) override { return std::string(); }

 private:
  Files files_;
};

std::vector<std::string> names(const Result<std::vector<compose::File>>& files) {
  std::vector<std::string> names;
  if (!files) return {files.error().message()};
  for (const compose::File& file : *files) names.push_back(file.name);
  return names;
}

TEST(BakeArguments, UrlsComeFirst) {
  EXPECT_EQ(bake_arguments({"app"}).url, "");
  const BakeArguments one = bake_arguments({"https://github.com/a/b.git#main", "app", "x"});
  EXPECT_EQ(one.url, "https://github.com/a/b.git#main");
  EXPECT_EQ(one.command_context, "cwd://");
  EXPECT_THAT(one.targets, ElementsAre("app", "x"));
  const BakeArguments two = bake_arguments({"git@github.com:a/b", "https://host/c.tar"});
  EXPECT_EQ(two.command_context, "https://host/c.tar");
  EXPECT_TRUE(two.targets.empty());
}

TEST(RemoteBake, DirectoriesOfARepositoryAreUrls) {
  const auto url = [](const std::string& base, const std::string& directory) {
    return git_url_of_directory(base, directory).value_or("refused");
  };
  EXPECT_EQ(url("https://h/a.git", "."), "https://h/a.git");
  EXPECT_EQ(url("https://h/a.git", "x/../y"), "https://h/a.git#:y");
  EXPECT_EQ(url("https://h/a.git#v1", "y"), "https://h/a.git#v1:y");
  EXPECT_EQ(url("https://h/a.git#v1:sub", "y"), "https://h/a.git#v1:sub/y");
  EXPECT_EQ(url("https://h/a.git?ref=v1&subdir=sub", "y"), "https://h/a.git?ref=v1&subdir=sub%2Fy");
  EXPECT_EQ(url("https://h/a.git", "../y"), "refused");
}

TEST(RemoteBake, ReadsTheFilesOfARepository) {
  FakeReader reader({{"compose.yaml", "c"}, {"docker-bake.hcl", "b"}, {"x.hcl", "x"}});
  const RemoteBake remote = *RemoteBake::open(reader, "https://h/a.git#v1");
  EXPECT_THAT(names(remote.files({})), ElementsAre("compose.yaml", "docker-bake.hcl"));
  EXPECT_THAT(names(remote.files({"x.hcl"})), ElementsAre("x.hcl"));
  EXPECT_THAT(names(remote.files({"y.hcl"})),
              ElementsAre("read y.hcl: no such file in https://h/a.git#v1"));
  EXPECT_EQ(*remote.elsewhere()("sub"), "https://h/a.git#v1:sub");
}

TEST(RemoteBake, ReadsAFileAtAUrl) {
  FakeReader reader(Files{{"context", "target \"default\" {}"}});
  const RemoteBake remote = *RemoteBake::open(reader, "https://h/docker-bake.hcl");
  EXPECT_THAT(names(remote.files({"ignored"})), ElementsAre("https://h/docker-bake.hcl"));
  EXPECT_FALSE(remote.elsewhere());
  EXPECT_THAT(remote.read(".env").error().message(), HasSubstr("stands alone"));
}

TEST(RemoteBake, ReadsAnArchive) {
  FakeReader reader({{"context", "BZh91AY"}, {"docker-bake.json", "{}"}});
  const RemoteBake remote = *RemoteBake::open(reader, "https://h/a.tar.bz2");
  EXPECT_THAT(names(remote.files({})), ElementsAre("docker-bake.json"));
  EXPECT_EQ(*remote.elsewhere()("."), "https://h/a.tar.bz2#:.");
  const RemoteBake part = *RemoteBake::open(reader, "https://h/a.tar.bz2#:sub");
  EXPECT_EQ(*part.elsewhere()("x"), "https://h/a.tar.bz2#:sub/x");
}

TEST(RemoteBake, GivesItsAccessToItsOwnHost) {
  Environment environment;
  environment.variables = {{"BUILDX_BAKE_GIT_AUTH_TOKEN", "t"}};
  const std::string url = "https://h/a.git";
  const bake::Target access = *remote_access(url, environment);
  ASSERT_EQ(access.secrets.size(), 1u);
  EXPECT_EQ(access.secrets[0].at("id"), "GIT_AUTH_TOKEN.h");
  bake::Target own, other;
  own.context = "https://h/a.git#:sub";
  other.context = "https://elsewhere/a.git";
  const auto given = with_remote_access(access, url, {own, other});
  EXPECT_EQ(given.at(0).secrets, access.secrets);
  EXPECT_TRUE(given.at(1).secrets.empty());
}

}  // namespace
}  // namespace slipway::cli
