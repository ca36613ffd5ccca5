#include "ops/device_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::ops {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeviceAccessTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file_atomic(
        root_.path() / "gpu.yaml",
        "cdiVersion: 0.6.0\nkind: v.c/gpu\ndevices:\n"
        "- {name: a, containerEdits: {env: [A=1]}}\n"
        "- {name: b, containerEdits: {env: [B=1]}}\n"
        "- {name: free, annotations: {org.mobyproject.buildkit.device.autoallow: true},\n"
        "   containerEdits: {env: [C=1]}}\n"));
    devices_ = executor::CdiDevices::read({root_.path()});
    ASSERT_THAT(devices_.problems(), IsEmpty());
  }
  std::vector<std::string> ask(const std::vector<graph::CdiDevice>& requests,
                               const std::vector<std::string>& allow = {}) {
    DeviceGrants grants;
    for (const std::string& text : allow) {
      const Status added = grants.add(text);
      if (!added) return {added.error().message()};
    }
    const auto names = devices_for(requests, devices_, grants);
    if (names) return *names;
    return {names.error().message(), names.error().hint()};
  }
  TempDir root_ = *TempDir::create(testing::TempDir(), "device-access");
  executor::CdiDevices devices_;
};

TEST_F(DeviceAccessTest, WhatIsRequestedMustBeGranted) {
  EXPECT_THAT(ask({{"v.c/gpu=a", false}}),
              ElementsAre("device v.c/gpu=a is requested by the build but not allowed",
                          "allow it: --allow device=v.c/gpu=a"));
  EXPECT_THAT(ask({{"v.c/gpu=a", true}}), testing::SizeIs(2));
  EXPECT_THAT(ask({{"v.c/gpu=a", false}}, {"v.c/gpu=a"}), ElementsAre("v.c/gpu=a"));
  EXPECT_THAT(
      ask({{"v.c/gpu=*", false}}, {"v.c/gpu=b"}),
      ElementsAre("device v.c/gpu=a is requested by the build but not allowed", testing::_));
  EXPECT_THAT(ask({{"v.c/gpu=b", false}, {"v.c/gpu=*", false}}, {""}),
              ElementsAre("v.c/gpu=b", "v.c/gpu=a", "v.c/gpu=free"));
  EXPECT_THAT(ask({{"v.c/gpu=free", false}}), ElementsAre("v.c/gpu=free"));
}

TEST_F(DeviceAccessTest, OnlyARequiredDeviceMustBeThere) {
  EXPECT_THAT(ask({{"v.c/gpu=x", true}}, {""}), IsEmpty());
  const auto missing = ask({{"v.c/gpu=x", false}}, {""});
  EXPECT_EQ(missing.at(0), "device v.c/gpu=x is required, but there is none on this machine");
  EXPECT_THAT(missing.at(1), HasSubstr("CDI files (*.yaml, *.json) in " + root_.path().string()));
}

TEST_F(DeviceAccessTest, AnAliasIsAllowedByName) {
  EXPECT_THAT(ask({{"gpu", false}}, {"v.c/gpu=b,alias=gpu"}), ElementsAre("v.c/gpu=b"));
  EXPECT_THAT(ask({{"gpu", false}}, {"v.c/gpu=b,as=gpu"}), ElementsAre(HasSubstr("alias=REQUEST")));
}

}  // namespace
}  // namespace slipway::ops
