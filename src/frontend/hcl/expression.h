// The syntax tree of an HCL expression. HCL's JSON syntax yields the same tree, with JsonText and
// JsonObject where its rules differ.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "frontend/hcl/source.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Literal {
  Value value;
};

// ".name" or "[key]" with a key that is known.
struct Step {
  std::optional<std::string> attribute;
  Value key;
  Range range;
};

// A variable and what is selected of it: target.app.args["x"].
struct Traversal {
  std::string root;
  Range root_range;
  std::vector<Step> steps;
};

// The same of any other expression: f(x).name.
struct Selection {
  ExpressionPtr source;
  std::vector<Step> steps;
};

struct Index {
  ExpressionPtr collection;
  ExpressionPtr key;
  Range bracket_range;
};

struct FunctionCall {
  std::string name;
  Range name_range;
  Range arguments_range;  // with the parentheses
  std::vector<ExpressionPtr> arguments;
  bool expands_last = false;  // "f(list...)"
};

struct Conditional {
  ExpressionPtr condition;
  ExpressionPtr if_true;
  ExpressionPtr if_false;
};

struct TupleLiteral {
  std::vector<ExpressionPtr> elements;
};

struct ObjectLiteral {
  struct Item {
    ExpressionPtr key;
    bool key_in_parentheses = false;  // then a bare name is a variable, not a key
    ExpressionPtr value;
  };
  std::vector<Item> items;
};

// [for k, v in c : value if condition] and {for k, v in c : key => value... if condition}.
struct ForLoop {
  std::string key_name;  // empty: the key is not named
  std::string value_name;
  ExpressionPtr collection;
  ExpressionPtr key;  // nullptr: makes a tuple
  ExpressionPtr value;
  ExpressionPtr condition;  // nullptr: every element
  bool groups = false;
};

// source.*.name and source[*].name[0]: `each` is evaluated for every element, which SplatItem
// means.
struct Splat {
  ExpressionPtr source;
  ExpressionPtr each;
};
struct SplatItem {};

enum class Operator {
  Or,
  And,
  Equal,
  NotEqual,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Add,
  Subtract,
  Multiply,
  Divide,
  Modulo,
  Negate,
  Not,
};

struct BinaryOperation {
  Operator op = Operator::Add;
  ExpressionPtr left;
  ExpressionPtr right;
};

struct UnaryOperation {
  Operator op = Operator::Not;
  ExpressionPtr operand;
};

struct Parentheses {
  ExpressionPtr inner;
};

// Pieces joined to a text.
struct Template {
  std::vector<ExpressionPtr> parts;
};
// "${x}" and nothing else: the value of x itself, of whatever type.
struct TemplateWrap {
  ExpressionPtr inner;
};
// The texts that a "%{for}" makes, joined.
struct TemplateJoin {
  ExpressionPtr tuple;
};

// A JSON string: a template where variables are allowed, else the text as it is. Where something
// else is wanted of it (a name, a type, a call), it is read as an expression.
struct JsonText {
  std::string text;
  ExpressionPtr as_template;  // nullptr: it is none, and that is template_error
  std::optional<Error> template_error;
  ExpressionPtr as_expression;  // nullptr: it is none
};

struct JsonObject {
  struct Item {
    ExpressionPtr key;  // a JsonText
    ExpressionPtr value;
  };
  std::vector<Item> items;
};

struct Expression {
  using Node =
      std::variant<Literal, Traversal, Selection, Index, FunctionCall, Conditional, TupleLiteral,
                   ObjectLiteral, ForLoop, Splat, SplatItem, BinaryOperation, UnaryOperation,
                   Parentheses, Template, TemplateWrap, TemplateJoin, JsonText, JsonObject>;
  Node node;
  Range range;
};

template <typename Node>
ExpressionPtr make_expression(Node node, Range range) {
  return std::make_unique<Expression>(Expression{std::move(node), std::move(range)});
}

// ---- what an expression says without being evaluated

// A bare name ("foo", also true, false and null), or nothing.
std::optional<std::string> as_keyword(const Expression& expression);
// The variable and steps that an expression consists of; nullptr where it is something else.
const Traversal* as_traversal(const Expression& expression);
// A function call, or nullptr.
const FunctionCall* as_call(const Expression& expression);
// The elements of a list that is written out; nothing where it is something else.
std::optional<std::vector<const Expression*>> as_list(const Expression& expression);
struct StaticItem {
  const Expression* key;
  bool key_in_parentheses;
  const Expression* value;
};
std::optional<std::vector<StaticItem>> as_object(const Expression& expression);

// The variables that an expression uses (names of its own loops left out), in the order of use.
std::vector<const Traversal*> used_variables(const Expression& expression);
// The functions it calls. Of JSON strings, only those that are an expression as a whole count:
// buildx does not look into their templates.
std::vector<std::string> called_functions(const Expression& expression);

}  // namespace slipway::hcl
