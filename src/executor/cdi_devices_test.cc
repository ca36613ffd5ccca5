#include "executor/cdi_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kSpec[] = R"(cdiVersion: "0.6.0"
kind: vendor.com/gpu
containerEdits:
  env: [ALL=1]
devices:
  - name: "0"
    annotations: {org.mobyproject.buildkit.device.class: accelerator}
    containerEdits:
      env: [WHICH=0]
      deviceNodes:
        - path: /dev/gpu0
          hostPath: /dev/null
          fileMode: 0660
          permissions: rw
      mounts:
        - {hostPath: /lib/a.so, containerPath: /usr/lib/a.so, options: [ro, bind]}
      hooks:
        - {hookName: createContainer, path: /bin/hook, args: [hook, x], timeout: 3}
      additionalGids: [0, 44]
  - name: "1"
    containerEdits: {env: [WHICH=1]}
)";

std::string error_of(std::string_view text) {
  const auto spec = parse_cdi_spec(text, "x.yaml");
  if (spec) return "";
  const int line = spec.error().spans().empty() ? 0 : spec.error().spans().front().first_line;
  return fmt::format("{}: {}", line, spec.error().message());
}

TEST(CdiSpec, ReadsWhatDevicesNeed) {
  const auto spec = parse_cdi_spec(kSpec, "x.yaml");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->kind, "vendor.com/gpu");
  EXPECT_THAT(spec->edits.env, ElementsAre("ALL=1"));
  ASSERT_EQ(spec->devices.size(), 2u);
  const CdiEdits& edits = spec->devices[0].edits;
  EXPECT_EQ(edits.nodes[0].host_path, "/dev/null");
  EXPECT_EQ(edits.nodes[0].mode, 0660u);
  EXPECT_EQ(edits.nodes[0].major_number, std::nullopt);
  EXPECT_EQ(edits.mounts[0], (CdiMount{"/lib/a.so", "/usr/lib/a.so", {"ro", "bind"}}));
  EXPECT_EQ(edits.hooks[0], (CdiHook{"createContainer", "/bin/hook", {"hook", "x"}, {}, 3}));
  EXPECT_THAT(edits.additional_gids, ElementsAre(44u));
  EXPECT_THAT(edits.unsupported, IsEmpty());
}

TEST(CdiSpec, ReadsJson) {
  const auto spec = parse_cdi_spec(
      "{\n\t\"cdiVersion\": \"1.0.0\", \"kind\": \"a.b/c\",\n\t\"devices\": [{\"name\": \"x\", "
      "\"containerEdits\": {\"deviceNodes\": [{\"path\": \"/dev/x\", \"type\": \"u\", \"major\": "
      "1, "
      "\"minor\": 3}]}}]}",
      "x.json");
  ASSERT_TRUE(spec) << spec.error().message();
  const CdiDeviceNode& node = spec->devices[0].edits.nodes[0];
  EXPECT_EQ(node.type, 'c');
  EXPECT_EQ(node.host_path, "/dev/x");
  EXPECT_EQ(node.minor_number, 3);
}

TEST(CdiSpec, NamesTheLineOfAMistake) {
  const std::string head = "cdiVersion: 0.6.0\nkind: a.b/c\n";
  const std::string device = head + "devices:\n- name: x\n  containerEdits:\n";
  EXPECT_EQ(error_of(device + "    enf: [A=1]\n"),
            "6: containerEdits: enf is not known (did you mean env?)");
  EXPECT_EQ(error_of(device + "    env: [A]\n"), "6: env: \"A\" is no NAME=VALUE");
  EXPECT_EQ(error_of(device + "    deviceNodes: [{path: x}]\n"),
            "6: deviceNodes: an absolute path is missing");
  EXPECT_EQ(error_of(device + "    deviceNodes: [{path: /x, major: many}]\n"),
            "6: major: a number from 0 to 4294967295 is expected");
  EXPECT_THAT(error_of(device + "    hooks: [{hookName: later, path: /x}]\n"),
              HasSubstr("hookName: \"later\" is not known"));
  EXPECT_EQ(error_of(head + "devices:\n- name: x\n"), "4: devices: x has no containerEdits");
  EXPECT_EQ(error_of(head), "1: devices: there are none");
  EXPECT_THAT(error_of("cdiVersion: 0.6.0\nkind: nothing\n"), HasSubstr("is no VENDOR/CLASS"));
  EXPECT_THAT(error_of("kind: a.b/c\n"), HasSubstr("cdiVersion: \"\" is not known"));
  EXPECT_EQ(error_of(""), "1: it is empty");
  EXPECT_THAT(error_of("a: [\n"), HasSubstr("yaml"));
}

class CdiDevicesTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(make_directories((root_.path() / name).parent_path()));
    ASSERT_TRUE(write_file_atomic(root_.path() / name, text));
  }
  CdiDevices read() const { return CdiDevices::read({root_.path() / "etc", root_.path() / "run"}); }
  static std::string device(const std::string& kind, const std::string& name,
                            const std::string& edits) {
    return "cdiVersion: 0.6.0\nkind: " + kind + "\ndevices: [{name: " + name +
           ", containerEdits: {" + edits + "}}]\n";
  }
  TempDir root_ = *TempDir::create(testing::TempDir(), "cdi-devices");
};

TEST_F(CdiDevicesTest, RequestsNameADeviceAClassOrAll) {
  write("etc/gpu.yaml", kSpec);
  write("etc/notes.txt", "no specification");
  const CdiDevices devices = read();
  EXPECT_THAT(devices.problems(), IsEmpty());
  EXPECT_THAT(devices.find("vendor.com/gpu=1"), ElementsAre("vendor.com/gpu=1"));
  EXPECT_THAT(devices.find("vendor.com/gpu"), ElementsAre("vendor.com/gpu=0"));
  EXPECT_THAT(devices.find("vendor.com/gpu=*"),
              ElementsAre("vendor.com/gpu=0", "vendor.com/gpu=1"));
  EXPECT_THAT(devices.find("accelerator"), ElementsAre("vendor.com/gpu=0"));
  EXPECT_THAT(devices.find("vendor.com/gpu=2"), IsEmpty());
  EXPECT_THAT(devices.find("vendor.com"), IsEmpty());
  EXPECT_FALSE(devices.is_allowed_to_all("vendor.com/gpu=0"));
}

TEST_F(CdiDevicesTest, WhatAllDevicesOfAFileNeedComesOnce) {
  write("etc/gpu.yaml", kSpec);
  const auto edits = read().edits_of({"vendor.com/gpu=1", "vendor.com/gpu=0"});
  ASSERT_TRUE(edits) << edits.error().message();
  EXPECT_THAT(edits->env, ElementsAre("ALL=1", "WHICH=1", "WHICH=0"));
}

TEST_F(CdiDevicesTest, LaterDirectoriesCountBeforeEarlierOnes) {
  write("etc/a.yaml", device("v.c/x", "d", "env: [FROM=etc]"));
  write("run/a.yaml", device("v.c/x", "d", "env: [FROM=run]"));
  EXPECT_THAT(read().edits_of({"v.c/x=d"})->env, ElementsAre("FROM=run"));
  write("run/b.yaml", device("v.c/x", "d", "env: [FROM=b]"));
  const CdiDevices ambiguous = read();
  EXPECT_THAT(ambiguous.find("v.c/x=d"), IsEmpty());
  EXPECT_THAT(ambiguous.problems(), ElementsAre("v.c/x=d is described twice"));
}

TEST_F(CdiDevicesTest, AFileThatCannotBeReadIsAProblemOfItsOwn) {
  write("etc/a.yaml", device("v.c/x", "d", "env: [A=1]"));
  write("etc/b.json", "{\"kind\": 3}");
  const CdiDevices devices = read();
  EXPECT_THAT(devices.find("v.c/x"), ElementsAre("v.c/x=d"));
  ASSERT_EQ(devices.problems().size(), 1u);
  EXPECT_THAT(devices.problems()[0], HasSubstr("etc/b.json:1: cdiVersion"));
}

TEST_F(CdiDevicesTest, RefusesWhatStepsDoNotGet) {
  write("etc/a.yaml", device("v.c/x", "d", "netDevices: [{hostInterfaceName: a, name: b}]"));
  write("etc/b.yaml", device("v.c/y", "d", "deviceNodes: [{path: /dev/x, permissions: r}]"));
  const CdiDevices devices = read();
  EXPECT_THAT(devices.edits_of({"v.c/x=d"}).error().message(), HasSubstr("netDevices"));
  EXPECT_THAT(devices.edits_of({"v.c/y=d"}).error().message(), HasSubstr("permissions \"r\""));
}

}  // namespace
}  // namespace slipway::executor
