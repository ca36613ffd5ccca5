#include "frontend/hcl/evaluate.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/operators.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

constexpr int kDeepestEvaluation = 1000;

Budget* budget_of(const Scope* scope) {
  for (; scope != nullptr; scope = scope->parent) {
    if (scope->budget != nullptr) return scope->budget;
  }
  return nullptr;
}

class Evaluator {
 public:
  // `item` is what SplatItem means, if anything.
  Evaluator(const Scope* scope, const Value* item) : scope_(scope), item_(item) {}

  Result<Value> value(const Expression& expression) {
    Budget* budget = budget_of(scope_);
    if (budget == nullptr) return visit(expression);
    TRY(spend(1, expression.range));
    if (budget->depth >= kDeepestEvaluation) {
      return error_at(expression.range, "expressions use one another too deeply");
    }
    ++budget->depth;
    Result<Value> result = visit(expression);
    --budget->depth;
    return result;
  }

 private:
  Result<Value> visit(const Expression& expression) {
    return std::visit([&](const auto& node) { return of(node, expression.range); },
                      expression.node);
  }

  Status spend(size_t amount, const Range& range) const {
    Budget* budget = budget_of(scope_);
    if (budget == nullptr) return {};
    if (budget->steps < amount) {
      return error_at(range, "the file computes too much: endless growth?");
    }
    budget->steps -= amount;
    return {};
  }

  Result<Value> converted(const Value& value, const Type& type, const Range& range,
                          std::string_view what) const {
    Result<Value> result = convert(value, type);
    if (!result) return error_at(range, "{}: {}", what, result.error().message());
    return result;
  }

  // ---- literals, variables, selection

  Result<Value> of(const Literal& node, const Range&) { return node.value; }
  Result<Value> of(const Parentheses& node, const Range&) { return value(*node.inner); }
  Result<Value> of(const TemplateWrap& node, const Range&) { return value(*node.inner); }

  Result<Value> of(const SplatItem&, const Range&) {
    CHECK(item_ != nullptr);
    return *item_;
  }

