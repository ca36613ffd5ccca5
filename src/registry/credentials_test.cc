#include "registry/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::registry {
namespace {

using ::testing::HasSubstr;

Result<std::optional<Credentials>> no_helper(const std::string& name, const std::string&,
                                             std::stop_token) {
  return make_error(ErrorCode::NotFound, "run docker-credential-{}: not found", name);
}

Credentials find(CredentialStore& store, const std::string& host, const std::string& repository) {
  const Result<Credentials> found = store.find(host, repository, {});
  EXPECT_TRUE(found) << found.error().message();
  return *found;
}

TEST(Credentials, FindsDockersAndPodmansKeys) {
  CredentialStore store({}, R"({"auths": {
      "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldA=="},
      "https://reg.lan:5000/v2/": {"username": "u", "password": "p:q"},
      "quay.io": {"auth": "YTpi"},
      "quay.io/org/team": {"identitytoken": "refresh"},
      "empty.io": {}}})",
                        no_helper);
  EXPECT_EQ(find(store, "registry-1.docker.io", "library/a"), (Credentials{"hub", "secret"}));
  EXPECT_EQ(find(store, "docker.io", "library/a"), (Credentials{"hub", "secret"}));
  EXPECT_EQ(find(store, "reg.lan:5000", "x"), (Credentials{"u", "p:q"}));
  EXPECT_EQ(find(store, "quay.io", "org/teams/app"), (Credentials{"a", "b"}));
  EXPECT_EQ(find(store, "quay.io", "org/team/app").identity_token, "refresh");
  EXPECT_TRUE(find(store, "empty.io", "x").empty());
  EXPECT_TRUE(find(store, "reg.lan", "x").empty());
}

TEST(Credentials, EarlierFilesWinAndMissingOnesAreFine) {
  const TempDir directory = *TempDir::create(std::filesystem::temp_directory_path(), "cred-");
  const auto path = directory.path() / "config.json";
  ASSERT_TRUE(write_file_atomic(path, R"({"auths": {"r": {"username": "file"}}})"));
  CredentialStore files({directory.path() / "missing.json", path}, "", no_helper);
  EXPECT_EQ(find(files, "r", "x").username, "file");
  CredentialStore both({path}, R"({"auths": {"r": {"username": "text"}}})", no_helper);
  EXPECT_EQ(find(both, "r", "x").username, "text");
}

TEST(Credentials, HelpersAreAskedOnceAndBeforeTheFile) {
  int asked = 0;
  const auto helper = [&](const std::string& name, const std::string& server,
                          std::stop_token) -> Result<std::optional<Credentials>> {
    ++asked;
    return std::optional(Credentials{name, server});
  };
  CredentialStore store({}, R"({"auths": {"a.io": {"username": "file"}},
      "credHelpers": {"a.io": "special"}, "credsStore": "all"})",
                        helper);
  EXPECT_EQ(find(store, "a.io", "x"), (Credentials{"special", "a.io"}));
  EXPECT_EQ(find(store, "a.io", "y"), (Credentials{"special", "a.io"}));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(find(store, "docker.io", "x"), (Credentials{"all", "https://index.docker.io/v1/"}));
}

TEST(Credentials, ABrokenHelperIsNoObstacleButIsRemembered) {
  CredentialStore store({}, R"({"auths": {"a.io": {"username": "file"}}, "credsStore": "desktop"})",
                        no_helper);
  EXPECT_EQ(find(store, "a.io", "x").username, "file");
  EXPECT_THAT(store.helper_problem(), HasSubstr("docker-credential-desktop: not found"));
}

TEST(Credentials, MalformedFilesAreRefusedWithoutShowingSecrets) {
  for (const char* broken :
       {"[", R"({"auths": []})", R"({"auths": {"a": "b"}})",
        R"({"auths": {"a": {"auth": "c2VjcmV0"}}})", R"({"auths": {"a": {"auth": "!secret"}}})"}) {
    CredentialStore store({}, broken, no_helper);
    const Result<Credentials> found = store.find("a", "x", {});
    ASSERT_FALSE(found) << broken;
    EXPECT_EQ(found.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(found.error().message(), ::testing::Not(HasSubstr("secret")));
  }
}

TEST(Credentials, RunsARealHelper) {
  const TempDir directory = *TempDir::create(std::filesystem::temp_directory_path(), "cred-");
  const auto program = directory.path() / "docker-credential-test";
  ASSERT_TRUE(write_file_atomic(
      program,
      "#!/bin/sh\nread s\n[ \"$1\" = get ] || exit 2\ncase $s in\n"
      "known) echo '{\"ServerURL\":\"known\",\"Username\":\"u\",\"Secret\":\"s\"}';;\n"
      "token) echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}';;\n"
      "*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n",
      0755));
  const std::string path = std::string(getenv("PATH"));
  ASSERT_EQ(setenv("PATH", (directory.path().string() + ":" + path).c_str(), 1), 0);
  const auto known = CredentialStore::run_credential_helper("test", "known", {});
  ASSERT_TRUE(known) << known.error().message();
  EXPECT_EQ(known->value(), (Credentials{"u", "s"}));
  EXPECT_EQ(CredentialStore::run_credential_helper("test", "token", {})->value().identity_token,
            "t");
  EXPECT_EQ(*CredentialStore::run_credential_helper("test", "other", {}), std::nullopt);
  EXPECT_FALSE(CredentialStore::run_credential_helper("missing", "known", {}));
  setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace slipway::registry
