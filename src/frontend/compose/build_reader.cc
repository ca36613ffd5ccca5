#include "frontend/compose/build_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/spec.h"
#include "frontend/compose/bake_extension.h"
#include "frontend/compose/keys.h"
#include "frontend/compose/merge.h"

namespace slipway::compose {
namespace {

using bake::TargetDefinition;

template <typename... Args>
Error invalid(const Value& where, fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...).at(where.span);
}

// As compose-go: a "~" is HOME whatever follows, "~name" no user's home.
std::string cleaned_path(const std::string& path, const Environment& environment) {
  if (path.starts_with("~")) {
    const auto home = environment.find("HOME");
    return home == environment.end() ? path : clean_path(home->second + "/" + path.substr(1));
  }
  return clean_path(path);
}

bool is_local_context(std::string_view path) {
  for (const std::string_view prefix :
       {"http://", "https://", "git://", "ssh://", "git@", "github.com/",
        "docker-image:", "oci-layout:", "service:", "target:", "cwd://"}) {
    if (path.starts_with(prefix)) return false;
  }
  return true;
}

// One service's `build`, read into a target.
class BuildReader {
 public:
  BuildReader(std::string service, const Value& definition, const Value& build, const Model& model,
              const Options& options)
      : service_(std::move(service)),
        definition_(definition),
        build_(build),
        model_(model),
        options_(options) {}

  Result<TargetDefinition> read() {
    TRY(check_build_keys(build_, service_));
    target_.span = build_.span;
    TRY(read_texts());
    TRY(read_maps());
    TRY(read_lists());
    TRY(read_limits());
    TRY(read_secrets());
    TRY(read_switches());
    TRY(read_bake_extension());
    const Value* image = definition_.find("image");
    const bool has_tags = target_.tags && !target_.tags->empty();
    if (!has_tags && image != nullptr && image->is_scalar() && !image->text.empty()) {
      target_.tags = {image->text};
    }
    return std::move(target_);
  }

 private:
  std::string path_of(std::string_view key) const {
    return "services." + service_ + ".build." + std::string(key);
  }

