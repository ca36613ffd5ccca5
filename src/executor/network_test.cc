// The three kinds of network of a step.
#include "executor/network.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "executor/name_files.h"
#include "executor/test_rootfs.h"

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool host_has_default_route() {
  std::ifstream routes("/proc/net/route");
  for (std::string line; std::getline(routes, line);) {
    if (line.contains("\t00000000\t")) return true;
  }
  return false;
}

constexpr const char* kNamespaceOfStep = "stat -c %N /proc/self/ns/net";

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (machine.missing().empty()) return;
    if (::geteuid() == 0) FAIL() << machine.missing();
    GTEST_SKIP() << machine.missing();
  }
  ProcessSpec step(Network network, const std::string& script) const {
    ProcessSpec process = machine.shell(script);
    process.network = network;
    return process;
  }
  TestMachine machine;
};

TEST_F(NetworkTest, HostIsTheHosts) {
  const StepOutcome outcome = machine.run(step(Network::Host, kNamespaceOfStep));
  EXPECT_THAT(outcome.out, HasSubstr(fs::read_symlink("/proc/self/ns/net").string()));
}

TEST_F(NetworkTest, NoneHasOnlyTheLoopbackInterfaceUp) {
  const StepOutcome outcome =
      machine.run(step(Network::None, "ls /sys/class/net; ip link show lo | grep -c '<.*UP'"));
  EXPECT_EQ(outcome.out, "lo\n1\n") << outcome.err;
}

TEST_F(NetworkTest, PrivateReachesOutButNotTheHostsLoopback) {
  if (!host_has_default_route()) GTEST_SKIP() << "the machine has no network";
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  const std::string script = fmt::format(
      "ip route | grep -c ^default; "
      "for host in 127.0.0.1 $(ip route | grep ^default | grep -oE '[0-9.]+' | head -1); do "
      "nc -w 1 $host {} -e /bin/true && echo reached $host; done; true",
      port);
  EXPECT_EQ(machine.run(step(Network::Private, script)).out, "1\n");
  EXPECT_THAT(machine.run(step(Network::Host, script)).out, HasSubstr("reached 127.0.0.1"));
}

TEST_F(NetworkTest, NamespacesAreReusedButNeverSharedByTwoStepsAtATime) {
  const std::string first = machine.run(step(Network::None, kNamespaceOfStep)).out;
  EXPECT_EQ(machine.run(step(Network::None, kNamespaceOfStep)).out, first);

  // Two steps in one root: neither may take the other's mount points away.
  for (const char* path : {"/etc/hosts", "/etc/resolv.conf"}) machine.write(path, "#");
  const auto meet = [](const char* mine, const char* other) {
    return fmt::format(
        "{}; touch /tmp/{}; n=0; "
        "while [ ! -e /tmp/{} ] && [ $n -lt 500 ]; do n=$((n+1)); sleep 0.01; done",
        kNamespaceOfStep, mine, other);
  };
  StepOutcome outcomes[2];
  {
    std::jthread other([&] { outcomes[0] = machine.run(step(Network::None, meet("a", "b"))); });
    outcomes[1] = machine.run(step(Network::None, meet("b", "a")));
  }
  EXPECT_FALSE(outcomes[0].out.empty());
  EXPECT_FALSE(outcomes[1].out.empty());
  EXPECT_NE(outcomes[0].out, outcomes[1].out);
}

TEST_F(NetworkTest, WithoutPastaStepsUseTheHostsNetworkAndOneWarningSaysSo) {
  OciExecutorOptions options;
  options.scratch = machine.scratch();
  options.pasta = "/nonexistent/pasta";
  std::vector<std::string> warnings;
  options.on_warning = [&](std::string text) { warnings.push_back(std::move(text)); };
  auto executor = OciExecutor::create(std::move(options));
  ASSERT_TRUE(executor) << executor.error().message();
  std::string out;
  for (int i = 0; i < 2; ++i) {
    const auto status = (*executor)->run(step(Network::Private, kNamespaceOfStep),
                                         [&](int, std::string_view data) { out += data; }, {});
    ASSERT_TRUE(status) << status.error().message();
  }
  EXPECT_THAT(out, HasSubstr(fs::read_symlink("/proc/self/ns/net").string()));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("passt"));
}

TEST_F(NetworkTest, PoolLeavesNothingBehind) {
  machine.run(step(Network::None, "true"));
  machine.run(step(Network::Private, "true"));
  machine.end();
  EXPECT_TRUE(fs::is_empty(machine.scratch()));
}

TEST(NameFiles, LoopbackResolversAreReplacedByTheForwarder) {
  const std::string conf = "# local\nnameserver 127.0.0.53\nsearch corp\noptions edns0\n";
  EXPECT_TRUE(uses_loopback_resolver(conf));
  EXPECT_EQ(resolver_file(conf, "169.254.1.53"),
            "nameserver 169.254.1.53\n# local\nsearch corp\noptions edns0\n");
}

TEST(NameFiles, OtherResolversStayAsTheyAre) {
  const std::string conf = "nameserver\t10.0.0.2\nnameserver 127.0.0.1\n";
  EXPECT_FALSE(uses_loopback_resolver(conf));
  EXPECT_EQ(resolver_file(conf, std::nullopt), conf);
  EXPECT_TRUE(uses_loopback_resolver(""));
}

}  // namespace
}  // namespace slipway::executor
