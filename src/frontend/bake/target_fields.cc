#include "frontend/bake/target_fields.h"

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/unicode.h"
#include "frontend/bake/target_entries.h"
#include "frontend/hcl/convert.h"

namespace slipway::bake {
namespace {

using hcl::Type;
using hcl::Value;
using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

Error invalid(std::string message) {
  return Error(ErrorCode::InvalidInput, std::move(message));
}

// A key: what it is before it is set, and how it is set.
struct Key {
  Value unset;
  std::function<Result<Value>(TargetDefinition& target, const Value& value)> set;
};

Key text_key(std::optional<std::string> TargetDefinition::* field) {
  return {Value::null(Type::string()),
          [field](TargetDefinition& target, const Value& value) -> Result<Value> {
            const Value text = TRY(hcl::convert(value, Type::string()));
            target.*field = text.is_null() ? std::nullopt : std::optional(text.text());
            return text;
          }};
}

Key bool_key(std::optional<bool> TargetDefinition::* field) {
  return {Value::null(Type::boolean()),
          [field](TargetDefinition& target, const Value& value) -> Result<Value> {
            const Value truth = TRY(hcl::convert(value, Type::boolean()));
            target.*field = truth.is_null() ? std::nullopt : std::optional(truth.truth());
            return truth;
          }};
}

Result<Texts> texts_of(const Value& list) {
  Texts texts;
  for (const Value& element : list.elements()) {
    if (element.is_null()) return invalid("a null among the texts is not allowed");
    texts.push_back(element.text());
  }
  return texts;
}

Key list_key(std::optional<Texts> TargetDefinition::* field) {
  const Type type = Type::list(Type::string());
  return {Value::null(type),
          [field, type](TargetDefinition& target, const Value& value) -> Result<Value> {
            const Value list = TRY(hcl::convert(value, type));
            if (list.is_null()) {
              target.*field = std::nullopt;
            } else {
              target.*field = TRY(texts_of(list));
            }
            return list;
          }};
}

// Nulls among the members unset them; where `allows_null` is false, they are errors.
Key map_key(TextMap TargetDefinition::* field, bool allows_null) {
  const Type type = Type::map(Type::string());
  return {
      Value::null(type),
      [field, allows_null, type](TargetDefinition& target, const Value& value) -> Result<Value> {
        const Value map = TRY(hcl::convert(value, type));
        (target.*field).clear();
        if (map.is_null()) return map;
        for (const auto& [name, member] : map.entries()) {
          if (!member.is_null()) {
            (target.*field).emplace(name, member.text());
          } else if (!allows_null) {
            return invalid(go_quote(name) + ": null value is not allowed");
          }
        }
        return map;
      }};
}

template <typename Entries>
Key entries_key(std::optional<Entries> TargetDefinition::* field,
                Result<Entries> (*read)(const Value&), Value (*write)(const Entries&)) {
  return {write({}),
          [field, read, write](TargetDefinition& target, const Value& value) -> Result<Value> {
            if (value.is_null()) {
              target.*field = std::nullopt;
              return write({});
            }
            Entries entries = TRY(read(value));
            Value seen = write(entries);
            target.*field = std::move(entries);
            return seen;
          }};
}

Key resources_key() {
  return {Value::null(resources_type().without_optional()),
          [](TargetDefinition& target, const Value& value) -> Result<Value> {
            if (value.is_null()) {
              target.resources = std::nullopt;
              return Value::null(resources_type().without_optional());
            }
            target.resources = TRY(resources_from(value));
            return to_value(*target.resources);
          }};
}

Result<Value> required_text(std::string& field, const Value& value) {
  const Value text = TRY(hcl::convert(value, Type::string()));
  if (text.is_null()) return invalid("null value is not allowed");
  field = text.text();
  return text;
}

Key description_key() {
  return {Value::string(""), [](TargetDefinition& target, const Value& value) {
            return required_text(target.description, value);
          }};
}

Key inherits_key() {
  const Type type = Type::list(Type::string());
  return {Value::null(type), [type](TargetDefinition& target, const Value& value) -> Result<Value> {
            const Value list = TRY(hcl::convert(value, type));
            target.inherits = list.is_null() ? Texts() : TRY(texts_of(list));
            return list;
          }};
}

std::map<std::string, Key> make_keys() {
  using T = TargetDefinition;
  std::map<std::string, Key> keys;
  keys["description"] = description_key();
  keys["inherits"] = inherits_key();
  keys["annotations"] = list_key(&T::annotations);
  keys["attest"] = entries_key<std::vector<Attestation>>(&T::attest, &attestations_from, &to_value);
  keys["context"] = text_key(&T::context);
  keys["contexts"] = map_key(&T::contexts, false);
  keys["dockerfile"] = text_key(&T::dockerfile);
  keys["dockerfile-inline"] = text_key(&T::dockerfile_inline);
  keys["args"] = map_key(&T::args, true);
  keys["labels"] = map_key(&T::labels, true);
  keys["tags"] = list_key(&T::tags);
  keys["cache-from"] =
      entries_key<std::vector<Fields>>(&T::cache_from, &caches_from, &caches_value);
  keys["cache-to"] = entries_key<std::vector<Fields>>(&T::cache_to, &caches_from, &caches_value);
  keys["target"] = text_key(&T::target);
  keys["secret"] = entries_key<std::vector<SecretSpec>>(&T::secrets, &secrets_from, &to_value);
  keys["ssh"] = entries_key<std::vector<SshSpec>>(&T::ssh, &ssh_from, &to_value);
  keys["platforms"] = list_key(&T::platforms);
  keys["output"] = entries_key<std::vector<Fields>>(&T::outputs, &outputs_from, &outputs_value);
  keys["pull"] = bool_key(&T::pull);
  keys["no-cache"] = bool_key(&T::no_cache);
  keys["network"] = text_key(&T::network);
  keys["no-cache-filter"] = list_key(&T::no_cache_filter);
  keys["shm-size"] = text_key(&T::shm_size);
  keys["ulimits"] = list_key(&T::ulimits);
  keys["resources"] = resources_key();
  keys["call"] = text_key(&T::call);
  keys["entitlements"] = list_key(&T::entitlements);
  keys["extra-hosts"] = map_key(&T::extra_hosts, true);
  keys["policy"] = entries_key<std::vector<PolicySpec>>(&T::policy, &policies_from, &to_value);
  return keys;
}

const std::map<std::string, Key>& keys() {
  static const std::map<std::string, Key> all = make_keys();
  return all;
}

}  // namespace

const std::vector<std::string>& target_keys() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const auto& [name, key] : keys()) result.push_back(name);
    return result;
  }();
  return names;
}

const std::vector<std::string>& group_keys() {
  static const std::vector<std::string> names = {"description", "targets"};
  return names;
}

Result<Value> set_target_key(TargetDefinition& target, const std::string& key, const Value& value) {
  const auto found = keys().find(key);
  CHECK(found != keys().end());
  return found->second.set(target, value);
}

Result<Value> set_group_key(Group& group, const std::string& key, const Value& value) {
  if (key == "description") return required_text(group.description, value);
  CHECK(key == "targets");
  const Value list = TRY(hcl::convert(value, Type::list(Type::string())));
  group.targets = list.is_null() ? Texts() : TRY(texts_of(list));
  return list;
}

Value::Entries unset_target(const std::string& name) {
  Value::Entries entries;
  for (const auto& [key, spec] : keys()) entries.emplace(key, spec.unset);
  entries.emplace("name", Value::string(name));
  return entries;
}

Value::Entries unset_group(const std::string& name) {
  return {{"name", Value::string(name)},
          {"description", Value::string("")},
          {"targets", Value::null(Type::list(Type::string()))}};
}

}  // namespace slipway::bake
