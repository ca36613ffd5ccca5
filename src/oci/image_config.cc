#include "oci/image_config.h"

#include <array>

#include <nlohmann/json.hpp>

#include "oci/json_fields.h"
#include "oci/json_writer.h"
#include "oci/rfc3339.h"

namespace slipway {
namespace {

using nlohmann::json;

// Inline caches ("moby.buildkit.cache.v0") make configs of megabytes.
constexpr size_t kMaxConfigBytes = 32 << 20;

// The members that ImageConfig has fields for; the rest is kept in `unknown`.
constexpr std::array<std::string_view, 10> kKnownMembers = {
    "architecture", "author",      "config",     "created", "history",
    "os",           "os.features", "os.version", "rootfs",  "variant"};

bool is_known(std::string_view name) {
  return std::ranges::find(kKnownMembers, name) != kKnownMembers.end();
}

// The text of each member of the object `text`, which is known to be valid JSON: name as written
// (with its escapes) -> value.
class MemberTexts {
 public:
  explicit MemberTexts(std::string_view text) : text_(text) {}

  template <typename Visit>
  void for_each(Visit visit) {
    skip_to('{');
    for (;;) {
      skip_space();
      if (text_[at_] == '}') return;
      const std::string_view name = value();
      skip_to(':');
      skip_space();
      visit(name, value());
      skip_space();
      if (text_[at_] == ',') ++at_;
    }
  }

