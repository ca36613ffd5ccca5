#include "frontend/bake/spec.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"

namespace slipway::bake {
namespace {

template <typename... Args>
Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

// "key=value", the key in lower case.
Result<std::pair<std::string, std::string>> split_field(const std::string& field) {
  const size_t equals = field.find('=');
  if (equals == std::string::npos) return invalid("invalid value {}", field);
  return std::pair(to_lower(trim_unicode(field.substr(0, equals))), field.substr(equals + 1));
}

Result<Fields> parse_cache(const std::string& text) {
  const std::vector<std::string> parts = TRY(parse_csv_line(text));
  if (parts.size() == 1 && !parts[0].contains('=')) {
    return Fields{{"type", "registry"}, {"ref", parts[0]}};
  }
  Fields fields;
  for (const std::string& part : parts) {
    auto [key, value] = TRY(split_field(part));
    fields[key] = value;
  }
  if (fields["type"].empty()) return invalid("type required for {}", go_quote(text));
  return fields;
}

constexpr std::string_view kUlimits[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                         "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                         "rss",     "rtprio",   "rttime", "sigpending", "stack"};

constexpr std::string_view kLogLevels[] = {"panic", "fatal", "error", "warning",
                                           "info",  "debug", "trace"};

Result<int64_t> parse_limit(std::string_view text) {
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return invalid("strconv.ParseInt: parsing {}: invalid syntax", go_quote(text));
  }
  return value;
}

}  // namespace

Result<std::vector<Fields>> parse_caches(const std::vector<std::string>& texts) {
  std::vector<Fields> caches;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    if (text.contains('=')) {
      caches.push_back(TRY(parse_cache(text)));
      continue;
    }
    for (const std::string& name : TRY(parse_csv_line(text))) {
      caches.push_back(Fields{{"type", "registry"}, {"ref", name}});
    }
  }
  return caches;
}

Result<Fields> parse_output(std::string_view text) {
  const std::vector<std::string> parts = TRY(parse_csv_line(text));
  if (parts.size() == 1 && parts[0] == text && !text.starts_with("type=")) {
    return Fields{{"type", text == "-" ? "tar" : "local"}, {"dest", std::string(text)}};
  }
  Fields fields;
  for (const std::string& part : parts) {
    auto [key, value] = TRY(split_field(part));
    fields[key] = value;
  }
  if (fields["type"].empty()) return invalid("type is required for output");
  if (const auto dest = fields.find("dest"); dest != fields.end() && dest->second.empty()) {
    fields.erase(dest);
  }
  return fields;
}

Result<SecretSpec> parse_secret(std::string_view text) {
  SecretSpec secret;
  std::string type;
  for (const std::string& field : TRY(parse_csv_line(text).context("failed to parse csv secret"))) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos) {
      return invalid("invalid field '{}' must be a key=value pair", field);
    }
    const std::string key = to_lower(field.substr(0, equals));
    const std::string value = field.substr(equals + 1);
    if (key == "type") {
      if (value != "file" && value != "env") {
        return invalid("unsupported secret type {}", go_quote(value));
      }
      type = value;
    } else if (key == "id") {
      secret.id = value;
    } else if (key == "source" || key == "src") {
      secret.file = value;
    } else if (key == "env") {
      secret.env = value;
    } else {
      return invalid("unexpected key '{}' in '{}'{}", key, field,
                     did_you_mean(key, {"type", "id", "source", "src", "env"}));
    }
  }
  if (type == "env" && secret.env.empty()) secret.env = std::exchange(secret.file, "");
  return secret;
}

SshSpec parse_ssh(std::string_view text) {
  const size_t equals = text.find('=');
  SshSpec ssh{std::string(text.substr(0, equals)), {}};
  if (equals != std::string_view::npos) ssh.paths = split(text.substr(equals + 1), ',');
  return ssh;
}

Result<Attestation> parse_attestation(std::string_view text) {
  Attestation attestation;
  for (const std::string& field : TRY(parse_csv_line(text))) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos) return invalid("invalid value {}", field);
    const std::string key = to_lower(trim_unicode(field.substr(0, equals)));
    const std::string value = field.substr(equals + 1);
    if (key == "type") {
      attestation.type = value;
    } else if (key == "disabled") {
      attestation.disabled = TRY(parse_bool(value).context("invalid value " + field));
    } else {
      attestation.attributes[field.substr(0, equals)] = value;
    }
  }
  if (attestation.type.empty()) return invalid("attestation type not specified");
  return attestation;
}

