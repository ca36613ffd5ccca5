#include "oci/image_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using testing::HasSubstr;

// The bytes that BuildKit v0.34 exports for these values: sorted at the top, struct order inside.
constexpr char kConfig[] =
    R"({"architecture":"amd64","author":"me \u003cme@x\u003e","config":{"User":"app",)"
    R"("ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["PATH=/bin","A=\u0026\u0026"],)"
    R"("Entrypoint":["/run"],"Cmd":["a","b"],"Volumes":{"/data":{}},"WorkingDir":"/app",)"
    R"("Labels":{"a":"1","b":"é"},"StopSignal":"SIGINT","ArgsEscaped":true,)"
    R"("Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":30000000000,"Retries":3},)"
    R"("OnBuild":["RUN x"],"Shell":["/bin/bash","-c"]},"created":"2026-11-24T07:00:00.5Z",)"
    R"("history":[{"created":"2026-11-24T07:00:00.5Z","created_by":"RUN x","author":"me",)"
    R"("comment":"buildkit.dockerfile.v0"},{"created_by":"CMD y","empty_layer":true}],)"
    R"("moby.buildkit.cache.v0":"e30=","os":"linux","rootfs":{"type":"layers","diff_ids":)"
    R"(["sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]},)"
    R"("variant":"v2"})";

TEST(ImageConfig, PrintsWhatItParsed) {
  const Result<ImageConfig> config = parse_image_config(kConfig);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->config.env.at(1), "A=&&");
  EXPECT_EQ(config->config.healthcheck->interval, 30'000'000'000);
  EXPECT_EQ(config->history.at(1).empty_layer, true);
  EXPECT_EQ(config->unknown.at("moby.buildkit.cache.v0"), "\"e30=\"");
  EXPECT_EQ(to_json(*config), kConfig);
}

TEST(ImageConfig, EmptyPrintsAsBuildKitDoes) {
  EXPECT_EQ(to_json(ImageConfig{}),
            R"({"architecture":"","config":{},"created":null,"history":null,"os":"",)"
            R"("rootfs":{"type":"layers","diff_ids":null}})");
}

TEST(ImageConfig, CreationTimeComesFromTheLastHistoryEntryThatHasOne) {
  ImageConfig config;
  config.history = {{.created = "2026-01-01T00:00:00Z"}, {.created = "2026-01-02T00:00:00Z"}, {}};
  EXPECT_THAT(to_json(config), HasSubstr(R"("created":"2026-01-02T00:00:00Z","history")"));
}

TEST(ImageConfig, KeepsUnknownMembersAsTheyCame) {
  const Result<ImageConfig> config = parse_image_config(
      "{ \"os\" : \"linux\", \"x\\u0041\" : { \"n\" : 1.0e30 , \"t\":\"<, }\\\"\" },\"z\":[]}");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->unknown.at("xA"), "{ \"n\" : 1.0e30 , \"t\":\"<, }\\\"\" }");
  EXPECT_THAT(to_json(*config), HasSubstr(R"("xA":{"n":1.0e30,"t":"\u003c, }\""},"z":[]})"));
}

TEST(ImageConfig, DockersNullsAreAbsent) {
  const Result<ImageConfig> config = parse_image_config(
      R"({"config":{"Cmd":null,"Labels":null,"Volumes":null},"history":null,"created":null})");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->config, ContainerConfig{});
}

TEST(ImageConfig, TimesAreCanonical) {
  const Result<ImageConfig> config =
      parse_image_config(R"({"created":"2020-02-29T01:02:03.1200000000+00:00"})");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->created, "2020-02-29T01:02:03.12Z");
  for (const char* bad : {"2021-02-29T00:00:00Z", "yesterday", "2020-01-01T24:00:00Z",
                          "2020-01-01T00:00:00", "2020-01-01T00:00:00.Z"}) {
    EXPECT_FALSE(parse_image_config(fmt::format(R"({{"created":"{}"}})", bad))) << bad;
  }
}

TEST(ImageConfig, RefusesMalformedInput) {
  for (const char* bad : {"", "null", "{\"config\":[]}", "{\"config\":{\"Env\":\"A=1\"}}",
                          "{\"config\":{\"Env\":[1]}}", "{\"config\":{\"Labels\":{\"a\":1}}}",
                          "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", "{\"history\":[1]}",
                          "{\"config\":{\"Healthcheck\":{\"Retries\":99999999999}}}"}) {
    const Result<ImageConfig> config = parse_image_config(bad);
    ASSERT_FALSE(config) << bad;
    EXPECT_EQ(config.error().code(), ErrorCode::InvalidInput);
    EXPECT_THAT(config.error().message(), HasSubstr("read image config: "));
  }
}

}  // namespace
}  // namespace slipway
