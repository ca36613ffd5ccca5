#include "cli/key_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

class KeyAgentTest : public testing::Test {
 protected:
  std::filesystem::path key(const std::string& name, const std::string& passphrase) {
    const std::filesystem::path path = keys_.path() / name;
    ProcessOptions options;
    options.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path};
    EXPECT_TRUE(run_command(std::move(options))->status.success());
    return path;
  }
  Result<KeyAgent> start(const std::vector<std::filesystem::path>& keys) {
    return KeyAgent::start(keys, *TempDir::create("/tmp", "agent-"));
  }

  TempDir keys_ = *TempDir::create("/var/tmp", "keys-");
};

TEST_F(KeyAgentTest, HoldsTheKeysAndEndsWithTheObject) {
  std::filesystem::path socket;
  {
    const Result<KeyAgent> agent = start({key("first", ""), key("second", "")});
    ASSERT_TRUE(agent) << agent.error().message();
    socket = agent->socket();
    ProcessOptions list;
    list.argv = {"ssh-add", "-l"};
    list.environment = {"PATH=/usr/bin:/bin", "SSH_AUTH_SOCK=" + socket.string()};
    EXPECT_THAT(run_command(std::move(list))->stdout_text,
                testing::AllOf(HasSubstr(" first "), HasSubstr(" second ")));
  }
  EXPECT_FALSE(std::filesystem::exists(socket));
}

TEST_F(KeyAgentTest, AKeyWithAPassphraseIsRefused) {
  const Result<KeyAgent> agent = start({key("locked", "secret")});
  ASSERT_FALSE(agent);
  EXPECT_THAT(agent.error().message(), HasSubstr("locked: it has a passphrase"));
  EXPECT_THAT(agent.error().hint(), HasSubstr("ssh-add"));
}

TEST_F(KeyAgentTest, AFileThatIsNoKeyIsRefused) {
  const std::filesystem::path file = keys_.path() / "text";
  ASSERT_TRUE(write_file_atomic(file, "no key\n"));
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  const Result<KeyAgent> agent = start({file});
  ASSERT_FALSE(agent);
  EXPECT_EQ(agent.error().code(), ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace slipway::cli
