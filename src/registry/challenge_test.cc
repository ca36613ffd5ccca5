#include "registry/challenge.h"

#include <gtest/gtest.h>

namespace slipway::registry {
namespace {

TEST(Challenge, ReadsBearerParameters) {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",)"
      R"(scope="repository:a/b:pull,push",error="insufficient_scope")");
  ASSERT_EQ(challenges.size(), 1u);
  EXPECT_EQ(challenges[0].scheme, Challenge::Scheme::Bearer);
  EXPECT_EQ(challenges[0].realm, "https://auth.docker.io/token");
  EXPECT_EQ(challenges[0].service, "registry.docker.io");
  EXPECT_EQ(challenges[0].scope, "repository:a/b:pull,push");
}

TEST(Challenge, ReadsSeveralInOneHeader) {
  const auto challenges =
      parse_challenges(R"(Negotiate, Basic realm="a \"b\", c", bearer realm=https://t/)");
  ASSERT_EQ(challenges.size(), 2u);
  EXPECT_EQ(challenges[0].scheme, Challenge::Scheme::Basic);
  EXPECT_EQ(challenges[0].realm, "a \"b\", c");
  EXPECT_EQ(challenges[1].realm, "https://t/");
}

TEST(Challenge, BrokenHeadersGiveNothing) {
  for (const char* broken : {"", ",", "=", "Bearer", "Bearer realm", "Bearer realm=\"",
                             "Digest realm=\"x\"", "\"\"\"", "Bearer =x"}) {
    EXPECT_TRUE(parse_challenges(broken).empty()) << broken;
  }
}

}  // namespace
}  // namespace slipway::registry