  Result<Value> of(const Traversal& node, const Range&) {
    if (scope_ == nullptr) return error_at(node.root_range, "variables cannot be used here");
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
      const auto found = scope->variables.find(node.root);
      if (found != scope->variables.end()) return select(found->second, node.steps);
    }
    std::vector<std::string> known;
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
      for (const auto& [name, value] : scope->variables) known.push_back(name);
    }
    return error_at(node.root_range, "there is no variable named {}{}", go_quote(node.root),
                    did_you_mean(node.root, known));
  }

  Result<Value> of(const Selection& node, const Range&) {
    const Value source = TRY(value(*node.source));
    return select(source, node.steps);
  }

  static Result<Value> select(Value value, const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      value = TRY(step.attribute ? attribute_of(value, *step.attribute, step.range)
                                 : index_of(value, step.key, step.range));
    }
    return value;
  }

  Result<Value> of(const Index& node, const Range&) {
    const Value collection = TRY(value(*node.collection));
    const Value key = TRY(value(*node.key));
    return index_of(collection, key, node.bracket_range);
  }

  // ---- operators

  Result<Value> operand(const Expression& expression, Operator op) {
    const Value given = TRY(value(expression));
    return converted(given, operand_type(op), expression.range, "the operand does not fit");
  }

  Result<Value> of(const UnaryOperation& node, const Range& range) {
    const Value only = TRY(operand(*node.operand, node.op));
    Result<Value> result = apply(node.op, only);
    if (!result) return error_at(range, result.error().message());
    return result;
  }

  Result<Value> of(const BinaryOperation& node, const Range& range) {
    if (node.op == Operator::And || node.op == Operator::Or) return logical(node, range);
    const Value left = TRY(operand(*node.left, node.op));
    const Value right = TRY(operand(*node.right, node.op));
    return applied(node.op, left, right, range);
  }

  static Result<Value> applied(Operator op, const Value& left, const Value& right,
                               const Range& range) {
    Result<Value> result = apply(op, left, right);
    if (!result) return error_at(range, result.error().message());
    return result;
  }

  // One side can decide alone; then an error in the other does not matter. A side whose value
  // cannot be a bool matters always.
  Result<Value> logical(const BinaryOperation& node, const Range& range) {
    const Result<Value> left_value = value(*node.left);
    const Result<Value> right_value = value(*node.right);
    const bool deciding = node.op == Operator::Or;
    for (const auto& [side, given] :
         {std::pair(&*node.left, &left_value), std::pair(&*node.right, &right_value)}) {
      if (*given) {
        TRY(converted(**given, Type::boolean(), side->range, "the operand does not fit"));
      }
    }
    for (const Result<Value>* given : {&left_value, &right_value}) {
      if (!*given) continue;
      const Value truth = TRY(converted(**given, Type::boolean(), range, "the operand"));
      if (!truth.is_null() && truth.truth() == deciding) return Value::boolean(deciding);
    }
    if (!left_value) return left_value;
    if (!right_value) return right_value;
    const Value left = TRY(converted(*left_value, Type::boolean(), range, "the operand"));
    const Value right = TRY(converted(*right_value, Type::boolean(), range, "the operand"));
    return applied(node.op, left, right, range);
  }

  // Both results are evaluated, for their types decide that of the conditional; an error in the one
  // that is not taken does not matter.
  Result<Value> of(const Conditional& node, const Range& range) {
    const Result<Value> if_true = value(*node.if_true);
    const Result<Value> if_false = value(*node.if_false);
    const std::optional<Type> true_type = type_of(if_true, *node.if_true);
    const std::optional<Type> false_type = type_of(if_false, *node.if_false);
    std::optional<Type> type;  // nothing: as it is
    if (true_type && false_type) type = TRY(common_type(*true_type, *false_type, range));
    const Value given = TRY(value(*node.condition));
    if (given.is_null()) {
      return error_at(node.condition->range, "the condition is null, not true or false");
    }
    const Value truth =
        TRY(converted(given, Type::boolean(), node.condition->range, "the condition is no bool"));
    const Result<Value>& taken = truth.truth() ? if_true : if_false;
    if (!taken || !type) return taken;
    const Expression& source = truth.truth() ? *node.if_true : *node.if_false;
    return converted(*taken, *type, source.range, "the results of the conditional do not match");
  }

  // Where there is no value, the type that it would have had, if the expression alone says so.
  static std::optional<Type> type_of(const Result<Value>& value, const Expression& expression) {
    if (value) return value->type();
    if (const auto* parentheses = std::get_if<Parentheses>(&expression.node)) {
      return type_of(value, *parentheses->inner);
    }
    if (std::holds_alternative<Template>(expression.node)) return Type::string();
    if (const auto* operation = std::get_if<BinaryOperation>(&expression.node)) {
      return result_type(operation->op);
    }
    if (const auto* operation = std::get_if<UnaryOperation>(&expression.node)) {
      return result_type(operation->op);
    }
    return std::nullopt;
  }

  static Result<std::optional<Type>> common_type(const Type& a_type, const Type& b_type,
                                                 const Range& range) {
    if (a_type.is_any()) return std::optional<Type>(b_type);
    if (b_type.is_any()) return std::optional<Type>(a_type);
    std::optional<Type> common = unify({a_type, b_type});
    if (!common) {
      return error_at(range, "the results of the conditional do not match: {} and {}",
                      a_type.friendly_name(), b_type.friendly_name());
    }
    return common;
  }

  // ---- collections

  Result<Value> of(const TupleLiteral& node, const Range&) {
    std::vector<Value> elements;
    for (const ExpressionPtr& element : node.elements) elements.push_back(TRY(value(*element)));
    return Value::tuple(std::move(elements));
  }

  Result<Value> of(const ObjectLiteral& node, const Range&) {
    Value::Entries entries;
    for (const ObjectLiteral::Item& item : node.items) {
      const std::string key = TRY(object_key(item));
      entries.insert_or_assign(key, TRY(value(*item.value)));
    }
    return Value::object(std::move(entries));
  }

  Result<std::string> object_key(const ObjectLiteral::Item& item) {
    if (!item.key_in_parentheses) {
      const auto* traversal = std::get_if<Traversal>(&item.key->node);
      if (traversal != nullptr && !traversal->steps.empty()) {
        return error_at(item.key->range,
                        "write this key in quotes, or in parentheses if it is a variable");
      }
      if (auto name = as_keyword(*item.key)) return *name;
    }
    const Value key = TRY(value(*item.key));
    return key_text(key, *item.key, "a key of an object");
  }

  Result<std::string> key_text(const Value& key, const Expression& source, std::string_view what) {
    if (key.is_null()) return error_at(source.range, "{} is null", what);
    return TRY(converted(key, Type::string(), source.range, fmt::format("{} does not fit", what)))
        .text();
  }

  Result<Value> of(const JsonObject& node, const Range&) {
    Value::Entries entries;
    for (const JsonObject::Item& item : node.items) {
      const Value key = TRY(value(*item.key));
      const std::string name = TRY(key_text(key, *item.key, "a member's name"));
      if (!entries.emplace(name, TRY(value(*item.value))).second) {
        return error_at(item.key->range, "the object names {} twice", go_quote(name));
      }
    }
    return Value::object(std::move(entries));
  }

  // Calls `each` with the names of the loop in scope, for the elements that its condition takes.
  template <typename Each>
  Status each_turn(const ForLoop& node, const Each& each) {
    const Value collection = TRY(value(*node.collection));
    if (collection.is_null()) {
      return error_at(node.collection->range, "\"for\" cannot go over null");
    }
    const auto turn = [&](const Value& key, const Value& element) -> Status {
      TRY(spend(1, node.collection->range));
      Scope scope;
      scope.parent = scope_;
      if (!node.key_name.empty()) scope.variables.emplace(node.key_name, key);
      scope.variables.insert_or_assign(node.value_name, element);
      Evaluator inner(&scope, item_);
      if (node.condition != nullptr && !TRY(inner.condition(*node.condition))) return {};
      return each(inner);
    };
    if (collection.is_mapping()) {
      for (const auto& [name, element] : collection.entries()) {
        TRY(turn(Value::string(name), element));
      }
      return {};
    }
    if (!collection.is_sequence()) {
      return error_at(node.collection->range, "\"for\" cannot go over a {}",
                      collection.type().friendly_name());
    }
    int64_t index = 0;
    for (const Value& element : collection.elements()) {
      TRY(turn(collection.is(Kind::Set) ? element : Value::number(index), element));
      ++index;
    }
    return {};
  }

  Result<bool> condition(const Expression& expression) {
    const Value given = TRY(value(expression));
    if (given.is_null()) return error_at(expression.range, "the condition of \"for\" is null");
    return TRY(converted(given, Type::boolean(), expression.range,
                         "the condition of \"for\" is no bool"))
        .truth();
  }

  Result<Value> of(const ForLoop& node, const Range&) {
    if (node.key == nullptr) {
      std::vector<Value> elements;
      TRY(each_turn(node, [&](Evaluator& turn) -> Status {
        elements.push_back(TRY(turn.value(*node.value)));
        return {};
      }));
      return Value::tuple(std::move(elements));
    }
    std::map<std::string, std::vector<Value>> groups;
    TRY(each_turn(node, [&](Evaluator& turn) -> Status {
      const Value key = TRY(turn.value(*node.key));
      const std::string name = TRY(key_text(key, *node.key, "a key of the \"for\""));
      Value element = TRY(turn.value(*node.value));
      std::vector<Value>& group = groups[name];
      if (!node.groups && !group.empty()) {
        return error_at(node.key->range,
                        "two elements make the key {}; \"...\" after the value groups them",
                        go_quote(name));
      }
      group.push_back(std::move(element));
      return {};
    }));
    Value::Entries entries;
    for (auto& [name, group] : groups) {
      entries.emplace(name, node.groups ? Value::tuple(std::move(group)) : group[0]);
    }
    return Value::object(std::move(entries));
  }

  // Of a value that is no sequence: as of a sequence of it alone, or of none where it is null.
  Result<Value> of(const Splat& node, const Range& range) {
    const Value source = TRY(value(*node.source));
    if (source.is_null()) {
      if (!source.is_sequence()) return Value::tuple({});
      return error_at(node.source->range, "a splat cannot be applied to null");
    }
    const std::vector<Value> items =
        source.is_sequence() ? source.elements() : std::vector<Value>{source};
    std::vector<Value> results;
    for (const Value& item : items) {
      TRY(spend(1, range));
      results.push_back(TRY(Evaluator(scope_, &item).value(*node.each)));
    }
    if (!source.is(Kind::List) && !source.is(Kind::Set)) return Value::tuple(std::move(results));
    Type element = source.element_type();
    if (!results.empty()) element = results[0].type();
    for (const Value& result : results) {
      if (result.type() == element) continue;
      return error_at(range, "the elements of this splat have different types; use \"for\"");
    }
    return Value::list(element, std::move(results));
  }

  // ---- templates

  Result<std::string> part_text(const Expression& part) {
    const Value given = TRY(value(part));
    if (given.is_null()) return error_at(part.range, "a null cannot be part of a text");
    return TRY(converted(given, Type::string(), part.range, "this cannot be part of a text"))
        .text();
  }

  Result<Value> of(const Template& node, const Range& range) {
    std::string text;
    for (const ExpressionPtr& part : node.parts) text += TRY(part_text(*part));
    TRY(spend(text.size() / 16, range));
    return Value::string(text);
  }

  Result<Value> of(const TemplateJoin& node, const Range& range) {
    const Value tuple = TRY(value(*node.tuple));
    std::string text;
    for (const Value& element : tuple.elements()) text += element.text();
    TRY(spend(text.size() / 16, range));
    return Value::string(text);
  }

  Result<Value> of(const JsonText& node, const Range&) {
    if (scope_ == nullptr) return Value::string(node.text);
    if (node.as_template == nullptr) return *node.template_error;
    return value(*node.as_template);
  }

  // ---- calls

  const Function* find_function(const std::string& name) const {
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
      const auto found = scope->functions.find(name);
      if (found != scope->functions.end()) return &found->second;
    }
    return nullptr;
  }

  Error unknown_function(const FunctionCall& node) const {
    if (scope_ == nullptr) return error_at(node.name_range, "functions cannot be called here");
    std::vector<std::string> known;
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
      for (const auto& [name, function] : scope->functions) known.push_back(name);
    }
    return error_at(node.name_range, "there is no function named {}{}", go_quote(node.name),
                    did_you_mean(node.name, known));
  }

  // The arguments of a call; those that "..." spreads out are literals.
  struct Arguments {
    std::vector<const Expression*> expressions;
    std::vector<ExpressionPtr> literals;
  };

  Result<Arguments> arguments_of(const FunctionCall& node) {
    Arguments arguments;
    for (const ExpressionPtr& argument : node.arguments) {
      arguments.expressions.push_back(argument.get());
    }
    if (!node.expands_last) return arguments;
    const Expression& last = *node.arguments.back();
    arguments.expressions.pop_back();
    const Value spread = TRY(value(last));
    if (spread.is_null() || !spread.is_sequence()) {
      return error_at(last.range, "\"...\" needs a list, a set or a tuple, not {}",
                      spread.is_null() ? "null" : spread.type().friendly_name());
    }
    for (const Value& element : spread.elements()) {
      arguments.literals.push_back(make_expression(Literal{element}, last.range));
      arguments.expressions.push_back(arguments.literals.back().get());
    }
    return arguments;
  }

  class Lazy : public LazyArguments {
   public:
    Lazy(Evaluator& evaluator, const Arguments& arguments)
        : evaluator_(evaluator), arguments_(arguments) {}
    size_t size() const override { return arguments_.expressions.size(); }
    Result<Value> evaluate(size_t index) const override {
      return evaluator_.value(*arguments_.expressions[index]);
    }
    const Expression& expression(size_t index) const override {
      return *arguments_.expressions[index];
    }

   private:
    Evaluator& evaluator_;
    const Arguments& arguments_;
  };

  Result<Value> of(const FunctionCall& node, const Range& range) {
    const Function* function = find_function(node.name);
    if (function == nullptr) return unknown_function(node);
    const Arguments arguments = TRY(arguments_of(node));
    TRY(check_count(node, *function, arguments.expressions.size()));
    Result<Value> result = Value();
    if (function->call_lazily) {
      result = function->call_lazily(Lazy(*this, arguments));
    } else {
      const std::vector<Value> values = TRY(argument_values(*function, arguments));
      result = function->call(values);
    }
    if (!result) {
      // An error with a place is one in the function's own expression.
      if (!result.error().spans().empty()) return result;
      return error_at(range, "{}: {}", node.name, result.error().message());
    }
    TRY(spend(size_of(*result), range));
    return result;
  }

  static size_t size_of(const Value& value) {
    if (value.is_null()) return 1;
    if (value.is(Kind::String)) return 1 + value.text().size() / 16;
    return value.is_sequence() || value.is_mapping() ? 1 + value.length() : 1;
  }

  static Status check_count(const FunctionCall& node, const Function& function, size_t count) {
    if (count < function.parameters.size()) {
      return error_at(node.arguments_range, "{} needs {}{} argument{}: {} is missing", node.name,
                      function.rest ? "at least " : "", function.parameters.size(),
                      function.parameters.size() == 1 ? "" : "s",
                      go_quote(function.parameters[count].name));
    }
    if (!function.rest && count > function.parameters.size()) {
      return error_at(node.arguments_range, "{} takes {} argument{}, not {}", node.name,
                      function.parameters.size(), function.parameters.size() == 1 ? "" : "s",
                      count);
    }
    return {};
  }

  Result<std::vector<Value>> argument_values(const Function& function, const Arguments& arguments) {
    std::vector<Value> values;
    for (size_t i = 0; i < arguments.expressions.size(); ++i) {
      const Expression& source = *arguments.expressions[i];
      const Parameter& parameter =
          i < function.parameters.size() ? function.parameters[i] : *function.rest;
      const Value given = TRY(value(source));
      const std::string what = "the argument " + go_quote(parameter.name) + " does not fit";
      Value fitting = TRY(converted(given, parameter.type, source.range, what));
      if (fitting.is_null() && !parameter.allows_null) {
        return error_at(source.range, "the argument {} must not be null", go_quote(parameter.name));
      }
      values.push_back(std::move(fitting));
    }
    return values;
  }

  const Scope* scope_;
  const Value* item_;
};

