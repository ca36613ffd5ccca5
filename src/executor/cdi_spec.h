// CdiSpec: one file of the Container Device Interface
// (github.com/cncf-tags/container-device-interface, SPEC.md): devices of one kind, and what a
// container must get to use them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::executor {

struct CdiDeviceNode {
  std::string path;       // in the container
  std::string host_path;  // never empty
  char type = 0;          // 'b', 'c', 'p'; 0: as the host's
  // Unset: as the host's.
  std::optional<int64_t> major_number;
  std::optional<int64_t> minor_number;
  std::optional<uint32_t> mode;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  bool operator==(const CdiDeviceNode&) const = default;
};

struct CdiMount {
  std::string host_path;
  std::string container_path;
  std::vector<std::string> options;  // of mount(8)
  bool operator==(const CdiMount&) const = default;
};

// A program that the runtime runs on the host's side, at one of OCI's moments.
struct CdiHook {
  std::string moment;  // "createContainer"
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<int64_t> timeout;  // seconds
  bool operator==(const CdiHook&) const = default;
};

struct CdiEdits {
  std::vector<std::string> env;  // NAME=value
  std::vector<CdiDeviceNode> nodes;
  std::vector<CdiMount> mounts;
  std::vector<CdiHook> hooks;
  std::vector<uint32_t> additional_gids;
  // What this program does not do, as a user reads it: a device with any of it is refused.
  std::vector<std::string> unsupported;

  bool empty() const { return *this == CdiEdits(); }
  void append(const CdiEdits& other);
  bool operator==(const CdiEdits&) const = default;
};

struct CdiDevice {
  std::string name;  // "0"; the qualified name is KIND=NAME
  std::map<std::string, std::string> annotations;
  CdiEdits edits;
};

struct CdiSpec {
  std::string kind;  // "vendor.com/class"
  std::map<std::string, std::string> annotations;
  std::vector<CdiDevice> devices;
  CdiEdits edits;  // for a container that gets any of the devices
};

// JSON or YAML. What is wrong is InvalidInput, with the line.
Result<CdiSpec> parse_cdi_spec(std::string_view text, const std::string& file);

}  // namespace slipway::executor
