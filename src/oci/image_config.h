// ImageConfig: the configuration of an image (OCI image-spec config.md plus Docker's additions).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/digest.h"
#include "oci/platform.h"

namespace slipway {

// Docker's health check; durations in nanoseconds. test: {}, {"NONE"}, {"CMD", ...}, {"CMD-SHELL",
// ...}.
struct Healthcheck {
  std::vector<std::string> test;
  int64_t interval = 0;
  int64_t timeout = 0;
  int64_t start_period = 0;
  int64_t start_interval = 0;
  int retries = 0;

  bool operator==(const Healthcheck&) const = default;
};

// What a container of the image starts with ("config" in the JSON).
struct ContainerConfig {
  std::string user;
  std::map<std::string, std::string> exposed_ports;  // key: "80/tcp"; values unused
  std::vector<std::string> env;                      // "NAME=value", in order
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> cmd;
  std::map<std::string, std::string> volumes;  // key: path; values unused
  std::string working_dir;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  bool args_escaped = false;
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string> on_build;
  std::optional<std::vector<std::string>> shell;

  bool operator==(const ContainerConfig&) const = default;
};

struct HistoryEntry {
  std::string created;  // RFC 3339, or empty
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;

  bool operator==(const HistoryEntry&) const = default;
};

struct ImageConfig {
  Platform platform;
  std::string created;  // RFC 3339, or empty
  std::string author;
  ContainerConfig config;
  std::vector<Digest> diff_ids;
  std::vector<HistoryEntry> history;
  // Members of the JSON object that we do not know, kept as they came: name -> JSON text.
  std::map<std::string, std::string> unknown;

  bool operator==(const ImageConfig&) const = default;
};

Result<ImageConfig> parse_image_config(std::string_view json);
// The bytes that BuildKit writes for the same values.
std::string to_json(const ImageConfig& config);

}  // namespace slipway
