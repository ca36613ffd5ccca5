#include "executor/socket_proxy.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "executor/test_rootfs.h"

namespace slipway::executor {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

// An agent that answers every connection with what it got, upper case.
class EchoAgent {
 public:
  explicit EchoAgent(const std::filesystem::path& path)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = address_of(path);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::listen(listener_.get(), 5), 0);
    thread_ = std::jthread([fd = listener_.get()] {
      for (;;) {
        const UniqueFd connection(::accept(fd, nullptr, nullptr));
        if (!connection) return;
        std::string text = read_fd(connection.get()).value_or("");
        for (char& c : text) c = static_cast<char>(std::toupper(c));
        (void)write_all(connection.get(), text).has_value();
      }
    });
  }
  ~EchoAgent() { ::shutdown(listener_.get(), SHUT_RDWR); }

 private:
  UniqueFd listener_;
  std::jthread thread_;
};

std::string ask(const std::filesystem::path& path, const std::string& question) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(write_all(fd.get(), question));
  ::shutdown(fd.get(), SHUT_WR);
  return read_fd(fd.get()).value_or("failed");
}

class SocketProxyTest : public testing::Test {
 protected:
  TempDir directory = *TempDir::create("/var/tmp", "slipway-proxy-test-");
  std::filesystem::path agent_path = directory.path() / "agent";
  std::filesystem::path proxy_path = directory.path() / "proxy";
};

TEST_F(SocketProxyTest, CarriesBothDirectionsOfEveryConnection) {
  const EchoAgent agent(agent_path);
  const auto proxy = SocketProxy::start({proxy_path, agent_path, ::geteuid(), ::getegid(), 0640});
  ASSERT_TRUE(proxy) << proxy.error().message();
  EXPECT_EQ(ask(proxy_path, "sign this"), "SIGN THIS");
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(ask(proxy_path, large), std::string(1 << 20, 'X'));
  struct stat info{};
  ASSERT_EQ(::stat(proxy_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(SocketProxyTest, DirectoriesMayHaveLongNames) {
  const std::filesystem::path deep = directory.path() / std::string(120, 'd');
  std::filesystem::create_directory(deep);
  const EchoAgent agent(agent_path);
  const auto proxy = SocketProxy::start({deep / "proxy", agent_path, 0, 0, 0600});
  ASSERT_TRUE(proxy) << proxy.error().message();
  EXPECT_TRUE(std::filesystem::is_socket(deep / "proxy"));
}

TEST_F(SocketProxyTest, RefusesToStartWithoutAnAgent) {
  EXPECT_FALSE(SocketProxy::start({proxy_path, agent_path, 0, 0, 0600}));
}

TEST_F(SocketProxyTest, StepSeesASocketOfItsOwn) {
  TestMachine machine;
  if (::geteuid() != 0) GTEST_SKIP() << machine.missing();
  ASSERT_EQ(machine.missing(), "");
  const EchoAgent agent(agent_path);
  ProcessSpec process = machine.shell("stat -c '%u:%g %a %F' /run/agent.0");
  process.mounts = {SocketMount{"/run/agent.0", agent_path, 1000, 1001, 0600}};
  process.user = "builder";
  const StepOutcome outcome = machine.run(process);
  EXPECT_EQ(outcome.out, "1000:1001 600 socket\n") << outcome.err << outcome.error;
}

}  // namespace
}  // namespace slipway::executor
