#include "frontend/bake/target_entries.h"

#include <map>
#include <string>
#include <utility>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/spec.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/value_json.h"

namespace slipway::bake {
namespace {

using hcl::Type;
using hcl::Value;
using Kind = hcl::Type::Kind;

Type text_map() {
  return Type::map(Type::string());
}

Type secret_type() {
  return Type::object({{"id", Type::string()}, {"src", Type::string()}, {"env", Type::string()}},
                      {"id", "src", "env"});
}

Type ssh_type() {
  return Type::object({{"id", Type::string()}, {"paths", Type::list(Type::string())}},
                      {"id", "paths"});
}

// Calls `read_text` or `read_object` for every element.
template <typename ReadText, typename ReadObject>
Status each_entry(const Value& value, const Type& element, const ReadText& read_text,
                  const ReadObject& read_object) {
  if (!value.is(Kind::Tuple) && !value.is(Kind::List)) {
    return invalid_input("{}", hcl::mismatch(value.type(), Type::list(element)));
  }
  for (const Value& entry : value.elements()) {
    if (entry.is_null()) return invalid_input("an entry is null");
    if (!entry.is(Kind::String)) {
      TRY(read_object(entry));
    } else if (!entry.text().empty()) {
      TRY(read_text(entry.text()));
    }
  }
  return {};
}

// An object as texts by name. A null among them is an error.
Result<Fields> fields_of(const Value& entry) {
  const Value map = TRY(hcl::convert(entry, text_map()));
  Fields fields;
  for (const auto& [name, value] : map.entries()) {
    if (value.is_null()) return invalid_input("the value of {} is null", go_quote(name));
    fields.emplace(name, value.text());
  }
  return fields;
}

std::string text_or_empty(const Value& object, std::string_view name) {
  const Value* value = object.find(name);
  return value == nullptr || value->is_null() ? "" : value->text();
}

Value fields_value(const Fields& fields) {
  Value::Entries entries;
  for (const auto& [name, value] : fields) entries.emplace(name, Value::string(value));
  return Value::map(Type::string(), std::move(entries));
}

Value optional_value(const std::optional<std::string>& text) {
  return text ? Value::string(*text) : Value::null(Type::string());
}

Value optional_value(const std::optional<int64_t>& number) {
  return number ? Value::number(*number) : Value::null(Type::number());
}

Value texts_value(const std::vector<std::string>& texts) {
  std::vector<Value> values;
  for (const std::string& text : texts) values.push_back(Value::string(text));
  return Value::list(Type::string(), std::move(values));
}

}  // namespace

Result<std::vector<Attestation>> attestations_from(const Value& value) {
  std::vector<Attestation> attestations;
  const auto add_text = [&](const std::string& text) -> Status {
    attestations.push_back(TRY(parse_attestation(text)));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    Attestation attestation;
    attestation.attributes = TRY(fields_of(entry));
    if (auto type = attestation.attributes.extract("type")) attestation.type = type.mapped();
    if (auto disabled = attestation.attributes.extract("disabled")) {
      attestation.disabled = TRY(parse_bool(disabled.mapped()));
    }
    attestations.push_back(std::move(attestation));
    return {};
  };
  TRY(each_entry(value, text_map(), add_text, add_object));
  return attestations;
}

Result<std::vector<Fields>> caches_from(const Value& value) {
  std::vector<Fields> caches;
  const auto add_text = [&](const std::string& text) -> Status {
    for (Fields& fields : TRY(parse_caches({text}))) caches.push_back(std::move(fields));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    Fields fields = TRY(fields_of(entry));
    if (fields["type"].empty()) return invalid_input("type required for {}", hcl::to_json(entry));
    caches.push_back(std::move(fields));
    return {};
  };
  TRY(each_entry(value, text_map(), add_text, add_object));
  return caches;
}

Result<std::vector<Fields>> outputs_from(const Value& value) {
  std::vector<Fields> outputs;
  const auto add_text = [&](const std::string& text) -> Status {
    outputs.push_back(TRY(parse_output(text)));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    Fields fields = TRY(fields_of(entry));
    if (fields["type"].empty()) return invalid_input("type is required for output");
    if (fields.contains("dest") && fields["dest"].empty()) fields.erase("dest");
    outputs.push_back(std::move(fields));
    return {};
  };
  TRY(each_entry(value, text_map(), add_text, add_object));
  return outputs;
}

Result<std::vector<SecretSpec>> secrets_from(const Value& value) {
  std::vector<SecretSpec> secrets;
  const auto add_text = [&](const std::string& text) -> Status {
    secrets.push_back(TRY(parse_secret(text)));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    const Value object = TRY(hcl::convert(entry, secret_type()));
    secrets.push_back(
        {text_or_empty(object, "id"), text_or_empty(object, "src"), text_or_empty(object, "env")});
    return {};
  };
  TRY(each_entry(value, secret_type(), add_text, add_object));
  return secrets;
}

Result<std::vector<SshSpec>> ssh_from(const Value& value) {
  std::vector<SshSpec> keys;
  const auto add_text = [&](const std::string& text) -> Status {
    keys.push_back(parse_ssh(text));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    const Value object = TRY(hcl::convert(entry, ssh_type()));
    SshSpec ssh{text_or_empty(object, "id"), {}};
    const Value* paths = object.find("paths");
    if (paths != nullptr && !paths->is_null()) {
      for (const Value& path : paths->elements()) {
        if (path.is_null()) return invalid_input("a path is null");
        ssh.paths.push_back(path.text());
      }
    }
    keys.push_back(std::move(ssh));
    return {};
  };
  TRY(each_entry(value, ssh_type(), add_text, add_object));
  return keys;
}

Result<std::vector<PolicySpec>> policies_from(const Value& value) {
  std::vector<PolicySpec> policies;
  const auto add_text = [&](const std::string& text) -> Status {
    policies.push_back(TRY(parse_policy(text)));
    return {};
  };
  const auto add_object = [&](const Value& entry) -> Status {
    if (!entry.is_mapping()) return invalid_input("{}", hcl::mismatch(entry.type(), text_map()));
    std::vector<std::string> fields;
    for (const auto& [name, field] : entry.entries()) {
      if (field.is_null() || (field.is(Kind::String) && field.text().empty())) continue;
      fields.push_back(name + "=" + TRY(hcl::convert(field, Type::string())).text());
    }
    policies.push_back(TRY(policy_of_fields(fields)));
    return {};
  };
  TRY(each_entry(value, text_map(), add_text, add_object));
  return policies;
}

Type resources_type() {
  const Type text = Type::string();
  const Type number = Type::number();
  return Type::object({{"memory", text},
                       {"memory-swap", text},
                       {"cpu-shares", number},
                       {"cpu-period", number},
                       {"cpu-quota", number},
                       {"cpuset-cpus", text},
                       {"cpuset-mems", text}},
                      {"memory", "memory-swap", "cpu-shares", "cpu-period", "cpu-quota",
                       "cpuset-cpus", "cpuset-mems"});
}

Result<ResourceLimits> resources_from(const Value& value) {
  const Value object = TRY(hcl::convert(value, resources_type()));
  ResourceLimits limits;
  for (const auto& [name, limit] : object.entries()) {
    if (limit.is_null()) continue;
    if (limit.is(Kind::Number) && !limit.as_number().to_int64()) {
      return invalid_input("{} must be a whole number", name);
    }
    TRY(set_resource(limits, name, TRY(hcl::convert(limit, Type::string())).text()));
  }
  return limits;
}

Value to_value(const std::vector<Attestation>& attestations) {
  std::vector<Value> values;
  for (const Attestation& attestation : attestations) {
    Fields fields = attestation.attributes;
    fields["type"] = attestation.type;
    if (attestation.disabled) fields["disabled"] = "true";
    values.push_back(fields_value(fields));
  }
  return Value::list(text_map(), std::move(values));
}

Value caches_value(const std::vector<Fields>& caches) {
  std::vector<Value> values;
  for (const Fields& fields : caches) values.push_back(fields_value(fields));
  return Value::list(text_map(), std::move(values));
}

Value outputs_value(const std::vector<Fields>& outputs) {
  std::vector<Value> values;
  for (Fields fields : outputs) {
    fields.try_emplace("dest", "");
    values.push_back(fields_value(fields));
  }
  return Value::list(text_map(), std::move(values));
}

Value to_value(const std::vector<SecretSpec>& secrets) {
  std::vector<Value> values;
  for (const SecretSpec& secret : secrets) {
    values.push_back(Value::object({{"id", Value::string(secret.id)},
                                    {"src", Value::string(secret.file)},
                                    {"env", Value::string(secret.env)}}));
  }
  return Value::list(secret_type().without_optional(), std::move(values));
}

Value to_value(const std::vector<SshSpec>& ssh) {
  std::vector<Value> values;
  for (const SshSpec& key : ssh) {
    values.push_back(
        Value::object({{"id", Value::string(key.id)}, {"paths", texts_value(key.paths)}}));
  }
  return Value::list(ssh_type().without_optional(), std::move(values));
}

Value to_value(const std::vector<PolicySpec>& policies) {
  std::vector<Value> values;
  for (const PolicySpec& policy : policies) {
    Fields fields;
    if (!policy.files.empty()) fields["filename"] = policy.files[0];
    if (policy.reset) fields["reset"] = "true";
    if (policy.disabled) fields["disabled"] = "true";
    if (policy.strict) fields["strict"] = *policy.strict ? "true" : "false";
    if (policy.log_level) fields["log-level"] = *policy.log_level;
    values.push_back(fields_value(fields));
  }
  return Value::list(text_map(), std::move(values));
}

Value to_value(const ResourceLimits& limits) {
  return Value::object({{"memory", optional_value(limits.memory)},
                        {"memory-swap", optional_value(limits.memory_swap)},
                        {"cpu-shares", optional_value(limits.cpu_shares)},
                        {"cpu-period", optional_value(limits.cpu_period)},
                        {"cpu-quota", optional_value(limits.cpu_quota)},
                        {"cpuset-cpus", optional_value(limits.cpuset_cpus)},
                        {"cpuset-mems", optional_value(limits.cpuset_mems)}});
}

}  // namespace slipway::bake
