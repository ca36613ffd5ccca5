#include "cli/bake_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BakeAccessTest : public testing::Test {
 protected:
  std::string refused(const bake::Target& target, std::vector<std::string> allow = {},
                      bool any_file = false) {
    const Status status = check_access({target}, {std::move(allow), here_.path(), any_file});
    return status ? "" : status.error().message();
  }
  TempDir here_ = *TempDir::create(testing::TempDir(), "bake-access");
  bake::Target target_;
};

TEST_F(BakeAccessTest, ReadsAndWritesHere) {
  target_.contexts = {{"a", "sub"}, {"b", "docker-image://x"}, {"c", "target:y"}};
  target_.secrets = {{{"id", "s"}, {"src", "sub/token"}}, {{"id", "e"}, {"env", "TOKEN"}}};
  target_.outputs = {{{"type", "local"}, {"dest", "out"}}, {{"type", "registry"}}};
  EXPECT_EQ(refused(target_), "");
}

TEST_F(BakeAccessTest, ReadsNothingElsewhere) {
  target_.contexts = {{"a", "/etc"}};
  target_.secrets = {{{"id", "/root/.ssh/id_rsa"}}};
  target_.outputs = {{{"type", "tar"}, {"dest", "../out.tar"}}};
  const std::string error = refused(target_);
  EXPECT_THAT(error, HasSubstr("fs.read=/etc, fs.read=/root/.ssh/id_rsa, fs.write="));
  const std::string beside = fs::weakly_canonical(here_.path() / "..").string();
  EXPECT_EQ(refused(target_, {"fs.read=/etc", "fs=/root/.ssh", "fs.write=" + beside}), "");
  EXPECT_EQ(refused(target_, {}, true), "");
  EXPECT_THAT(refused(target_, {"fs.write=/"}), HasSubstr("fs.read=/etc"));
}

TEST_F(BakeAccessTest, ASymlinkLeadsWhereItLeads) {
  fs::create_directory_symlink("/etc", here_.path() / "link");
  target_.context = "link";
  EXPECT_THAT(refused(target_), HasSubstr("fs.read=/etc"));
}

TEST_F(BakeAccessTest, PrivilegesNeedAFlag) {
  target_.entitlements = {"network.host", "device=x.com/y=z"};
  target_.ssh = {"default"};
  EXPECT_THAT(refused(target_), HasSubstr("device=x.com/y=z, network.host, ssh"));
  EXPECT_EQ(refused(target_, {"device", "network.host", "ssh"}), "");
  EXPECT_THAT(refused(target_, {"sss"}), HasSubstr("--allow sss: this is not known"));
}

}  // namespace
}  // namespace slipway::cli
