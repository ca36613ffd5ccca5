// What expressions name: variables, global attributes, functions, attributes of blocks.
#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "frontend/bake/hcl_reader.h"
#include "frontend/bake/variable_input.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/depth.h"
#include "frontend/hcl/type_expression.h"
#include "frontend/hcl/value_json.h"

namespace slipway::bake {
namespace {

using hcl::error_at;
using hcl::Type;
using hcl::Value;

constexpr int kDeepestUse = 200;
constexpr char kJsonSuffix[] = "_JSON";  // NAME_JSON: the variable NAME, as JSON

// An error that has no place yet gets one.
Error placed(Error error, const hcl::Range& range) {
  if (!error.spans().empty()) return error;
  return error_at(range, error.message());
}

}  // namespace

Status HclReader::use_names(const hcl::Scope& scope, const hcl::Expression& expression,
                            const std::set<std::string>& local_names, bool allow_missing) {
  if (depth_ >= kDeepestUse)
    return error_at(expression.range, "expressions use one another too deeply");
  const hcl::Depth level(depth_);
  for (const std::string& name : hcl::called_functions(expression)) {
    if (scope.functions.contains(name)) continue;
    Result<Outcome> outcome = resolve_function(name);
    if (!outcome) return placed(std::move(outcome).error(), expression.range);
    if (*outcome == Outcome::Undefined && !allow_missing) {
      return error_at(expression.range, "there is no function named {}", go_quote(name));
    }
  }
  for (const hcl::Traversal* variable : hcl::used_variables(expression)) {
    if (local_names.contains(variable->root)) continue;
    const bool is_block =
        knows_blocks_ && (variable->root == "target" || variable->root == "group");
    Result<Outcome> outcome =
        is_block ? use_block(*variable, expression) : resolve_value(scope, variable->root);
    if (!outcome) return placed(std::move(outcome).error(), expression.range);
    if (*outcome == Outcome::Undefined && !allow_missing) {
      return error_at(variable->root_range, "there is no variable named {}",
                      go_quote(variable->root));
    }
  }
  return {};
}

// target.NAME.KEY: all that is needed of it is the key.
Result<HclReader::Outcome> HclReader::use_block(const hcl::Traversal& traversal,
                                                const hcl::Expression& expression) {
  if (traversal.steps.empty()) {
    return error_at(expression.range, "cannot access {} as a variable", traversal.root);
  }
  if (!traversal.steps[0].attribute) {
    return error_at(expression.range, "cannot traverse {} without attribute", traversal.root);
  }
  const auto type = blocks_by_name_.find(traversal.root);
  if (type == blocks_by_name_.end()) return Outcome::Resolved;
  const auto blocks = type->second.find(*traversal.steps[0].attribute);
  if (blocks == type->second.end()) return Outcome::Resolved;
  const std::string* key = nullptr;
  if (traversal.steps.size() > 1 && traversal.steps[1].attribute) {
    key = &*traversal.steps[1].attribute;
  }
  for (BlockState* state : blocks->second) TRY(resolve_block(*state, key));
  return Outcome::Resolved;
}

Result<HclReader::Outcome> HclReader::resolve_value(const hcl::Scope& scope,
                                                    const std::string& name) {
  if (root_.variables.contains(name) || scope.variables.contains(name)) return Outcome::Resolved;
  const auto attribute = attributes_.find(name);
  const auto variable = variables_.find(name);
  if (attribute == attributes_.end() && variable == variables_.end()) return Outcome::Undefined;
  if (!values_in_progress_.insert(name).second) {
    return make_error(ErrorCode::InvalidInput, "variable cycle not allowed for {}", name);
  }
  const hcl::Range& range =
      attribute != attributes_.end() ? attribute->second.range : variable->second.range;
  Result<Value> value = attribute != attributes_.end() ? attribute_value(scope, attribute->second)
                                                       : variable_value(variable->second);
  if (!value) return placed(std::move(value).error(), range);
  root_.variables.insert_or_assign(name, *std::move(value));
  return Outcome::Resolved;
}

// A global attribute; where a variable has its name, too, that may be set from outside.
Result<Value> HclReader::attribute_value(const hcl::Scope& scope, const hcl::Attribute& attribute) {
  TRY(use_names(scope, *attribute.expression, {}, true));
  const Value value = TRY(hcl::evaluate(*attribute.expression, &scope));
  const auto variable = variables_.find(attribute.name);
  if (variable == variables_.end()) return value;
  return value_from_outside(variable->second, Type::any(), &value);
}

Result<Value> HclReader::variable_value(Variable& variable) {
  Type type = Type::any();
  const bool says_null = variable.type != nullptr && hcl::as_keyword(*variable.type) == "null";
  if (variable.type != nullptr && !says_null) {
    type = TRY(hcl::type_constraint(*variable.type));
    variable.constraint = type;
  }
  Value value;
  if (variable.default_value) {
    const hcl::Expression& expression = *variable.default_value->expression;
    TRY(use_names(root_, expression, {}, true));
    value = TRY(hcl::evaluate(expression, &root_));
    Result<Value> fitting = hcl::convert(value, type);
    if (!fitting) {
      return error_at(expression.range, "the default of variable {} is no {}: {}", variable.name,
                      type.friendly_name(), fitting.error().message());
    }
    value = *std::move(fitting);
  } else if (!value_outside(variable.name, false)) {
    return variable.constraint ? Value::null(type.without_optional()) : Value::string("");
  }
  return value_from_outside(variable, type, variable.default_value ? &value : nullptr);
}

std::optional<HclReader::Outside> HclReader::value_outside(const std::string& name,
                                                           bool favor_json) const {
  std::optional<Outside> outside;
  if (!options_.environment) return outside;
  if (auto text = options_.environment(name)) outside = Outside{std::move(*text), false};
  if (outside && !favor_json) return outside;
  const std::string json_name = name + kJsonSuffix;
  if (variables_.contains(json_name) || options_.built_in.contains(json_name)) return outside;
  if (auto json = options_.environment(json_name)) outside = Outside{std::move(*json), true};
  return outside;
}

// The value from outside in the variable's type, said or that of its default; else the default.
Result<Value> HclReader::value_from_outside(const Variable& variable, const Type& type,
                                            const Value* default_value) {
  const bool typed = variable.constraint.has_value();
  const std::optional<Outside> outside = value_outside(variable.name, typed);
  if (!outside) return default_value == nullptr ? Value() : *default_value;
  if (typed && outside->is_json) {
    return hcl::json_decode(outside->text, type)
        .context("read variable " + variable.name + " from JSON");
  }
  if (typed && is_read_as_csv(type)) return value_from_csv(variable.name, outside->text, type);
  const Type wanted = typed || default_value == nullptr ? type : default_value->type();
  if (!typed && wanted.is_any()) return Value::string(outside->text);
  if (wanted.is_primitive()) return primitive_from_text(variable.name, outside->text, wanted);
  return make_error(ErrorCode::InvalidInput,
                    "variable {} of type {} cannot be set by a text; set {}_JSON", variable.name,
                    wanted.friendly_name(), variable.name);
}

Result<HclReader::Outcome> HclReader::resolve_function(const std::string& name) {
  if (root_.functions.contains(name)) return Outcome::Resolved;
  const auto found = functions_.find(name);
  if (found == functions_.end()) return Outcome::Undefined;
  const FunctionDefinition& definition = found->second;
  if (!functions_in_progress_.insert(name).second) {
    return make_error(ErrorCode::InvalidInput, "function cycle not allowed for {}", name);
  }
  const hcl::Range& range = definition.parameters ? definition.parameters->range : definition.range;
  Result<hcl::Function> function = make_function(definition);
  if (!function) return placed(std::move(function).error(), range);
  root_.functions.insert_or_assign(name, *std::move(function));
  return Outcome::Resolved;
}

namespace {

Result<std::string> parameter_name(const hcl::Expression& expression) {
  if (auto name = hcl::as_keyword(expression)) return *name;
  return error_at(expression.range, "the name of a parameter is a bare word");
}

}  // namespace

Result<hcl::Function> HclReader::make_function(const FunctionDefinition& definition) {
  if (!definition.result) {
    return error_at(definition.range, "function {} has no result", definition.name);
  }
  if (!definition.parameters) {
    return error_at(definition.range, "function {} has no params", definition.name);
  }
  const auto parameters = hcl::as_list(*definition.parameters->expression);
  if (!parameters) {
    return error_at(definition.parameters->expression->range, "params is a list of names");
  }
  hcl::Function function;
  std::set<std::string> local_names;
  for (const hcl::Expression* parameter : *parameters) {
    const std::string name = TRY(parameter_name(*parameter));
    function.parameters.push_back({name, Type::any()});
    local_names.insert(name);
  }
  if (definition.variadic) {
    const std::string name = TRY(parameter_name(*definition.variadic->expression));
    function.rest = hcl::Parameter{name, Type::any()};
    local_names.insert(name);
  }
  TRY(use_names(root_, *definition.result->expression, local_names, false));
  function.call = [root = &root_, parameters = function.parameters, rest = function.rest,
                   result = definition.result->expression](std::span<const Value> arguments) {
    hcl::Scope scope;
    scope.parent = root;
    for (size_t i = 0; i < parameters.size(); ++i) {
      scope.variables.insert_or_assign(parameters[i].name, arguments[i]);
    }
    if (rest) {
      const auto further = arguments.subspan(parameters.size());
      scope.variables.insert_or_assign(rest->name, Value::tuple({further.begin(), further.end()}));
    }
    return hcl::evaluate(*result, &scope);
  };
  return function;
}

}  // namespace slipway::bake