 private:
  void skip_space() {
    while (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  void skip_to(char c) {
    while (text_[at_] != c) ++at_;
    ++at_;
  }
  // Passes one value: up to the comma or bracket that ends it.
  std::string_view value() {
    const size_t start = at_;
    int depth = 0;
    bool in_string = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (in_string) {
        if (c == '\\') ++at_;
        if (c == '"') in_string = false;
        continue;
      }
      if (c == '"') in_string = true;
      if (depth == 0 && std::string_view(",:}] \t\r\n").find(c) != std::string_view::npos) break;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
    }
    return text_.substr(start, at_ - start);
  }

  std::string_view text_;
  size_t at_ = 0;
};

Result<std::optional<std::vector<std::string>>> optional_strings(const json& object,
                                                                 const char* name) {
  std::vector<std::string> values = TRY(json_fields::strings(object, name));
  if (json_fields::find(object, name) == nullptr) return std::optional<std::vector<std::string>>();
  return std::optional(std::move(values));
}

Result<std::string> time_field(const json& object, const char* name) {
  const std::string text = TRY(json_fields::string(object, name));
  if (text.empty()) return text;
  return canonical_rfc3339(text).context(name);
}

Result<Healthcheck> parse_healthcheck(const json& object) {
  Healthcheck check;
  check.test = TRY(json_fields::strings(object, "Test"));
  check.interval = TRY(json_fields::integer(object, "Interval"));
  check.timeout = TRY(json_fields::integer(object, "Timeout"));
  check.start_period = TRY(json_fields::integer(object, "StartPeriod"));
  check.start_interval = TRY(json_fields::integer(object, "StartInterval"));
  const int64_t retries = TRY(json_fields::integer(object, "Retries"));
  if (retries < 0 || retries > INT32_MAX) {
    return make_error(ErrorCode::InvalidInput, "\"Retries\" is out of range: {}", retries);
  }
  check.retries = static_cast<int>(retries);
  return check;
}

Result<ContainerConfig> parse_container_config(const json& object) {
  ContainerConfig config;
  config.user = TRY(json_fields::string(object, "User"));
  config.exposed_ports = TRY(json_fields::name_set(object, "ExposedPorts"));
  config.env = TRY(json_fields::strings(object, "Env"));
  config.entrypoint = TRY(optional_strings(object, "Entrypoint"));
  config.cmd = TRY(optional_strings(object, "Cmd"));
  config.volumes = TRY(json_fields::name_set(object, "Volumes"));
  config.working_dir = TRY(json_fields::string(object, "WorkingDir"));
  config.labels = TRY(json_fields::string_map(object, "Labels"));
  config.stop_signal = TRY(json_fields::string(object, "StopSignal"));
  config.args_escaped = TRY(json_fields::boolean(object, "ArgsEscaped"));
  if (const json* check = TRY(json_fields::object(object, "Healthcheck"))) {
    config.healthcheck = TRY(parse_healthcheck(*check).context("Healthcheck"));
  }
  config.on_build = TRY(json_fields::strings(object, "OnBuild"));
  config.shell = TRY(optional_strings(object, "Shell"));
  return config;
}

Result<HistoryEntry> parse_history_entry(const json& object) {
  HistoryEntry entry;
  entry.created = TRY(time_field(object, "created"));
  entry.created_by = TRY(json_fields::string(object, "created_by"));
  entry.author = TRY(json_fields::string(object, "author"));
  entry.comment = TRY(json_fields::string(object, "comment"));
  entry.empty_layer = TRY(json_fields::boolean(object, "empty_layer"));
  return entry;
}

Result<ImageConfig> read_image_config(std::string_view text) {
  const json document = TRY(json_fields::parse_object(text, kMaxConfigBytes));
  ImageConfig config;
  config.platform.os = TRY(json_fields::string(document, "os"));
  config.platform.architecture = TRY(json_fields::string(document, "architecture"));
  config.platform.variant = TRY(json_fields::string(document, "variant"));
  config.platform.os_version = TRY(json_fields::string(document, "os.version"));
  config.platform.os_features = TRY(json_fields::strings(document, "os.features"));
  config.created = TRY(time_field(document, "created"));
  config.author = TRY(json_fields::string(document, "author"));
  if (const json* container = TRY(json_fields::object(document, "config"))) {
    config.config = TRY(parse_container_config(*container).context("config"));
  }
  if (const json* rootfs = TRY(json_fields::object(document, "rootfs"))) {
    for (const std::string& digest : TRY(json_fields::strings(*rootfs, "diff_ids"))) {
      config.diff_ids.push_back(TRY(Digest::parse(digest).context("rootfs")));
    }
  }
  for (const json* entry : TRY(json_fields::objects(document, "history"))) {
    config.history.push_back(TRY(parse_history_entry(*entry).context("history")));
  }
  MemberTexts(text).for_each([&](std::string_view quoted_name, std::string_view value) {
    std::string name = json::parse(quoted_name).get<std::string>();
    if (!is_known(name)) config.unknown.insert_or_assign(std::move(name), std::string(value));
  });
  return config;
}

void write_names(JsonWriter& writer, const char* name,
                 const std::map<std::string, std::string>& names) {
  if (names.empty()) return;
  writer.key(name).begin_object();
  for (const auto& entry : names) writer.key(entry.first).begin_object().end_object();
  writer.end_object();
}

void write_healthcheck(JsonWriter& writer, const Healthcheck& check) {
  writer.begin_object();
  writer.optional("Test", check.test);
  writer.optional("Interval", check.interval);
  writer.optional("Timeout", check.timeout);
  writer.optional("StartPeriod", check.start_period);
  writer.optional("StartInterval", check.start_interval);
  writer.optional("Retries", static_cast<int64_t>(check.retries));
  writer.end_object();
}

void write_container_config(JsonWriter& writer, const ContainerConfig& config) {
  writer.begin_object();
  writer.optional("User", config.user);
  write_names(writer, "ExposedPorts", config.exposed_ports);
  writer.optional("Env", config.env);
  writer.optional("Entrypoint", config.entrypoint.value_or(std::vector<std::string>()));
  writer.optional("Cmd", config.cmd.value_or(std::vector<std::string>()));
  write_names(writer, "Volumes", config.volumes);
  writer.optional("WorkingDir", config.working_dir);
  writer.optional("Labels", config.labels);
  writer.optional("StopSignal", config.stop_signal);
  if (config.args_escaped) writer.key("ArgsEscaped").boolean(true);
  if (config.healthcheck) {
    writer.key("Healthcheck");
    write_healthcheck(writer, *config.healthcheck);
  }
  writer.optional("OnBuild", config.on_build);
  writer.optional("Shell", config.shell.value_or(std::vector<std::string>()));
  writer.end_object();
}

void write_history(JsonWriter& writer, const std::vector<HistoryEntry>& history) {
  if (history.empty()) {
    writer.null();
    return;
  }
  writer.begin_array();
  for (const HistoryEntry& entry : history) {
    writer.begin_object();
    writer.optional("created", entry.created);
    writer.optional("created_by", entry.created_by);
    writer.optional("author", entry.author);
    writer.optional("comment", entry.comment);
    if (entry.empty_layer) writer.key("empty_layer").boolean(true);
    writer.end_object();
  }
  writer.end_array();
}

// BuildKit fills in a missing creation time from the last entry of the history that has one.
void write_created(JsonWriter& writer, const ImageConfig& config) {
  std::string created = config.created;
  for (auto entry = config.history.rbegin(); created.empty() && entry != config.history.rend();
       ++entry) {
    created = entry->created;
  }
  if (created.empty()) {
    writer.null();
  } else {
    writer.string(created);
  }
}

void write_rootfs(JsonWriter& writer, const std::vector<Digest>& diff_ids) {
  writer.begin_object().key("type").string("layers").key("diff_ids");
  if (diff_ids.empty()) {
    writer.null();
  } else {
    writer.begin_array();
    for (const Digest& digest : diff_ids) writer.string(digest.str());
    writer.end_array();
  }
  writer.end_object();
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text) {
  return read_image_config(text).context("read image config");
}

// BuildKit's exporter marshals the config as a map of raw members: the names at the top are sorted,
// those inside "config" and "history" have the order of its structs.
std::string to_json(const ImageConfig& config) {
  std::map<std::string, std::string> members = config.unknown;
  const auto add = [&](const char* name, auto write) {
    JsonWriter writer;
    write(writer);
    members.insert_or_assign(name, writer.take());
  };
  const auto add_text = [&](const char* name, const std::string& text, bool always) {
    members.erase(name);
    if (always || !text.empty()) add(name, [&](JsonWriter& writer) { writer.string(text); });
  };
  add_text("architecture", config.platform.architecture, true);
  add_text("os", config.platform.os, true);
  add_text("variant", config.platform.variant, false);
  add_text("os.version", config.platform.os_version, false);
  add_text("author", config.author, false);
  members.erase("os.features");
  if (!config.platform.os_features.empty()) {
    add("os.features", [&](JsonWriter& writer) { writer.strings(config.platform.os_features); });
  }
  add("config", [&](JsonWriter& writer) { write_container_config(writer, config.config); });
  add("created", [&](JsonWriter& writer) { write_created(writer, config); });
  add("history", [&](JsonWriter& writer) { write_history(writer, config.history); });
  add("rootfs", [&](JsonWriter& writer) { write_rootfs(writer, config.diff_ids); });

  JsonWriter writer;
  writer.begin_object();
  for (const auto& [name, text] : members) writer.key(name).raw(text);
  writer.end_object();
  return writer.take();
}

}  // namespace slipway
