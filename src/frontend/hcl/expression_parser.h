// Expressions and templates out of tokens. parser.h has what other folders use.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/token_stream.h"

namespace slipway::hcl {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  Result<ExpressionPtr> expression();
  // The pieces up to the token of type `end`, which is read, too. `flush` removes the indentation
  // that all lines share ("<<-EOT").
  Result<ExpressionPtr> template_until(Token::Type end, bool flush, const Range& open);
  // A quoted string without template sequences: a block's label.
  Result<std::string> quoted_literal();

 private:
  friend class TemplateParser;

  Result<ExpressionPtr> binary(size_t level);
  Result<ExpressionPtr> term_with_steps();
  Result<ExpressionPtr> steps(ExpressionPtr from);
  Result<ExpressionPtr> attribute_step(ExpressionPtr from, const Token& dot);
  Result<ExpressionPtr> attribute_splat(ExpressionPtr from, const Token& dot);
  Result<ExpressionPtr> index_step(ExpressionPtr from);
  Result<ExpressionPtr> term();
  Result<ExpressionPtr> unary(Operator op);
  Result<ExpressionPtr> parenthesized();
  Result<ExpressionPtr> call(const Token& name);
  Status call_arguments(FunctionCall& call);
  Result<ExpressionPtr> tuple();
  Result<ExpressionPtr> object();
  Result<ObjectLiteral::Item> object_item();
  Result<ExpressionPtr> for_loop(const Token& open);
  // "k, v in collection": of for expressions and directives.
  Status loop_header(ForLoop& loop);

  // An error when what follows would nest too deep.
  Status enter();

  TokenStream& tokens_;
  int depth_ = 0;
};

// The text that a quoted or plain token means, escapes resolved.
Result<std::string> literal_text(const Token& token);

}  // namespace slipway::hcl
