#include "cli/registry_files.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/json_fields.h"

namespace slipway::cli {
namespace {

constexpr size_t kMaxFileBytes = 4 << 20;

// One [[registry]].
struct RegistryTable {
  std::string prefix;
  std::string location;
  bool insecure = false;
  bool blocked = false;
  struct Mirror {
    std::string location;
    bool insecure = false;
  };
  std::vector<Mirror> mirrors;
};

// The part of TOML that the file is made of: tables, arrays of tables, KEY = VALUE.
class RegistriesConf {
 public:
  Status read(std::string_view text) {
    int number = 0;
    for (const std::string& raw : split(text, '\n')) {
      ++number;
      const std::string_view line = trim(without_comment(raw));
      if (line.empty()) continue;
      TRY(take(line).context("line " + std::to_string(number)));
    }
    return {};
  }
  const std::vector<RegistryTable>& tables() const { return tables_; }

 private:
  enum class Section { Other, Registry, Mirror };

  static std::string_view without_comment(std::string_view line) {
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"') quoted = !quoted;
      if (line[i] == '#' && !quoted) return line.substr(0, i);
    }
    return line;
  }

  Status take(std::string_view line) {
    if (in_array_) {
      in_array_ = line.find(']') == std::string_view::npos;
      return {};
    }
    if (line.starts_with('[')) return take_section(line);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return Error(ErrorCode::InvalidInput, "neither a table nor KEY = VALUE");
    }
    const std::string_view key = trim(line.substr(0, equals));
    const std::string_view value = trim(line.substr(equals + 1));
    // Lists say nothing that we use.
    if (value.starts_with('[')) {
      in_array_ = value.find(']') == std::string_view::npos;
      return {};
    }
    return set(key, value);
  }

  Status take_section(std::string_view line) {
    section_ = Section::Other;
    if (line == "[[registry]]") {
      section_ = Section::Registry;
      tables_.emplace_back();
    } else if (line == "[[registry.mirror]]") {
      if (tables_.empty()) return Error(ErrorCode::InvalidInput, "a mirror of no registry");
      section_ = Section::Mirror;
      tables_.back().mirrors.emplace_back();
    }
    return {};
  }

  Status set(std::string_view key, std::string_view value) {
    if (section_ == Section::Other) return {};
    RegistryTable& table = tables_.back();
    const bool mirror = section_ == Section::Mirror;
    if (key == "location") {
      (mirror ? table.mirrors.back().location : table.location) = TRY(unquoted(value));
    } else if (key == "prefix" && !mirror) {
      table.prefix = TRY(unquoted(value));
    } else if (key == "insecure") {
      (mirror ? table.mirrors.back().insecure : table.insecure) = TRY(boolean(value));
    } else if (key == "blocked" && !mirror) {
      table.blocked = TRY(boolean(value));
    }
    return {};
  }

  static Result<std::string> unquoted(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                        (value.front() == '"' || value.front() == '\'');
    if (quoted && value.find('\\') == std::string_view::npos) {
      return std::string(value.substr(1, value.size() - 2));
    }
    return make_error(ErrorCode::InvalidInput, "{} is no string", value);
  }

  static Result<bool> boolean(std::string_view value) {
    if (value == "true") return true;
    if (value == "false") return false;
    return make_error(ErrorCode::InvalidInput, "{} is neither true nor false", value);
  }

  std::vector<RegistryTable> tables_;
  Section section_ = Section::Other;
  bool in_array_ = false;
};

std::string host_of(std::string_view location) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (location.starts_with(scheme)) location.remove_prefix(scheme.size());
  }
  return std::string(location.substr(0, location.find('/')));
}

}  // namespace

Result<RegistrySettings> parse_registries_conf(std::string_view text) {
  RegistriesConf file;
  TRY(file.read(text));
  RegistrySettings settings;
  for (const RegistryTable& table : file.tables()) {
    const std::string& domain = table.prefix.empty() ? table.location : table.prefix;
    const bool whole_domain =
        !domain.empty() && domain.find('/') == std::string::npos && !domain.starts_with('*');
    if (!whole_domain || table.blocked) continue;
    if (table.insecure) {
      settings.insecure_hosts.insert(host_of(table.location.empty() ? domain : table.location));
    }
    for (const RegistryTable::Mirror& mirror : table.mirrors) {
      if (mirror.location.empty()) continue;
      settings.mirrors[domain].push_back(mirror.location);
      if (mirror.insecure) settings.insecure_hosts.insert(host_of(mirror.location));
    }
    // Another place that stands for the domain.
    if (!table.location.empty() && table.location != domain) {
      settings.mirrors[domain].push_back(table.location);
    }
  }
  return settings;
}

Result<RegistrySettings> parse_docker_daemon_json(std::string_view text) {
  RegistrySettings settings;
  if (trim(text).empty()) return settings;
  const nlohmann::json document = TRY(json_fields::parse_object(text, kMaxFileBytes));
  const auto mirrors = TRY(json_fields::strings(document, "registry-mirrors"));
  if (!mirrors.empty()) settings.mirrors["docker.io"] = mirrors;
  for (const std::string& host : TRY(json_fields::strings(document, "insecure-registries"))) {
    // Networks (10.0.0.0/8) name no host.
    if (host.find('/') == std::string::npos) settings.insecure_hosts.insert(host);
  }
  return settings;
}

}  // namespace slipway::cli