  // The member where it is set.
  const Value* member(std::string_view key) const {
    const Value* value = build_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  Result<std::optional<std::string>> text(std::string_view key) const {
    const Value* value = member(key);
    if (value == nullptr) return std::optional<std::string>();
    if (!value->is_scalar()) return invalid(*value, "{} must be a string", path_of(key));
    const std::string written = scalar_text(*value);
    return written.empty() ? std::nullopt : std::optional(written);
  }

  Result<bool> flag(std::string_view key) const {
    const auto written = TRY(text(key));
    if (!written) return false;
    const std::string lower = to_lower(*written);
    for (const std::string_view yes : {"true", "1", "y", "yes", "on", "t"}) {
      if (lower == yes) return true;
    }
    for (const std::string_view no : {"false", "0", "n", "no", "off", "f"}) {
      if (lower == no) return false;
    }
    return invalid(*member(key), "{} must be a boolean, not {}", path_of(key), go_quote(*written));
  }

  Result<std::optional<std::vector<std::string>>> list(std::string_view key,
                                                       bool text_allowed = false) const {
    const Value* value = member(key);
    if (value == nullptr) return std::optional<std::vector<std::string>>();
    std::vector<std::string> texts;
    if (text_allowed && value->is_scalar()) return std::optional(std::vector{value->text});
    if (!value->is_list()) return invalid(*value, "{} must be a array", path_of(key));
    for (const Value& item : value->items) {
      if (!item.is_scalar()) {
        return invalid(item, "{}.{} must be a string", path_of(key), texts.size());
      }
      texts.push_back(item.text);
    }
    return std::optional(std::move(texts));
  }

  // NAME=VALUE pairs of a mapping or a list; no value where none is given.
  Result<std::vector<std::pair<std::string, std::optional<std::string>>>> pairs(
      std::string_view key) const {
    std::vector<std::pair<std::string, std::optional<std::string>>> result;
    const Value* value = member(key);
    if (value == nullptr) return result;
    for (const Value& entry : TRY(key_values(*value, path_of(key)))) {
      const size_t equals = entry.text.find('=');
      std::optional<std::string> given;
      if (equals != std::string::npos) given = entry.text.substr(equals + 1);
      result.emplace_back(entry.text.substr(0, equals), std::move(given));
    }
    return result;
  }

  Status read_texts() {
    target_.context = TRY(text("context"));
    if (target_.context && is_local_context(*target_.context)) {
      target_.context = cleaned_path(*target_.context, model_.environment);
    }
    target_.dockerfile = TRY(text("dockerfile"));
    if (const Value* inline_text = member("dockerfile_inline")) {
      if (!inline_text->is_scalar()) {
        return invalid(*inline_text, "{} must be a string", path_of("dockerfile_inline"));
      }
      if (!inline_text->text.empty()) target_.dockerfile_inline = inline_text->text;
    }
    if (target_.dockerfile && target_.dockerfile_inline) {
      return invalid(*member("dockerfile_inline"),
                     "service {} declares mutually exclusive dockerfile and dockerfile_inline",
                     go_quote(service_));
    }
    target_.target = TRY(text("target"));
    target_.network = TRY(text("network"));
    return {};
  }

  Status read_maps() {
    const Environment service_environment = TRY(read_service_environment());
    for (const auto& [name, value] : TRY(pairs("args"))) {
      if (value) {
        target_.args[name] = *value;
      } else if (const auto found = service_environment.find(name);
                 found != service_environment.end()) {
        target_.args[name] = found->second;
      } else if (const auto outer = model_.environment.find(name);
                 outer != model_.environment.end()) {
        target_.args[name] = outer->second;
      }
    }
    for (const auto& [name, value] : TRY(pairs("labels")))
      target_.labels[name] = value.value_or("");
    for (const auto& [name, value] : TRY(pairs("additional_contexts"))) {
      if (!value) {
        return invalid(*member("additional_contexts"), "{}.{} has no value",
                       path_of("additional_contexts"), name);
      }
      target_.contexts[name] = TRY(context_of(*value, *member("additional_contexts")));
    }
    return read_extra_hosts();
  }

  // "service:x" is the target of service x.
  Result<std::string> context_of(const std::string& value, const Value& where) const {
    const bool is_service = value.starts_with("service:");
    if (!is_service && !value.starts_with("target:")) {
      return is_local_context(value) ? cleaned_path(value, model_.environment) : value;
    }
    std::string name = value.substr(value.find(':') + 1);
    const Value* services = model_.root.find("services");
    if (is_service && services->find(name) == nullptr) {
      return invalid(where, "service {} declares unknown service {} as additional context",
                     go_quote(service_), go_quote(name));
    }
    std::replace(name.begin(), name.end(), '.', '_');
    return "target:" + name;
  }

  // The environment of the service's containers: build arguments without a value take theirs from
  // it.
  Result<Environment> read_service_environment() const {
    Environment environment;
    TRY(read_env_files(environment));
    const Value* value = definition_.find("environment");
    if (value == nullptr || value->is_null()) return environment;
    for (const Value& entry : TRY(key_values(*value, "services." + service_ + ".environment"))) {
      const size_t equals = entry.text.find('=');
      const std::string name = entry.text.substr(0, equals);
      if (equals != std::string::npos) {
        environment[name] = entry.text.substr(equals + 1);
      } else if (const auto found = model_.environment.find(name);
                 found != model_.environment.end()) {
        environment[name] = found->second;
      }
    }
    return environment;
  }

  Status read_env_files(Environment& environment) const {
    const Value* files = definition_.find("env_file");
    if (files == nullptr || files->is_null()) return {};
    const std::vector<Value> entries = files->is_list() ? files->items : std::vector{*files};
    for (size_t i = 0; i < entries.size(); ++i) {
      const Value& entry = entries[i];
      const Value* path = entry.is_map() ? entry.find("path") : &entry;
      if (path == nullptr || !path->is_scalar()) {
        return invalid(entry, "services.{}.env_file.{} must be a string", service_, i);
      }
      const Value* required = entry.is_map() ? entry.find("required") : nullptr;
      const bool optional = required != nullptr && to_lower(required->text) == "false";
      if (!has_open_args()) continue;
      if (!options_.read_file) {
        return make_error(ErrorCode::Unsupported, "env_file is not supported here").at(path->span);
      }
      Result<std::string> content = options_.read_file(path->text);
      if (!content && optional && content.error().code() == ErrorCode::NotFound) continue;
      if (!content) {
        return std::move(content).error().context("read env file " + path->text).at(path->span);
      }
      Environment known = model_.environment;
      const Environment all = TRY(read_dotenv(*content, known));
      for (const auto& [name, text] : all) {
        if (!known.contains(name)) environment[name] = text;
      }
    }
    return {};
  }

  // Whether any build argument is left to the environment: only then env files matter.
  bool has_open_args() const {
    const Value* args = member("args");
    if (args == nullptr) return false;
    const auto open_item = [](const Value& item) { return !item.text.contains('='); };
    const auto open_member = [](const Value::Member& each) { return each.second.is_null(); };
    return std::any_of(args->items.begin(), args->items.end(), open_item) ||
           std::any_of(args->members.begin(), args->members.end(), open_member);
  }

  Status read_extra_hosts() {
    const Value* hosts = member("extra_hosts");
    if (hosts == nullptr) return {};
    const auto add = [&](const std::string& host, std::string ip) {
      if (ip.size() > 2 && ip.starts_with('[') && ip.ends_with(']'))
        ip = ip.substr(1, ip.size() - 2);
      std::string& ips = target_.extra_hosts[host];
      ips += (ips.empty() ? "" : ",") + ip;
    };
    for (const auto& [host, ips] : hosts->members) {
      if (ips.is_list()) {
        for (const Value& ip : ips.items) add(host, ip.text);
      } else {
        add(host, ips.text);
      }
    }
    for (const Value& item : hosts->items) {
      size_t separator = item.text.find('=');
      if (separator == std::string::npos) separator = item.text.find(':');
      if (!item.is_scalar() || separator == std::string::npos) {
        return invalid(item, "invalid additional host, missing IP: {}", item.text);
      }
      add(item.text.substr(0, separator), item.text.substr(separator + 1));
    }
    return {};
  }

  Status read_lists() {
    target_.tags = TRY(list("tags"));
    target_.platforms = TRY(list("platforms"));
    target_.no_cache_filter = TRY(list("no_cache_filter", true));
    if (const auto caches = TRY(list("cache_from"))) {
      target_.cache_from = TRY(at("cache_from", bake::parse_caches(*caches)));
    }
    if (const auto caches = TRY(list("cache_to"))) {
      target_.cache_to = TRY(at("cache_to", bake::parse_caches(*caches)));
    }
    const Value* ssh = member("ssh");
    if (ssh == nullptr) return {};
    std::vector<bake::SshSpec> keys;
    if (ssh->is_scalar()) keys.push_back(TRY(ssh_key(*ssh)));
    for (const Value& item : ssh->items) keys.push_back(TRY(ssh_key(item)));
    for (const auto& [id, path] : ssh->members) keys.push_back(ssh_spec(id, path.text));
    std::sort(keys.begin(), keys.end());
    target_.ssh = std::move(keys);
    return {};
  }

  bake::SshSpec ssh_spec(const std::string& id, const std::string& path) const {
    if (path.empty()) return {id, {}};
    return {id, {cleaned_path(path, model_.environment)}};
  }

  Result<bake::SshSpec> ssh_key(const Value& value) const {
    const size_t equals = value.text.find('=');
    if (!value.is_scalar() || (equals == std::string::npos && value.text != "default")) {
      return invalid(value, "invalid ssh key {}", go_quote(value.text));
    }
    if (equals == std::string::npos) return ssh_spec(value.text, "");
    return ssh_spec(value.text.substr(0, equals), value.text.substr(equals + 1));
  }

  template <typename T>
  Result<T> at(std::string_view key, Result<T> result) const {
    if (!result) return std::move(result).error().context(path_of(key)).at(member(key)->span);
    return result;
  }

  Status read_limits() {
    if (const auto size = TRY(text("shm_size"))) {
      const int64_t bytes = TRY(at("shm_size", parse_size(*size)));
      if (bytes > 0) target_.shm_size = bytes_text(bytes);
    }
    const Value* ulimits = member("ulimits");
    if (ulimits == nullptr) return {};
    if (!ulimits->is_map()) return invalid(*ulimits, "{} must be a mapping", path_of("ulimits"));
    std::vector<std::string> limits;
    for (const auto& [name, limit] : ulimits->members) {
      const Value* soft = limit.is_map() ? limit.find("soft") : &limit;
      const Value* hard = limit.is_map() ? limit.find("hard") : &limit;
      if (soft == nullptr || hard == nullptr) {
        return invalid(limit, "{}.{} needs soft and hard", path_of("ulimits"), name);
      }
      const std::string written = name + "=" + scalar_text(*soft) + ":" + scalar_text(*hard);
      limits.push_back(to_string(TRY(at("ulimits", bake::parse_ulimit(written)))));
    }
    std::sort(limits.begin(), limits.end());
    target_.ulimits = std::move(limits);
    return {};
  }

  // As docker prints sizes in powers of 1024: "128MiB".
  static std::string bytes_text(int64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto size = static_cast<double>(bytes);
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
    return fmt::format("{:.4g}{}", size, kUnits[unit]);
  }

  Status read_secrets() {
    const Value* secrets = member("secrets");
    if (secrets == nullptr) return {};
    if (!secrets->is_list()) return invalid(*secrets, "{} must be a array", path_of("secrets"));
    std::vector<bake::SecretSpec> specs;
    for (const Value& item : secrets->items) {
      const Value* source = item.is_map() ? item.find("source") : &item;
      if (source == nullptr || !source->is_scalar()) {
        return invalid(item, "{} entries need a source", path_of("secrets"));
      }
      specs.push_back(TRY(secret_of(*source)));
    }
    target_.secrets = std::move(specs);
    return {};
  }

  Result<bake::SecretSpec> secret_of(const Value& source) const {
    const Value* all = model_.root.find("secrets");
    const Value* defined = all == nullptr ? nullptr : all->find(source.text);
    if (defined == nullptr) {
      std::vector<std::string> known;
      if (all != nullptr) {
        for (const auto& [name, value] : all->members) known.push_back(name);
      }
      return invalid(source,
                     "service {} refers to undefined build secret {}: invalid compose project{}",
                     go_quote(service_), source.text, did_you_mean(source.text, known));
    }
    const Value* external = defined->find("external");
    if (external != nullptr && (external->is_map() || to_lower(external->text) == "true")) {
      return invalid(*external, "unsupported external secret {}", source.text);
    }
    bake::SecretSpec secret{source.text, "", ""};
    const Value* file = defined->find("file");
    const Value* variable = defined->find("environment");
    if (file != nullptr && !file->text.empty()) {
      secret.file = cleaned_path(file->text, model_.environment);
    }
    if (variable != nullptr) secret.env = variable->text;
    return secret;
  }

  Status read_switches() {
    if (TRY(flag("pull"))) target_.pull = true;
    if (TRY(flag("no_cache"))) target_.no_cache = true;
    std::vector<bake::Attestation> attest;
    for (const char* type : {"sbom", "provenance"}) {
      const auto written = TRY(text(type));
      if (!written) continue;
      if (auto attestation = TRY(at(type, bake::attestation_of(type, *written)))) {
        attest.push_back(*std::move(attestation));
      }
    }
    if (!attest.empty()) target_.attest = std::move(attest);
    // Read, and refused when it comes to building.
    if (TRY(flag("privileged"))) add_unsupported("privileged");
    if (const auto isolation = TRY(text("isolation")); isolation && *isolation != "default") {
      add_unsupported("isolation");
    }
    if (const auto entitlements = TRY(list("entitlements"));
        entitlements && !entitlements->empty()) {
      add_unsupported("entitlements");
    }
    return {};
  }

  void add_unsupported(std::string_view key) {
    target_.unsupported.push_back({path_of(key), member(key)->span});
  }

  Status read_bake_extension() {
    const Value* extension = member("x-bake");
    if (extension == nullptr) return {};
    const ContextReader context = [&](const Value& path) { return bake_context_of(path); };
    return add_bake_extension(*extension, path_of("x-bake"), context, target_);
  }

  // Paths in x-bake stay as they are.
  Result<std::string> bake_context_of(const Value& path) const {
    const bool is_link = path.text.starts_with("service:") || path.text.starts_with("target:");
    return is_link ? context_of(path.text, path) : Result<std::string>(path.text);
  }

  std::string service_;
  const Value& definition_;
  const Value& build_;
  const Model& model_;
  const Options& options_;
  TargetDefinition target_;
};

}  // namespace

Result<TargetDefinition> read_build(const std::string& service, const Value& definition,
                                    const Value& build, const Model& model,
                                    const Options& options) {
  return BuildReader(service, definition, build, model, options).read();
}

}  // namespace slipway::compose
