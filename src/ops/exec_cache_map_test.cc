#include "ops/exec_cache_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::ops {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

graph::Mount root_mount() {
  graph::Mount mount;
  mount.input = 0;
  mount.dest = "/";
  mount.output = 0;
  return mount;
}

graph::Mount bind(int64_t input, std::string selector, std::string dest, bool readonly) {
  graph::Mount mount;
  mount.input = input;
  mount.selector = std::move(selector);
  mount.dest = std::move(dest);
  mount.readonly = readonly;
  return mount;
}

graph::Mount cache(std::string id, std::string dest) {
  graph::Mount mount;
  mount.dest = std::move(dest);
  mount.type = graph::MountType::Cache;
  mount.cache = graph::CacheOpt{std::move(id)};
  return mount;
}

// RUN with these mounts besides its root, on linux/amd64.
graph::Vertex vertex(std::vector<graph::Mount> mounts, size_t inputs = 1) {
  graph::ExecOp op;
  op.args = {"/bin/sh", "-c", "make"};
  op.env = {"PATH=/bin"};
  op.cwd = "/src";
  op.mounts = {root_mount()};
  op.mounts.insert(op.mounts.end(), mounts.begin(), mounts.end());
  graph::Vertex result;
  result.op = std::move(op);
  result.inputs.resize(inputs);
  result.platform = Platform{"linux", "amd64", "", "", {}};
  return result;
}

graph::ExecOp& op_of(graph::Vertex& v) {
  return std::get<graph::ExecOp>(v.op);
}
Digest key(const graph::Vertex& v) {
  return exec_cache_map(v)->digest;
}

TEST(ExecCacheMap, KeyOfAPlainRunIsBuildKits) {
  EXPECT_EQ(key(vertex({})),
            Digest::sha256_of(
                R"({"Type":"buildkit.exec.v0","Exec":{"meta":{"args":["/bin/sh","-c","make"],)"
                R"("env":["PATH=/bin"],"cwd":"/src"}},"OS":"linux","Arch":"amd64"})"));
}

TEST(ExecCacheMap, KeyNamesMountsButNotTheirSelectors) {
  graph::Vertex v = vertex({bind(1, "/a", "/mnt", true)}, 2);
  EXPECT_EQ(key(v),
            Digest::sha256_of(
                R"({"Type":"buildkit.exec.v0","Exec":{"meta":{"args":["/bin/sh","-c","make"],)"
                R"("env":["PATH=/bin"],"cwd":"/src"},"mounts":[{"dest":"/"},{"input":1,)"
                R"("dest":"/mnt","output":-1,"readonly":true}]},"OS":"linux","Arch":"amd64"})"));
}

// What buildkitd v0.34 hashed for such a step (--save-cache-debug).
TEST(ExecCacheMap, KeyOfAStepWithEverythingIsBuildKits) {
  graph::Mount tmpfs = bind(graph::kNone, "", "/t", false);
  tmpfs.type = graph::MountType::Tmpfs;
  tmpfs.tmpfs = graph::TmpfsOpt{1000000};
  graph::Mount secret = bind(graph::kNone, "", "/run/secrets/s", false);
  secret.type = graph::MountType::Secret;
  secret.output = 0;
  secret.secret = graph::SecretOpt{"s", 0, 0, 0444, true};
  graph::Mount locked = cache("x", "/d");
  locked.cache->sharing = graph::CacheSharing::Locked;
  graph::Vertex v =
      vertex({cache("//c", "/c"), bind(1, "/", "/ctx", true), locked, tmpfs, secret}, 2);
  graph::ExecOp& op = op_of(v);
  op.args = {"/bin/sh", "-c", "echo '<hi> & \"x\"'"};
  op.cwd = "/";
  op.extra_hosts = {{"db", "10.0.0.1"}};
  op.hostname = "hh";
  op.ulimit = {{"nofile", 100, 200}};
  op.remove_mount_stubs_recursive = true;
  op.network = graph::NetMode::None;
  op.secret_env = {{"e", "EE", true}};
  EXPECT_EQ(
      key(v),
      Digest::sha256_of(
          R"({"Type":"buildkit.exec.v0","Exec":{"meta":{"args":["/bin/sh","-c",)"
          R"("echo '\u003chi\u003e \u0026 \"x\"'"],"env":["PATH=/bin"],"cwd":"/",)"
          R"("extraHosts":[{"Host":"db"}],"hostname":"hh",)"
          R"("ulimit":[{"Name":"nofile","Soft":100,"Hard":200}],)"
          R"("removeMountStubsRecursive":true},"mounts":[{"dest":"/"},{"input":-1,"dest":"/c",)"
          R"("output":-1,"mountType":3,"cacheOpt":{"ID":"//c"}},{"input":1,"dest":"/ctx",)"
          R"("output":-1,"readonly":true},{"input":-1,"dest":"/d","output":-1,"mountType":3,)"
          R"("cacheOpt":{}},{"input":-1,"dest":"/t","output":-1,"mountType":4,)"
          R"("TmpfsOpt":{"size":1000000}},{"input":-1,"dest":"/run/secrets/s","mountType":1,)"
          R"("secretOpt":{"ID":"s","mode":292,"optional":true}}],"network":2,)"
          R"("secretenv":[{"ID":"e","name":"EE","optional":true}]},"OS":"linux","Arch":"amd64"})"));
}

