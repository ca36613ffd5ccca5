#include "cli/registry_files.h"

#include <gmock/gmock.h>

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(RegistriesConf, MirrorsAndPlainHttpOfWholeDomains) {
  const auto settings = parse_registries_conf(R"(
unqualified-search-registries = [
  "docker.io",  # and more
]
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror.lan:5000/hub"  # the near one
insecure = true
[[registry.mirror]]
location = 'mirror.example.com'
[[registry]]
location = "registry.lan"
insecure = true
[[registry]]
prefix = "quay.io/team"
location = "elsewhere.lan"
[aliases]
"alpine" = "docker.io/library/alpine"
)");
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_THAT(
      settings->mirrors,
      ElementsAre(Pair("docker.io", ElementsAre("mirror.lan:5000/hub", "mirror.example.com"))));
  EXPECT_THAT(settings->insecure_hosts, ElementsAre("mirror.lan:5000", "registry.lan"));
}

TEST(RegistriesConf, MistakesNameTheLine) {
  EXPECT_THAT(parse_registries_conf("[[registry]]\nlocation = docker.io").error().message(),
              HasSubstr("line 2"));
  EXPECT_FALSE(parse_registries_conf("what is this"));
  EXPECT_FALSE(parse_registries_conf("[[registry.mirror]]"));
}

TEST(DockerDaemonJson, MirrorsAreOfDockerHub) {
  const auto settings = parse_docker_daemon_json(
      R"({"registry-mirrors":["https://mirror.lan"],"insecure-registries":["10.0.0.0/8","r:5000"]})");
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->mirrors, ElementsAre(Pair("docker.io", ElementsAre("https://mirror.lan"))));
  EXPECT_THAT(settings->insecure_hosts, ElementsAre("r:5000"));
  EXPECT_FALSE(parse_docker_daemon_json("["));
}

}  // namespace
}  // namespace slipway::cli
