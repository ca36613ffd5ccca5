#include "frontend/hcl/expression.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "frontend/hcl/lexer.h"

namespace slipway::hcl {
namespace {

using Visit = std::function<void(const Expression& child, const ForLoop* names_of)>;

// Every direct child; `names_of` is the loop whose names the child may use.
class Children {
 public:
  explicit Children(const Visit& visit) : visit_(visit) {}

  void operator()(const Literal&) const {}
  void operator()(const Traversal&) const {}
  void operator()(const SplatItem&) const {}
  void operator()(const JsonText&) const {}
  void operator()(const Selection& node) const { child(node.source); }
  void operator()(const Parentheses& node) const { child(node.inner); }
  void operator()(const TemplateWrap& node) const { child(node.inner); }
  void operator()(const TemplateJoin& node) const { child(node.tuple); }
  void operator()(const UnaryOperation& node) const { child(node.operand); }
  void operator()(const FunctionCall& node) const { all(node.arguments); }
  void operator()(const TupleLiteral& node) const { all(node.elements); }
  void operator()(const Template& node) const { all(node.parts); }
  void operator()(const Index& node) const {
    child(node.collection);
    child(node.key);
  }
  void operator()(const Conditional& node) const {
    child(node.condition);
    child(node.if_true);
    child(node.if_false);
  }
  void operator()(const BinaryOperation& node) const {
    child(node.left);
    child(node.right);
  }
  void operator()(const Splat& node) const {
    child(node.source);
    child(node.each);
  }
  void operator()(const ObjectLiteral& node) const {
    for (const ObjectLiteral::Item& item : node.items) {
      if (item.key_in_parentheses || !as_keyword(*item.key)) child(item.key);
      child(item.value);
    }
  }
  void operator()(const JsonObject& node) const {
    for (const JsonObject::Item& item : node.items) {
      child(item.key);
      child(item.value);
    }
  }
  void operator()(const ForLoop& node) const {
    child(node.collection);
    if (node.key != nullptr) visit_(*node.key, &node);
    visit_(*node.value, &node);
    if (node.condition != nullptr) visit_(*node.condition, &node);
  }

 private:
  void child(const ExpressionPtr& expression) const { visit_(*expression, nullptr); }
  void all(const std::vector<ExpressionPtr>& expressions) const {
    for (const ExpressionPtr& expression : expressions) child(expression);
  }

  const Visit& visit_;
};

void each_child(const Expression& expression, const Visit& visit) {
  std::visit(Children(visit), expression.node);
}

void collect_variables(const Expression& expression, std::vector<std::string>& local_names,
                       std::vector<const Traversal*>& variables) {
  if (const auto* traversal = std::get_if<Traversal>(&expression.node)) {
    const bool local =
        std::find(local_names.begin(), local_names.end(), traversal->root) != local_names.end();
    if (!local) variables.push_back(traversal);
    return;
  }
  if (const auto* json = std::get_if<JsonText>(&expression.node)) {
    if (json->as_template != nullptr) {
      collect_variables(*json->as_template, local_names, variables);
    }
    return;
  }
  each_child(expression, [&](const Expression& child, const ForLoop* names_of) {
    const size_t known = local_names.size();
    if (names_of != nullptr) {
      local_names.push_back(names_of->value_name);
      if (!names_of->key_name.empty()) local_names.push_back(names_of->key_name);
    }
    collect_variables(child, local_names, variables);
    local_names.resize(known);
  });
}

void collect_functions(const Expression& expression, std::vector<std::string>& functions) {
  if (const auto* call = std::get_if<FunctionCall>(&expression.node)) {
    functions.push_back(call->name);
  }
  if (const auto* json = std::get_if<JsonText>(&expression.node)) {
    if (json->as_expression != nullptr) collect_functions(*json->as_expression, functions);
    return;
  }
  each_child(expression,
             [&](const Expression& child, const ForLoop*) { collect_functions(child, functions); });
}

}  // namespace

std::optional<std::string> as_keyword(const Expression& expression) {
  if (const auto* literal = std::get_if<Literal>(&expression.node)) {
    if (literal->value.is_null()) return "null";
    if (literal->value.is(Type::Kind::Bool)) return literal->value.truth() ? "true" : "false";
    return std::nullopt;
  }
  const Traversal* traversal = as_traversal(expression);
  if (traversal != nullptr && traversal->steps.empty()) return traversal->root;
  if (const auto* json = std::get_if<JsonText>(&expression.node)) {
    if (json->as_expression != nullptr) return as_keyword(*json->as_expression);
  }
  return std::nullopt;
}

const Traversal* as_traversal(const Expression& expression) {
  if (const auto* json = std::get_if<JsonText>(&expression.node)) {
    return json->as_expression == nullptr ? nullptr : as_traversal(*json->as_expression);
  }
  return std::get_if<Traversal>(&expression.node);
}

const FunctionCall* as_call(const Expression& expression) {
  if (const auto* json = std::get_if<JsonText>(&expression.node)) {
    return json->as_expression == nullptr ? nullptr : as_call(*json->as_expression);
  }
  return std::get_if<FunctionCall>(&expression.node);
}

std::optional<std::vector<const Expression*>> as_list(const Expression& expression) {
  const auto* tuple = std::get_if<TupleLiteral>(&expression.node);
  if (tuple == nullptr) return std::nullopt;
  std::vector<const Expression*> elements;
  for (const ExpressionPtr& element : tuple->elements) elements.push_back(element.get());
  return elements;
}

std::optional<std::vector<StaticItem>> as_object(const Expression& expression) {
  std::vector<StaticItem> items;
  if (const auto* object = std::get_if<ObjectLiteral>(&expression.node)) {
    for (const ObjectLiteral::Item& item : object->items) {
      items.push_back({item.key.get(), item.key_in_parentheses, item.value.get()});
    }
    return items;
  }
  if (const auto* object = std::get_if<JsonObject>(&expression.node)) {
    for (const JsonObject::Item& item : object->items) {
      items.push_back({item.key.get(), false, item.value.get()});
    }
    return items;
  }
  return std::nullopt;
}

std::vector<const Traversal*> used_variables(const Expression& expression) {
  std::vector<std::string> local_names;
  std::vector<const Traversal*> variables;
  collect_variables(expression, local_names, variables);
  return variables;
}

std::vector<std::string> called_functions(const Expression& expression) {
  std::vector<std::string> functions;
  collect_functions(expression, functions);
  return functions;
}

}  // namespace slipway::hcl