Result<UlimitSpec> parse_ulimit(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return invalid("invalid ulimit argument: {}", text);
  UlimitSpec ulimit;
  ulimit.name = text.substr(0, equals);
  if (std::find(std::begin(kUlimits), std::end(kUlimits), ulimit.name) == std::end(kUlimits)) {
    return invalid("invalid ulimit type: {}{}", ulimit.name,
                   did_you_mean(ulimit.name, {std::begin(kUlimits), std::end(kUlimits)}));
  }
  const std::vector<std::string> limits = split(text.substr(equals + 1), ':');
  if (limits.size() > 2)
    return invalid("too many limit value arguments - {}, can only have up to two, `soft[:hard]`",
                   text.substr(equals + 1));
  ulimit.soft = TRY(parse_limit(limits[0]));
  ulimit.hard = limits.size() == 2 ? TRY(parse_limit(limits[1])) : ulimit.soft;
  const bool unlimited = ulimit.hard == -1;
  if (!unlimited && (ulimit.soft > ulimit.hard || ulimit.soft == -1)) {
    return invalid("ulimit soft limit must be less than or equal to hard limit: {} > {}",
                   ulimit.soft, ulimit.hard);
  }
  return ulimit;
}

std::string to_string(const UlimitSpec& ulimit) {
  return fmt::format("{}={}:{}", ulimit.name, ulimit.soft, ulimit.hard);
}

Result<PolicySpec> parse_policy(std::string_view text) {
  return policy_of_fields(TRY(parse_csv_line(text)));
}

Result<PolicySpec> policy_of_fields(const std::vector<std::string>& fields) {
  PolicySpec policy;
  for (const std::string& field : fields) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos) return invalid("invalid value {}", field);
    const std::string key = to_lower(trim_unicode(field.substr(0, equals)));
    const std::string value = field.substr(equals + 1);
    const auto truth = [&] { return parse_bool(value).context("invalid value " + field); };
    if (key == "filename" && !value.empty()) {
      policy.files.push_back(value);
    } else if (key == "reset") {
      policy.reset = TRY(truth());
    } else if (key == "disabled") {
      policy.disabled = TRY(truth());
    } else if (key == "strict") {
      policy.strict = TRY(truth());
    } else if (key == "log-level") {
      const std::string level = to_lower(value) == "warn" ? "warning" : to_lower(value);
      if (std::find(std::begin(kLogLevels), std::end(kLogLevels), level) == std::end(kLogLevels)) {
        return invalid("invalid value {}: not a log level", field);
      }
      policy.log_level = level;
    } else {
      return invalid("invalid value {}{}", field,
                     did_you_mean(key, {"filename", "reset", "disabled", "strict", "log-level"}));
    }
  }
  return policy;
}

Status set_resource(ResourceLimits& limits, std::string_view name, const std::string& value) {
  if (name == "memory") {
    limits.memory = value;
  } else if (name == "memory-swap") {
    limits.memory_swap = value;
  } else if (name == "cpu-shares") {
    limits.cpu_shares = TRY(parse_limit(value));
  } else if (name == "cpu-period") {
    limits.cpu_period = TRY(parse_limit(value));
  } else if (name == "cpu-quota") {
    limits.cpu_quota = TRY(parse_limit(value));
  } else if (name == "cpuset-cpus") {
    limits.cpuset_cpus = value;
  } else if (name == "cpuset-mems") {
    limits.cpuset_mems = value;
  } else {
    return invalid("unknown resources key {}{}", name,
                   did_you_mean(name, {"memory", "memory-swap", "cpu-shares", "cpu-period",
                                       "cpu-quota", "cpuset-cpus", "cpuset-mems"}));
  }
  return {};
}

Result<std::optional<Attestation>> attestation_of(std::string_view type, std::string_view value) {
  if (value.empty()) return std::optional<Attestation>();
  if (const Result<bool> on = parse_bool(value)) {
    return std::optional(Attestation{std::string(type), !*on, {}});
  }
  return std::optional(
      TRY(parse_attestation("type=" + std::string(type) + "," + std::string(value))));
}

Result<std::vector<Fields>> parse_outputs(const std::vector<std::string>& texts) {
  std::vector<Fields> outputs;
  for (const std::string& text : texts) {
    if (!text.empty()) outputs.push_back(TRY(parse_output(text)));
  }
  return outputs;
}

Result<std::vector<SecretSpec>> parse_secrets(const std::vector<std::string>& texts) {
  std::vector<SecretSpec> secrets;
  for (const std::string& text : texts) {
    if (!text.empty()) secrets.push_back(TRY(parse_secret(text)));
  }
  return secrets;
}

std::vector<SshSpec> parse_ssh_list(const std::vector<std::string>& texts) {
  std::vector<SshSpec> keys;
  for (const std::string& text : texts) {
    if (!text.empty()) keys.push_back(parse_ssh(text));
  }
  return keys;
}

bool is_remote(std::string_view context) {
  for (const std::string_view scheme :
       {"http://", "https://", "git://", "git@", "ssh://", "github.com/"}) {
    if (context.starts_with(scheme)) return true;
  }
  return false;
}

}  // namespace slipway::bake
