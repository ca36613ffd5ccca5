#include "frontend/bake/json_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/spec.h"

namespace slipway::bake {
namespace {

using Json = nlohmann::ordered_json;

bool starts_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool continues_name(char c) {
  return starts_name(c) || c == '-' || (c >= '0' && c <= '9');
}

class Reader {
 public:
  Reader(std::string file, const EnvironmentLookup& environment)
      : file_(std::move(file)), environment_(environment) {}

  Result<Definitions> read(const Json& root) {
    if (!root.is_object()) return error("", "must be an object");
    // Variables first: anything may use them.
    for (const auto& [name, value] : root.items()) {
      if (name == "function") return unsupported("function");
      if (name == "variable") TRY(read_variables(value));
      if (name != "group" && name != "target" && name != "variable" && is_scalar(value)) {
        variables_[name] = TRY(text_of(value, name));
      }
    }
    for (const auto& [name, value] : root.items()) {
      if (name == "group")
        TRY(each_block(value, "group", [&](auto... block) { return read_group(block...); }));
      if (name == "target")
        TRY(each_block(value, "target", [&](auto... block) { return read_target(block...); }));
    }
    return std::move(definitions_);
  }

 private:
  Error error(std::string_view path, std::string_view what) const {
    return make_error(ErrorCode::InvalidInput, "{}{}{} {}", file_, path.empty() ? "" : ": ", path,
                      what)
        .at({file_, 1, 1});
  }

  Error unsupported(std::string_view what) const {
    return make_error(ErrorCode::Unsupported, "{}: {} is not supported yet", file_, what)
        .at({file_, 1, 1});
  }

  static bool is_scalar(const Json& value) {
    return value.is_string() || value.is_number() || value.is_boolean() || value.is_null();
  }

  // Blocks come as {"NAME": {...}}, as [{"NAME": {...}}] and as {"NAME": [{...}, {...}]}.
  template <typename Read>
  Status each_block(const Json& blocks, const std::string& kind, const Read& read) {
    if (blocks.is_array()) {
      for (const Json& each : blocks) TRY(each_block(each, kind, read));
      return {};
    }
    if (!blocks.is_object()) return error(kind, "must be an object or an array");
    for (const auto& [name, block] : blocks.items()) {
      const std::string path = kind + "." + name;
      const auto one = [&](const Json& body) -> Status {
        if (!body.is_object()) return error(path, "must be an object");
        return read(name, body, path);
      };
      if (!block.is_array()) {
        TRY(one(block));
        continue;
      }
      for (const Json& body : block) TRY(one(body));
    }
    return {};
  }

  Status read_variables(const Json& blocks) {
    return each_block(
        blocks, "variable",
        [&](const std::string& name, const Json& body, const std::string& path) -> Status {
          std::optional<std::string> value;
          if (const auto given = body.find("default"); given != body.end()) {
            if (!is_scalar(*given)) return unsupported(path + ": a list or map as default");
            value = TRY(text_of(*given, path));
          }
          if (body.contains("validation")) return unsupported(path + ".validation");
          if (auto from_environment = environment_ ? environment_(name) : std::nullopt) {
            value = std::move(from_environment);
          }
          variables_[name] = std::move(value);
          return {};
        });
  }

  // ---- values

  // A text with its variables in place; nothing for null, and for a text that is one variable
  // without value.
  Result<std::optional<std::string>> text_of(const Json& value, const std::string& path) const {
    if (value.is_null()) return std::optional<std::string>();
    if (value.is_boolean() || value.is_number()) return std::optional(value.dump());
    if (!value.is_string()) return error(path, "must be a string");
    return expanded(value.get_ref<const std::string&>(), path);
  }

  Result<std::optional<std::string>> expanded(std::string_view text,
                                              const std::string& path) const {
    std::string result;
    bool has_null = false;
    for (size_t i = 0; i < text.size();) {
      const std::string_view rest = text.substr(i);
      if (rest.starts_with("$${") || rest.starts_with("%%{")) {
        result += rest.substr(1, 2);
        i += 3;
      } else if (rest.starts_with("%{")) {
        return unsupported(path + ": " + go_quote(text));
      } else if (rest.starts_with("${")) {
        const size_t end = rest.find('}');
        const std::string name(rest.substr(2, end == std::string_view::npos ? 0 : end - 2));
        const bool is_name = !name.empty() && starts_name(name[0]) &&
                             std::all_of(name.begin(), name.end(), continues_name);
        if (!is_name) return unsupported(path + ": the expression " + go_quote(text));
        const auto found = variables_.find(name);
        if (found == variables_.end()) {
          return error(path, "uses unknown variable " + go_quote(name) +
                                 did_you_mean(name, known_variables()));
        }
        has_null = has_null || !found->second;
        result += found->second.value_or("");
        i += end + 1;
      } else {
        result += text[i++];
      }
    }
    if (has_null && result.empty()) return std::optional<std::string>();
    return std::optional(std::move(result));
  }