TEST(ExecCacheMap, ProxyAndHostAddressesDoNotCount) {
  graph::Vertex a = vertex({});
  graph::Vertex b = vertex({});
  op_of(a).extra_hosts = {{"db", "10.0.0.1"}};
  op_of(b).extra_hosts = {{"db", "10.0.0.2"}};
  op_of(b).proxy_env = graph::ProxyEnv{.http_proxy = "http://proxy"};
  EXPECT_EQ(key(a), key(b));
  op_of(b).extra_hosts = {{"other", "10.0.0.2"}};
  EXPECT_NE(key(a), key(b));
}

TEST(ExecCacheMap, CacheIdsGivenByHandDoNotCount) {
  EXPECT_EQ(key(vertex({cache("mine", "/c")})), key(vertex({cache("yours", "/c")})));
  EXPECT_NE(key(vertex({cache("/c", "/c")})), key(vertex({cache("mine", "/c")})));
  EXPECT_NE(key(vertex({cache("mine", "/c")})), key(vertex({cache("mine", "/d")})));
}

TEST(ExecCacheMap, WhatIsReadOnlyOrDiscardedIsKeyedByContentTheRootIsNot) {
  graph::Mount writable = bind(2, "sub", "/w", false);
  graph::Mount output = bind(3, "sub", "/o", false);
  output.output = 1;
  const solver::CacheMap map =
      *exec_cache_map(vertex({bind(1, "a/", "/r", true), writable, output}, 4));
  EXPECT_FALSE(map.inputs[0].by_content);
  EXPECT_TRUE(map.inputs[1].by_content);
  EXPECT_TRUE(map.inputs[2].by_content);
  EXPECT_FALSE(map.inputs[3].by_content);  // an unselected file would come from an old input
  EXPECT_EQ(map.inputs[0].selector, Digest::sha256_of("/"));
  EXPECT_EQ(map.inputs[1].selector, Digest::sha256_of("/a"));
}

TEST(ExecCacheMap, ContentKeysCanBeTurnedOffButNotForcedWhereUnsafe) {
  graph::Mount off = bind(1, "", "/r", true);
  off.content_cache = graph::ContentCache::Off;
  EXPECT_FALSE(exec_cache_map(vertex({off}, 2))->inputs[1].by_content);
  graph::Mount forced = bind(1, "sub", "/o", false);
  forced.output = 1;
  forced.content_cache = graph::ContentCache::On;
  EXPECT_FALSE(exec_cache_map(vertex({forced}, 2)));
}

TEST(ExecCacheMap, SelectorsInsideOthersAreLeftOut) {
  const graph::Vertex v = vertex({bind(1, "b", "/1", true), bind(1, "a/x", "/2", true),
                                  bind(1, "a", "/3", true), bind(1, "ab", "/4", true)},
                                 2);
  EXPECT_THAT(exec_selectors(v, 1), ElementsAre("/a", "/ab", "/b"));
  EXPECT_THAT(exec_selectors(v, 0), IsEmpty());
}

TEST(ExecCacheMap, MissingInputIsRefused) {
  EXPECT_FALSE(exec_cache_map(vertex({bind(5, "", "/x", true)}, 2)));
}

}  // namespace
}  // namespace slipway::ops
