#include "frontend/bake/hcl_reader.h"

#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/target_fields.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/value_json.h"

namespace slipway::bake {
namespace {

using hcl::error_at;
using hcl::Type;
using hcl::Value;

const hcl::Schema kTargetsAndGroups = {{}, {}, {{"group", 1}, {"target", 1}}};
const hcl::Schema kVariablesAndFunctions = {{}, {}, {{"variable", 1}, {"function", 1}}};
const hcl::Schema kVariableKeys = {{"type", "default", "description"}, {}, {{"validation", 0}}};
const hcl::Schema kValidationKeys = {{"condition", "error_message"}, {}, {}};
const hcl::Schema kFunctionKeys = {{"params", "variadic_params", "result"}, {}, {}};

std::optional<hcl::Attribute> attribute_of(const hcl::Content& content, const std::string& name) {
  const hcl::Attribute* found = content.find(name);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::shared_ptr<const hcl::Expression> expression_of(const hcl::Content& content,
                                                     const std::string& name) {
  const hcl::Attribute* found = content.find(name);
  return found == nullptr ? nullptr : found->expression;
}

template <typename T>
T* find_named(std::vector<T>& list, const std::string& name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const T& each) { return each.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

HclReader::HclReader(std::vector<std::shared_ptr<const hcl::Body>> bodies,
                     const BakeOptions& options, Definitions& definitions)
    : bodies_(std::move(bodies)), options_(options), definitions_(definitions) {
  root_.functions = options.functions;
  root_.budget = &budget_;
}

Status HclReader::run() {
  TRY(read_definitions());
  for (const auto& [name, text] : options_.built_in) root_.variables[name] = Value::string(text);
  TRY(resolve_variables());
  TRY(validate_variables());
  TRY(resolve_functions());
  TRY(name_blocks());
  TRY(resolve_blocks());
  TRY(resolve_attributes());
  return {};
}

Result<hcl::Content> HclReader::content(const hcl::Schema& schema) const {
  hcl::Content all;
  for (const auto& body : bodies_) {
    hcl::Content content = TRY(body->content(schema));
    for (hcl::Block& block : content.blocks) all.blocks.push_back(std::move(block));
  }
  return all;
}

bool HclReader::is_reserved(const std::string& name) const {
  return name == "target" || name == "group" || options_.built_in.contains(name);
}

Status HclReader::read_definitions() {
  for (const hcl::Block& block : TRY(content(kVariablesAndFunctions)).blocks) {
    TRY(block.type == "variable" ? read_variable(block) : read_function(block));
  }
  for (hcl::Block& block : TRY(content(kTargetsAndGroups)).blocks) {
    auto state = std::make_unique<BlockState>();
    state->is_target = block.type == "target";
    state->block = std::move(block);
    blocks_.push_back(std::move(state));
  }
  for (const auto& body : bodies_) {
    for (auto& [name, attribute] :
         TRY(body->attributes_except({"group", "target", "variable", "function"}))) {
      if (!is_reserved(name)) attributes_.insert_or_assign(name, std::move(attribute));
    }
  }
  return {};
}

Status HclReader::read_variable(const hcl::Block& block) {
  const hcl::Content keys = TRY(block.body->content(kVariableKeys));
  Variable variable;
  variable.name = block.labels[0];
  variable.range = block.body->missing_range();
  variable.type = expression_of(keys, "type");
  variable.default_value = attribute_of(keys, "default");
  if (const hcl::Attribute* description = keys.find("description")) {
    const Value value = TRY(hcl::evaluate(*description->expression, nullptr));
    const Result<Value> text = hcl::convert(value, Type::string());
    if (!text || text->is_null()) {
      return error_at(description->expression->range, "the description must be a text");
    }
    variable.description = text->text();
  }
  for (const hcl::Block& validation : keys.blocks) {
    TRY(validation.body->check_nothing_else(kValidationKeys));
    const hcl::Content content = TRY(validation.body->content(kValidationKeys));
    Validation rule{expression_of(content, "condition"), expression_of(content, "error_message")};
    if (rule.condition == nullptr) {
      return error_at(validation.body->missing_range(), "a validation needs a condition");
    }
    variable.validations.push_back(std::move(rule));
  }
  if (!is_reserved(variable.name)) {
    variables_.insert_or_assign(variable.name, std::move(variable));
  }
  return {};
}

Status HclReader::read_function(const hcl::Block& block) {
  TRY(block.body->check_nothing_else(kFunctionKeys));
  const hcl::Content keys = TRY(block.body->content(kFunctionKeys));
  FunctionDefinition function{block.labels[0], attribute_of(keys, "params"),
                              attribute_of(keys, "variadic_params"), attribute_of(keys, "result"),
                              block.label_ranges[0]};
  if (!is_reserved(function.name)) {
    functions_.insert_or_assign(function.name, std::move(function));
  }
  return {};
}

Status HclReader::resolve_variables() {
  for (const auto& [name, variable] : variables_) {
    TRY(resolve_value(root_, name));
    definitions_.variables.push_back(describe(variable));
  }
  return {};
}

VariableSpec HclReader::describe(const Variable& variable) const {
  VariableSpec spec{variable.name, variable.description, "", std::nullopt};
  if (variable.constraint) spec.type = variable.constraint->friendly_constraint();
  const Value& value = root_.variables.at(variable.name);
  if (value.is_null()) return spec;
  if (variable.constraint) {
    spec.value = hcl::to_json(value, *variable.constraint);
    if (variable.constraint->is(Type::Kind::String)) {
      const size_t first = spec.value->find_first_not_of('"');
      const size_t last = spec.value->find_last_not_of('"');
      spec.value = first == std::string::npos ? "" : spec.value->substr(first, last - first + 1);
    }
  } else if (const Result<Value> text = hcl::convert(value, Type::string())) {
    spec.value = text->text();
  } else {
    spec.value = hcl::to_json(value);
  }
  return spec;
}

// Conditions see what is resolved by now: variables, and what they use.
Status HclReader::validate_variables() {
  for (const auto& [name, variable] : variables_) {
    for (const Validation& rule : variable.validations) {
      const hcl::Range& range = rule.condition->range;
      const Value given = TRY(hcl::evaluate(*rule.condition, &root_));
      if (given.is_null()) return error_at(range, "the condition is null, not true or false");
      const Result<Value> truth = hcl::convert(given, Type::boolean());
      if (!truth) return error_at(range, "the condition is no bool: {}", truth.error().message());
      if (truth->truth()) continue;
      const Value message =
          rule.message == nullptr ? Value() : TRY(hcl::evaluate(*rule.message, &root_));
      const bool has_text = !message.is_null() && message.is(Type::Kind::String);
      return error_at(range, "variable {} is not valid: {}", name,
                      has_text ? message.text() : "the check failed, and says nothing about it");
    }
  }
  return {};
}

Status HclReader::resolve_functions() {
  for (const auto& [name, function] : functions_) TRY(resolve_function(name));
  return {};
}

Status HclReader::name_blocks() {
  knows_blocks_ = true;
  std::map<std::string, std::map<std::string, std::vector<BlockState*>>> by_name;
  for (const auto& state : blocks_) {
    TRY(make_instances(*state));
    TRY(name_instances(*state));
    for (const auto& instance : state->instances) {
      by_name[state->block.type][instance->name].push_back(state.get());
    }
  }
  blocks_by_name_ = std::move(by_name);
  return {};
}

Status HclReader::resolve_blocks() {
  for (const auto& state : blocks_) {
    TRY(resolve_block(*state, nullptr));
    add(*state);
    warn_of_unknown_keys(*state);
  }
  add_renamed();
  return {};
}

void HclReader::add(const BlockState& state) {
  for (const auto& instance : state.instances) {
    if (state.is_target) {
      TargetDefinition target = instance->target;
      target.name = instance->name;
      target.span = state.block.range.span();
      TargetDefinition* same = find_named(definitions_.targets, target.name);
      if (same != nullptr) {
        same->merge(target);
      } else {
        definitions_.targets.push_back(std::move(target));
      }
      continue;
    }
    Group group = instance->group;
    group.name = instance->name;
    Group* same = find_named(definitions_.groups, group.name);
    if (same != nullptr) {
      *same = std::move(group);
    } else {
      definitions_.groups.push_back(std::move(group));
    }
  }
}

// The name of a block with a matrix becomes a group of the targets it makes.
void HclReader::add_renamed() {
  std::map<std::string, std::vector<std::string>> renamed;
  std::vector<std::string> order;
  for (const auto& state : blocks_) {
    if (!state->is_target) continue;
    const std::string& label = state->block.labels[0];
    if (!renamed.contains(label)) order.push_back(label);
    std::vector<std::string>& names = renamed[label];
    for (const auto& instance : state->instances) {
      if (std::find(names.begin(), names.end(), instance->name) == names.end()) {
        names.push_back(instance->name);
      }
    }
  }
  for (const std::string& label : order) {
    const std::vector<std::string>& names = renamed[label];
    if (names.empty() || (names.size() == 1 && names[0] == label)) continue;
    definitions_.groups.push_back({label, "", names});
  }
}

void HclReader::warn_of_unknown_keys(const BlockState& state) {
  const std::vector<std::string>& known = state.is_target ? target_keys() : group_keys();
  for (const auto& [name, range] : state.block.body->names()) {
    if (state.is_target && (name == "matrix" || name == "name")) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    definitions_.warnings.push_back(
        fmt::format("{}: {} {} has no key {}, it is ignored{}", range.to_string(), state.block.type,
                    state.block.labels[0], go_quote(name), did_you_mean(name, known)));
  }
}

Status HclReader::resolve_attributes() {
  for (const auto& [name, attribute] : attributes_) TRY(resolve_value(root_, name));
  return {};
}

}  // namespace slipway::bake
