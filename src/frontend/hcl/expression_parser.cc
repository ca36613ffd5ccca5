#include "frontend/hcl/expression_parser.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "frontend/hcl/depth.h"
#include "frontend/hcl/parser.h"

namespace slipway::hcl {
namespace {

using TokenType = Token::Type;

// From the loosest to the tightest.
const std::vector<std::map<TokenType, Operator>>& operator_levels() {
  static const std::vector<std::map<TokenType, Operator>> levels = {
      {{TokenType::Or, Operator::Or}},
      {{TokenType::And, Operator::And}},
      {{TokenType::EqualTo, Operator::Equal}, {TokenType::NotEqual, Operator::NotEqual}},
      {{TokenType::Greater, Operator::Greater},
       {TokenType::GreaterOrEqual, Operator::GreaterOrEqual},
       {TokenType::Less, Operator::Less},
       {TokenType::LessOrEqual, Operator::LessOrEqual}},
      {{TokenType::Plus, Operator::Add}, {TokenType::Minus, Operator::Subtract}},
      {{TokenType::Star, Operator::Multiply},
       {TokenType::Slash, Operator::Divide},
       {TokenType::Percent, Operator::Modulo}},
  };
  return levels;
}

Result<Value> number_value(const Token& token) {
  std::optional<Number> number = Number::parse(token.text);
  if (!number) return error_at(token.range, "{} is not a number", token.text);
  return Value::number(std::move(*number));
}

// The expression with one more step, in place where it consists of steps already.
ExpressionPtr with_step(ExpressionPtr from, Step step) {
  const Range range = range_between(from->range, step.range);
  if (auto* traversal = std::get_if<Traversal>(&from->node)) {
    traversal->steps.push_back(std::move(step));
  } else if (auto* selection = std::get_if<Selection>(&from->node)) {
    selection->steps.push_back(std::move(step));
  } else {
    Selection node;
    node.source = std::move(from);
    node.steps.push_back(std::move(step));
    return make_expression(std::move(node), range);
  }
  from->range = range;
  return from;
}

// The value of a key that is written out: a number, a keyword, a string without templates.
const Value* constant_key(const Expression& key) {
  if (const auto* literal = std::get_if<Literal>(&key.node)) return &literal->value;
  const auto* text = std::get_if<Template>(&key.node);
  if (text == nullptr || text->parts.size() != 1) return nullptr;
  const auto* literal = std::get_if<Literal>(&text->parts[0]->node);
  return literal == nullptr ? nullptr : &literal->value;
}

Error two_indexes(const Token& number) {
  const size_t point = number.text.find('.');
  return error_at(number.range, "write two indexes in a row as [{}][{}]",
                  number.text.substr(0, point), number.text.substr(point + 1));
}

}  // namespace

Status ExpressionParser::enter() {
  if (depth_ < kDeepest) return {};
  return error_at(tokens_.peek().range, "the expression is nested more than {} levels deep",
                  kDeepest);
}

Result<ExpressionPtr> ExpressionParser::expression() {
  TRY(enter());
  const Depth level(depth_);
  ExpressionPtr condition = TRY(binary(0));
  if (!tokens_.at(TokenType::Question)) return condition;
  tokens_.read();
  ExpressionPtr if_true = TRY(expression());
  if (!tokens_.at(TokenType::Colon)) {
    return error_at(tokens_.peek().range, "a conditional needs \":\" and a value for false");
  }
  tokens_.read();
  ExpressionPtr if_false = TRY(expression());
  const Range range = range_between(condition->range, if_false->range);
  Conditional node;
  node.condition = std::move(condition);
  node.if_true = std::move(if_true);
  node.if_false = std::move(if_false);
  return make_expression(std::move(node), range);
}

// Operators of one level bind from the left: a-b-c is (a-b)-c.
Result<ExpressionPtr> ExpressionParser::binary(size_t level) {
  if (level == operator_levels().size()) return term_with_steps();
  ExpressionPtr left = TRY(binary(level + 1));
  for (int count = 0;; ++count) {
    const auto op = operator_levels()[level].find(tokens_.peek_type());
    if (op == operator_levels()[level].end()) return left;
    if (count == kDeepest) {
      return error_at(tokens_.peek().range, "more than {} operators in a row", kDeepest);
    }
    tokens_.read();
    ExpressionPtr right = TRY(binary(level + 1));
    const Range range = range_between(left->range, right->range);
    BinaryOperation node;
    node.op = op->second;
    node.left = std::move(left);
    node.right = std::move(right);
    left = make_expression(std::move(node), range);
  }
}

Result<ExpressionPtr> ExpressionParser::term_with_steps() {
  ExpressionPtr from = TRY(term());
  return steps(std::move(from));
}

// ".name", ".0", ".*", "[key]" and "[*]", as many as there are.
Result<ExpressionPtr> ExpressionParser::steps(ExpressionPtr from) {
  for (int count = 0;; ++count) {
    if (count == kDeepest) {
      return error_at(tokens_.peek().range, "more than {} selections in a row", kDeepest);
    }
    if (tokens_.at(TokenType::Dot)) {
      const Token dot = tokens_.read();
      from = TRY(tokens_.at(TokenType::Star) ? attribute_splat(std::move(from), dot)
                                             : attribute_step(std::move(from), dot));
    } else if (tokens_.at(TokenType::OpenBracket)) {
      from = TRY(index_step(std::move(from)));
    } else {
      return from;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::attribute_step(ExpressionPtr from, const Token& dot) {
  const Token name = tokens_.peek();
  Step step;
  step.range = range_between(dot.range, name.range);
  if (name.type == TokenType::Identifier) {
    step.attribute = std::string(name.text);
  } else if (name.type == TokenType::Number) {
    if (name.text.contains('.')) return two_indexes(name);
    step.key = TRY(number_value(name));
  } else {
    return error_at(name.range, "a name must follow the dot");
  }
  tokens_.read();
  return with_step(std::move(from), std::move(step));
}

// "list.*.a.b": the steps up to the next bracket, for every element.
Result<ExpressionPtr> ExpressionParser::attribute_splat(ExpressionPtr from, const Token& dot) {
  const Token star = tokens_.read();
  ExpressionPtr each = make_expression(SplatItem{}, range_between(dot.range, star.range));
  while (tokens_.at(TokenType::Dot)) {
    const Token next_dot = tokens_.read();
    if (tokens_.at(TokenType::Star)) {
      return error_at(tokens_.peek().range, "\".*\" cannot be used inside another \".*\"");
    }
    each = TRY(attribute_step(std::move(each), next_dot));
  }
  const Range range = range_between(from->range, each->range);
  Splat node;
  node.source = std::move(from);
  node.each = std::move(each);
  return make_expression(std::move(node), range);
}

Result<ExpressionPtr> ExpressionParser::index_step(ExpressionPtr from) {
  const Token open = tokens_.read();
  if (tokens_.at(TokenType::Star)) {
    tokens_.read();
    if (!tokens_.at(TokenType::CloseBracket)) {
      return error_at(tokens_.peek().range, "\"]\" must follow \"[*\"");
    }
    const Token close = tokens_.read();
    TRY(enter());
    const Depth level(depth_);
    ExpressionPtr each =
        TRY(steps(make_expression(SplatItem{}, range_between(open.range, close.range))));
    const Range range = range_between(from->range, each->range);
    Splat node;
    node.source = std::move(from);
    node.each = std::move(each);
    return make_expression(std::move(node), range);
  }
  const TokenStream::Newlines ignored(tokens_, false);
  ExpressionPtr key = TRY(expression());
  if (!tokens_.at(TokenType::CloseBracket)) {
    return error_at(tokens_.peek().range, "the index must end with \"]\"");
  }
  const Token close = tokens_.read();
  const Range brackets = range_between(open.range, close.range);
  if (const Value* constant = constant_key(*key)) {
    return with_step(std::move(from), Step{std::nullopt, *constant, brackets});
  }
  const Range range = range_between(from->range, brackets);
  Index node;
  node.collection = std::move(from);
  node.key = std::move(key);
  node.bracket_range = brackets;
  return make_expression(std::move(node), range);
}

Result<ExpressionPtr> ExpressionParser::term() {
  const Token start = tokens_.peek();
  if (start.type == TokenType::OpenParen) return parenthesized();
  if (start.type == TokenType::OpenBracket) return tuple();
  if (start.type == TokenType::OpenBrace) return object();
  if (start.type == TokenType::Minus) return unary(Operator::Negate);
  if (start.type == TokenType::Not) return unary(Operator::Not);
  if (start.type == TokenType::OpenQuote || start.type == TokenType::OpenHeredoc) {
    tokens_.read();
    const bool heredoc = start.type == TokenType::OpenHeredoc;
    return template_until(heredoc ? TokenType::CloseHeredoc : TokenType::CloseQuote,
                          start.text.starts_with("<<-"), start.range);
  }
  if (start.type == TokenType::Number) {
    tokens_.read();
    return make_expression(Literal{TRY(number_value(start))}, start.range);
  }
  if (start.type != TokenType::Identifier) {
    return error_at(start.range, start.type == TokenType::EndOfFile
                                     ? "the file ends where a value is expected"
                                     : "a value is expected here");
  }
  tokens_.read();
  if (tokens_.at(TokenType::OpenParen) || tokens_.at(TokenType::DoubleColon)) return call(start);
  if (start.text == "null") return make_expression(Literal{Value()}, start.range);
  if (start.text == "true" || start.text == "false") {
    return make_expression(Literal{Value::boolean(start.text == "true")}, start.range);
  }
  return make_expression(Traversal{std::string(start.text), start.range, {}}, start.range);
}

// A sign belongs to its term only: -46+5 is (-46)+5.
Result<ExpressionPtr> ExpressionParser::unary(Operator op) {
  TRY(enter());
  const Depth level(depth_);
  const Token sign = tokens_.read();
  ExpressionPtr operand = TRY(term_with_steps());
  const Range range = range_between(sign.range, operand->range);
  UnaryOperation node;
  node.op = op;
  node.operand = std::move(operand);
  return make_expression(std::move(node), range);
}

Result<ExpressionPtr> ExpressionParser::parenthesized() {
  const Token open = tokens_.read();
  const TokenStream::Newlines ignored(tokens_, false);
  Parentheses node;
  node.inner = TRY(expression());
  if (!tokens_.at(TokenType::CloseParen)) {
    return error_at(tokens_.peek().range, "\")\" is expected here");
  }
  const Token close = tokens_.read();
  return make_expression(std::move(node), range_between(open.range, close.range));
}

Result<ExpressionPtr> ExpressionParser::call(const Token& name) {
  FunctionCall node;
  node.name = name.text;
  node.name_range = name.range;
  while (tokens_.at(TokenType::DoubleColon)) {
    tokens_.read();
    const Token part = tokens_.read();
    if (part.type != TokenType::Identifier) {
      return error_at(part.range, "the name of a function must follow \"::\"");
    }
    node.name += "::" + std::string(part.text);
    node.name_range = range_between(node.name_range, part.range);
  }
  if (!tokens_.at(TokenType::OpenParen)) {
    return error_at(tokens_.peek().range, "\"(\" must follow the name of a function");
  }
  const Token open = tokens_.read();
  {
    const TokenStream::Newlines ignored(tokens_, false);
    TRY(call_arguments(node));
  }
  node.arguments_range = range_between(open.range, tokens_.previous_range());
  const Range range = range_between(name.range, node.arguments_range);
  return make_expression(std::move(node), range);
}

// Up to and with the ")".
Status ExpressionParser::call_arguments(FunctionCall& call) {
  while (!tokens_.at(TokenType::CloseParen)) {
    ExpressionPtr argument = TRY(expression());
    call.arguments.push_back(std::move(argument));
    if (tokens_.at(TokenType::Ellipsis)) {
      tokens_.read();
      call.expands_last = true;
      if (!tokens_.at(TokenType::CloseParen)) {
        return error_at(tokens_.peek().range, "\")\" must follow an argument with \"...\"");
      }
    } else if (tokens_.at(TokenType::Comma)) {
      tokens_.read();
    } else if (!tokens_.at(TokenType::CloseParen)) {
      return error_at(tokens_.peek().range, "\",\" or \")\" is expected after an argument of {}",
                      call.name);
    }
  }
  tokens_.read();
  return {};
}

Result<ExpressionPtr> ExpressionParser::tuple() {
  const Token open = tokens_.read();
  const TokenStream::Newlines ignored(tokens_, false);
  if (tokens_.at_keyword("for")) return for_loop(open);
  TupleLiteral node;
  while (!tokens_.at(TokenType::CloseBracket)) {
    ExpressionPtr element = TRY(expression());
    node.elements.push_back(std::move(element));
    if (tokens_.at(TokenType::Comma)) {
      tokens_.read();
    } else if (tokens_.at(TokenType::EndOfFile)) {
      return error_at(open.range, "the list has no \"]\"");
    } else if (!tokens_.at(TokenType::CloseBracket)) {
      return error_at(tokens_.peek().range, "\",\" is expected between the elements of a list");
    }
  }
  const Token close = tokens_.read();
  return make_expression(std::move(node), range_between(open.range, close.range));
}

Result<ExpressionPtr> ExpressionParser::object() {
  const Token open = tokens_.read();
  {
    const TokenStream::Newlines ignored(tokens_, false);
    if (tokens_.at_keyword("for")) return for_loop(open);
  }
  const TokenStream::Newlines heeded(tokens_, true);
  ObjectLiteral node;
  for (;;) {
    if (tokens_.at(TokenType::Newline)) {
      tokens_.read();
      continue;
    }
    if (tokens_.at(TokenType::CloseBrace)) break;
    if (tokens_.at(TokenType::EndOfFile)) return error_at(open.range, "the object has no \"}\"");
    ObjectLiteral::Item item = TRY(object_item());
    node.items.push_back(std::move(item));
    if (tokens_.at(TokenType::CloseBrace)) break;
    if (!tokens_.at(TokenType::Comma) && !tokens_.at(TokenType::Newline)) {
      return error_at(tokens_.peek().range,
                      "\",\" or a new line is expected between the members of an object");
    }
    tokens_.read();
  }
  const Token close = tokens_.read();
  return make_expression(std::move(node), range_between(open.range, close.range));
}

Result<ObjectLiteral::Item> ExpressionParser::object_item() {
  ObjectLiteral::Item item;
  item.key_in_parentheses = tokens_.at(TokenType::OpenParen);
  item.key = TRY(expression());
  if (!tokens_.at(TokenType::Equals) && !tokens_.at(TokenType::Colon)) {
    const bool name_follows = tokens_.at(TokenType::Identifier);
    return error_at(tokens_.peek().range, "\"=\" and a value are expected after a key{}",
                    name_follows ? " (write a key with dots or spaces in quotes)" : "");
  }
  tokens_.read();
  item.value = TRY(expression());
  return item;
}

Status ExpressionParser::loop_header(ForLoop& loop) {
  const auto name = [&](const char* message) -> Result<std::string> {
    if (!tokens_.at(TokenType::Identifier)) return error_at(tokens_.peek().range, message);
    return std::string(tokens_.read().text);
  };
  loop.value_name = TRY(name("the name of a variable must follow \"for\""));
  if (tokens_.at(TokenType::Comma)) {
    tokens_.read();
    loop.key_name = std::exchange(loop.value_name, "");
    loop.value_name = TRY(name("the name of a variable must follow the comma"));
  }
  if (!tokens_.at_keyword("in")) {
    return error_at(tokens_.peek().range, "\"in\" must follow the names of a \"for\"");
  }
  tokens_.read();
  loop.collection = TRY(expression());
  return {};
}

Result<ExpressionPtr> ExpressionParser::for_loop(const Token& open) {
  const TokenStream::Newlines ignored(tokens_, false);
  const bool makes_object = open.type == TokenType::OpenBrace;
  tokens_.read();  // "for"
  ForLoop loop;
  TRY(loop_header(loop));
  if (!tokens_.at(TokenType::Colon)) {
    return error_at(tokens_.peek().range, "\":\" must follow the collection of a \"for\"");
  }
  tokens_.read();
  loop.value = TRY(expression());
  if (tokens_.at(TokenType::FatArrow)) {
    tokens_.read();
    loop.key = std::move(loop.value);
    loop.value = TRY(expression());
  }
  if (tokens_.at(TokenType::Ellipsis)) {
    const Token ellipsis = tokens_.read();
    loop.groups = true;
    if (!makes_object)
      return error_at(ellipsis.range, "\"...\" groups only where a \"for\" makes an object");
  }
  if (tokens_.at_keyword("if")) {
    tokens_.read();
    loop.condition = TRY(expression());
  }
  if (!tokens_.at(makes_object ? TokenType::CloseBrace : TokenType::CloseBracket)) {
    return error_at(tokens_.peek().range, "the \"for\" must end here with \"{}\"",
                    makes_object ? '}' : ']');
  }
  const Token close = tokens_.read();
  if (makes_object && loop.key == nullptr) {
    return error_at(loop.value->range, "a \"for\" that makes an object needs KEY => VALUE");
  }
  if (!makes_object && loop.key != nullptr) {
    return error_at(loop.key->range, "a \"for\" that makes a list has no keys");
  }
  return make_expression(std::move(loop), range_between(open.range, close.range));
}

}  // namespace slipway::hcl