  std::vector<std::string> known_variables() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : variables_) names.push_back(name);
    return names;
  }

  Result<std::vector<std::string>> texts_of(const Json& value, const std::string& path) const {
    if (!value.is_array()) return error(path, "must be a list");
    std::vector<std::string> texts;
    for (const Json& item : value) {
      if (auto text = TRY(text_of(item, path))) texts.push_back(*std::move(text));
    }
    return texts;
  }

  Result<std::map<std::string, std::string>> map_of(const Json& value,
                                                    const std::string& path) const {
    if (!value.is_object()) return error(path, "must be an object");
    std::map<std::string, std::string> members;
    for (const auto& [name, member] : value.items()) {
      if (auto text = TRY(text_of(member, path + "." + name))) members[name] = *std::move(text);
    }
    return members;
  }

  Result<bool> bool_of(const Json& value, const std::string& path) const {
    const auto text = TRY(text_of(value, path));
    const Result<bool> parsed = parse_bool(text.value_or(""));
    if (!parsed) return error(path, "must be a boolean");
    return *parsed;
  }

  // Entries that are texts ("type=gha") or objects ({"type": "gha"}).
  template <typename T, typename FromText, typename FromFields>
  Result<std::vector<T>> entries_of(const Json& value, const std::string& path,
                                    const FromText& from_text,
                                    const FromFields& from_fields) const {
    if (!value.is_array()) return error(path, "must be a list");
    std::vector<T> entries;
    for (const Json& item : value) {
      if (item.is_object()) {
        entries.push_back(TRY(from_fields(TRY(map_of(item, path)))));
        continue;
      }
      const auto text = TRY(text_of(item, path));
      if (!text || text->empty()) continue;
      for (T& entry : TRY(from_text(*text).context(path))) entries.push_back(std::move(entry));
    }
    return entries;
  }

  Result<Fields> typed_fields(std::map<std::string, std::string> fields,
                              const std::string& path) const {
    if (fields["type"].empty()) return error(path, "entries need a type");
    return fields;
  }

  Result<std::vector<Fields>> caches_of(const Json& value, const std::string& path) const {
    return entries_of<Fields>(
        value, path, [](const std::string& text) { return parse_caches({text}); },
        [&](Fields fields) { return typed_fields(std::move(fields), path); });
  }

  Result<std::vector<Fields>> outputs_of(const Json& value, const std::string& path) const {
    return entries_of<Fields>(
        value, path, [](const std::string& text) { return parse_outputs({text}); },
        [&](Fields fields) { return typed_fields(std::move(fields), path); });
  }

  Result<std::vector<SecretSpec>> secrets_of(const Json& value, const std::string& path) const {
    return entries_of<SecretSpec>(
        value, path, [](const std::string& text) { return parse_secrets({text}); },
        [](Fields fields) -> Result<SecretSpec> {
          return SecretSpec{fields["id"], fields["src"], fields["env"]};
        });
  }

  Result<std::vector<SshSpec>> ssh_of(const Json& value, const std::string& path) const {
    if (!value.is_array()) return error(path, "must be a list");
    std::vector<SshSpec> keys;
    for (const Json& item : value) {
      if (!item.is_object()) {
        if (const auto text = TRY(text_of(item, path))) keys.push_back(parse_ssh(*text));
        continue;
      }
      SshSpec ssh;
      if (item.contains("id")) ssh.id = TRY(text_of(item["id"], path)).value_or("");
      if (item.contains("paths")) ssh.paths = TRY(texts_of(item["paths"], path));
      keys.push_back(std::move(ssh));
    }
    return keys;
  }

  Result<std::vector<Attestation>> attestations_of(const Json& value,
                                                   const std::string& path) const {
    return entries_of<Attestation>(
        value, path,
        [](const std::string& text) -> Result<std::vector<Attestation>> {
          return std::vector{TRY(parse_attestation(text))};
        },
        [&](Fields fields) -> Result<Attestation> {
          Attestation attestation{fields["type"], fields["disabled"] == "true", {}};
          fields.erase("type");
          fields.erase("disabled");
          attestation.attributes = std::move(fields);
          if (attestation.type.empty()) return error(path, "entries need a type");
          return attestation;
        });
  }

  // ---- blocks

  Status read_group(const std::string& name, const Json& body, const std::string& path) {
    Group group{name, "", {}};
    for (const auto& [key, value] : body.items()) {
      if (key == "targets") {
        group.targets = TRY(texts_of(value, path + ".targets"));
      } else if (key == "description") {
        group.description = TRY(text_of(value, path)).value_or("");
      } else {
        return error(path,
                     "has no key " + go_quote(key) + did_you_mean(key, {"targets", "description"}));
      }
    }
    add(std::move(group));
    return {};
  }

