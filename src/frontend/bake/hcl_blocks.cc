// Blocks of targets and groups: their matrices, names and keys.
#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "frontend/bake/hcl_reader.h"
#include "frontend/bake/target_fields.h"
#include "frontend/hcl/convert.h"

namespace slipway::bake {
namespace {

using hcl::error_at;
using hcl::Type;
using hcl::Value;

constexpr size_t kMostOfMatrix = 10'000;  // targets of one block

hcl::Schema schema_of(const std::vector<std::string>& keys) {
  return {keys, {}, {}};
}

const hcl::Schema kMatrixKeys = {{"matrix", "name"}, {}, {}};

std::vector<Value> elements_of(const Value& value) {
  if (!value.is_mapping()) return value.elements();
  std::vector<Value> elements;
  for (const auto& [name, element] : value.entries()) elements.push_back(element);
  return elements;
}

}  // namespace

Status HclReader::make_instances(BlockState& state) {
  if (state.has_instances) return {};
  // Something can name it now, though it has no keys yet.
  root_.variables.try_emplace(state.block.type, Value::map(Type::string(), {}));
  const hcl::Range& range = state.block.label_ranges[0];
  const hcl::Content keys = TRY(state.block.body->content(kMatrixKeys));
  const hcl::Attribute* matrix = keys.find("matrix");
  if (matrix != nullptr && !state.is_target) {
    return error_at(range, "matrix is not supported for groups");
  }
  if (matrix != nullptr) {
    TRY(make_matrix(state, *matrix));
  } else {
    auto instance = std::make_unique<Instance>();
    instance->scope = &root_;
    state.instances.push_back(std::move(instance));
  }
  state.has_instances = true;
  return {};
}

// An instance for every combination of the matrix's values; the last key changes slowest.
Status HclReader::make_matrix(BlockState& state, const hcl::Attribute& matrix) {
  const hcl::Range& range = state.block.label_ranges[0];
  TRY(use_names(root_, *matrix.expression, {}, true));
  const Value value = TRY(hcl::evaluate(*matrix.expression, &root_));
  if (!value.is_mapping() || value.is_null()) return error_at(range, "matrix must be a map");
  std::vector<std::map<std::string, Value>> combinations(1);
  for (const auto& [key, values] : value.entries()) {
    if (values.is_null() || (!values.is_sequence() && !values.is_mapping())) {
      return error_at(range, "matrix values must be a list");
    }
    std::vector<std::map<std::string, Value>> longer;
    for (const Value& element : elements_of(values)) {
      for (const auto& combination : combinations) {
        longer.push_back(combination);
        longer.back()[key] = element;
      }
      if (longer.size() > kMostOfMatrix) {
        return error_at(range, "the matrix makes more than {} targets", kMostOfMatrix);
      }
    }
    combinations = std::move(longer);
  }
  const bool has_keys = !value.entries().empty();
  for (auto& combination : combinations) {
    auto instance = std::make_unique<Instance>();
    instance->scope = &root_;
    if (has_keys) {
      instance->own_scope = std::make_unique<hcl::Scope>();
      instance->own_scope->parent = &root_;
      instance->own_scope->variables = std::move(combination);
      instance->scope = instance->own_scope.get();
    }
    state.instances.push_back(std::move(instance));
  }
  return {};
}

Status HclReader::name_instances(BlockState& state) {
  const hcl::Range& range = state.block.label_ranges[0];
  std::set<std::string> names;
  for (const auto& instance : state.instances) {
    if (!is_target_name(state.block.labels[0])) {
      return error_at(range, "a name consists of letters, digits, \"_\" and \"-\" only");
    }
    instance->name = TRY(instance_name(state, *instance));
    if (!is_target_name(instance->name)) {
      return error_at(range, "{}: a name consists of letters, digits, \"_\" and \"-\" only",
                      go_quote(instance->name));
    }
    if (!names.insert(instance->name).second) {
      return error_at(range, "duplicate name {}", go_quote(instance->name));
    }
    instance->seen = state.is_target ? unset_target(instance->name) : unset_group(instance->name);
  }
  return {};
}

Result<std::string> HclReader::instance_name(const BlockState& state, const Instance& instance) {
  const hcl::Range& range = state.block.label_ranges[0];
  const hcl::Content keys = TRY(state.block.body->content(kMatrixKeys));
  const hcl::Attribute* name = keys.find("name");
  if (name == nullptr) return state.block.labels[0];
  if (!state.is_target) return error_at(range, "name is not supported for groups");
  if (keys.find("matrix") == nullptr) return error_at(range, "name requires matrix");
  TRY(use_names(*instance.scope, *name->expression, {}, true));
  const Value value = TRY(hcl::evaluate(*name->expression, instance.scope));
  const Result<Value> text = hcl::convert(value, Type::string());
  if (!text || text->is_null()) return error_at(name->expression->range, "the name is no text");
  return text->text();
}

Status HclReader::resolve_block(BlockState& state, const std::string* only) {
  for (const auto& instance : state.instances) {
    if (only != nullptr && instance->done.contains(*only)) return {};
    TRY(resolve_instance(state, *instance, only));
  }
  return {};
}

Status HclReader::resolve_instance(BlockState& state, Instance& instance, const std::string* only) {
  if (only != nullptr && !instance.in_progress.insert(*only).second) {
    return make_error(ErrorCode::InvalidInput, "reference cycle not allowed for {}.{}.{}",
                      state.block.type, instance.name, *only);
  }
  TRY(evaluate_keys(state, instance, only));
  if (only != nullptr) instance.done.insert(*only);
  publish(state, instance);
  return {};
}

Status HclReader::evaluate_keys(BlockState& state, Instance& instance, const std::string* only) {
  const std::vector<std::string>& known = state.is_target ? target_keys() : group_keys();
  std::vector<std::string> wanted;
  for (const std::string& key : known) {
    if (only == nullptr ? !instance.done.contains(key) : key == *only) wanted.push_back(key);
  }
  const hcl::Content keys = TRY(state.block.body->content(schema_of(wanted)));
  const bool needs_targets =
      !state.is_target && std::find(wanted.begin(), wanted.end(), "targets") != wanted.end();
  if (needs_targets && keys.find("targets") == nullptr) {
    return error_at(state.block.body->missing_range(), "the group {} has no targets",
                    go_quote(instance.name));
  }
  for (const auto& [name, attribute] : keys.attributes) {
    TRY(use_names(*instance.scope, *attribute.expression, {}, true));
  }
  for (const auto& [name, attribute] : keys.attributes) {
    TRY(set_key(state, instance, attribute));
    instance.done.insert(name);
  }
  return {};
}

Status HclReader::set_key(BlockState& state, Instance& instance, const hcl::Attribute& attribute) {
  const Value value = TRY(hcl::evaluate(*attribute.expression, instance.scope));
  Result<Value> seen = state.is_target ? set_target_key(instance.target, attribute.name, value)
                                       : set_group_key(instance.group, attribute.name, value);
  if (!seen) {
    return error_at(attribute.expression->range, "{}: {}", attribute.name, seen.error().message());
  }
  instance.seen.insert_or_assign(attribute.name, *std::move(seen));
  return {};
}

// Lets others see the keys that the target has by now.
void HclReader::publish(const BlockState& state, const Instance& instance) {
  Value::Entries all;
  const Value& before = root_.variables.at(state.block.type);
  if (before.is(Type::Kind::Object)) all = before.entries();
  all.insert_or_assign(instance.name, Value::object(instance.seen));
  root_.variables.insert_or_assign(state.block.type, Value::object(std::move(all)));
}

}  // namespace slipway::bake