Result<Value> element_at(const Value& sequence, const Value& key, const Range& range) {
  const Number& number = key.as_number();
  const std::optional<int64_t> index = number.to_int64();
  if (!number.is_integer()) return error_at(range, "an index is a whole number");
  if (number.is_negative() && !number.is_zero()) return error_at(range, "an index is not negative");
  const size_t size = sequence.elements().size();
  if (!index || static_cast<size_t>(*index) >= size) {
    return error_at(range, "the index {} is beyond the {} element{} there are", number.to_string(),
                    size, size == 1 ? "" : "s");
  }
  return sequence.elements()[static_cast<size_t>(*index)];
}

std::vector<std::string> names_of(const Value& mapping) {
  std::vector<std::string> names;
  for (const auto& [name, value] : mapping.entries()) names.push_back(name);
  return names;
}

}  // namespace

Result<Value> evaluate(const Expression& expression, const Scope* scope) {
  return Evaluator(scope, nullptr).value(expression);
}

Result<Value> index_of(const Value& collection, const Value& key, const Range& range) {
  if (collection.is_null()) return error_at(range, "this value is null, it has no elements");
  if (key.is_null()) return error_at(range, "null is no index");
  const bool by_number = collection.is(Kind::List) || collection.is(Kind::Tuple);
  if (!by_number && !collection.is_mapping()) {
    return error_at(range, "a {} has no elements to select by index",
                    collection.type().friendly_name());
  }
  Result<Value> fitting = convert(key, by_number ? Type::number() : Type::string());
  if (!fitting) return error_at(range, "the index does not fit: {}", fitting.error().message());
  if (by_number) return element_at(collection, *fitting, range);
  const Value* found = collection.find(fitting->text());
  if (found != nullptr) return *found;
  return error_at(range, "there is no element {}{}", go_quote(fitting->text()),
                  did_you_mean(fitting->text(), names_of(collection)));
}

Result<Value> attribute_of(const Value& object, const std::string& name, const Range& range) {
  if (object.is_null()) return error_at(range, "this value is null, it has no attributes");
  if (!object.is_mapping()) {
    return error_at(range, "a {} has no attributes", object.type().friendly_name());
  }
  const Value* found = object.find(name);
  if (found != nullptr) return *found;
  return error_at(range, "this {} has no {} {}{}", object.is(Kind::Map) ? "map" : "object",
                  object.is(Kind::Map) ? "element" : "attribute", go_quote(name),
                  did_you_mean(name, names_of(object)));
}

}  // namespace slipway::hcl