  Status read_target(const std::string& name, const Json& body, const std::string& path) {
    TargetDefinition target;
    target.name = name;
    target.span = {file_, 1, 1};
    for (const auto& [key, value] : body.items()) {
      if (value.is_null()) continue;
      TRY(read_key(key, value, path + "." + key, target));
    }
    add(std::move(target));
    return {};
  }

  Status read_key(const std::string& key, const Json& value, const std::string& path,
                  TargetDefinition& target) {
    if (key == "matrix" || key == "name" || key == "resources" || key == "policy") {
      return unsupported(path);
    }
    if (auto* text = text_field(key, target)) {
      *text = TRY(text_of(value, path));
    } else if (auto* list = list_field(key, target)) {
      *list = TRY(texts_of(value, path));
    } else if (auto* members = map_field(key, target)) {
      *members = TRY(map_of(value, path));
    } else if (key == "description") {
      target.description = TRY(text_of(value, path)).value_or("");
    } else if (key == "inherits") {
      target.inherits = TRY(texts_of(value, path));
    } else if (key == "pull") {
      target.pull = TRY(bool_of(value, path));
    } else if (key == "no-cache") {
      target.no_cache = TRY(bool_of(value, path));
    } else if (key == "attest") {
      target.attest = TRY(attestations_of(value, path));
    } else if (key == "cache-from") {
      target.cache_from = TRY(caches_of(value, path));
    } else if (key == "cache-to") {
      target.cache_to = TRY(caches_of(value, path));
    } else if (key == "secret") {
      target.secrets = TRY(secrets_of(value, path));
    } else if (key == "ssh") {
      target.ssh = TRY(ssh_of(value, path));
    } else if (key == "output") {
      target.outputs = TRY(outputs_of(value, path));
    } else {
      return error(path, "is no key of a target" + did_you_mean(key, known_keys()));
    }
    return {};
  }

  static std::vector<std::string> known_keys() {
    return {"annotations",
            "args",
            "attest",
            "cache-from",
            "cache-to",
            "call",
            "context",
            "contexts",
            "description",
            "dockerfile",
            "dockerfile-inline",
            "entitlements",
            "extra-hosts",
            "inherits",
            "labels",
            "network",
            "no-cache",
            "no-cache-filter",
            "output",
            "platforms",
            "pull",
            "secret",
            "shm-size",
            "ssh",
            "tags",
            "target",
            "ulimits"};
  }

  static std::optional<std::string>* text_field(std::string_view key, TargetDefinition& target) {
    if (key == "context") return &target.context;
    if (key == "dockerfile") return &target.dockerfile;
    if (key == "dockerfile-inline") return &target.dockerfile_inline;
    if (key == "target") return &target.target;
    if (key == "network") return &target.network;
    if (key == "shm-size") return &target.shm_size;
    if (key == "call") return &target.call;
    return nullptr;
  }

  static std::optional<std::vector<std::string>>* list_field(std::string_view key,
                                                             TargetDefinition& target) {
    if (key == "annotations") return &target.annotations;
    if (key == "tags") return &target.tags;
    if (key == "platforms") return &target.platforms;
    if (key == "no-cache-filter") return &target.no_cache_filter;
    if (key == "ulimits") return &target.ulimits;
    if (key == "entitlements") return &target.entitlements;
    return nullptr;
  }

  static std::map<std::string, std::string>* map_field(std::string_view key,
                                                       TargetDefinition& target) {
    if (key == "args") return &target.args;
    if (key == "contexts") return &target.contexts;
    if (key == "labels") return &target.labels;
    if (key == "extra-hosts") return &target.extra_hosts;
    return nullptr;
  }

  // Several blocks of one name are one.
  void add(Group group) {
    Definitions one;
    one.groups.push_back(std::move(group));
    definitions_.merge(one);
  }
  void add(TargetDefinition target) {
    Definitions one;
    one.targets.push_back(std::move(target));
    definitions_.merge(one);
  }

  std::string file_;
  const EnvironmentLookup& environment_;
  std::map<std::string, std::optional<std::string>> variables_;
  Definitions definitions_;
};

}  // namespace

Result<Definitions> read_json(std::string_view text, const std::string& file,
                              const EnvironmentLookup& environment) {
  Json root;
  try {
    root = Json::parse(text);
  } catch (const Json::exception& error) {
    return make_error(ErrorCode::InvalidInput, "read {}: {}", file, error.what()).at({file, 1, 1});
  }
  return Reader(file, environment).read(root);
}

}  // namespace slipway::bake
