#include "frontend/hcl/parser.h"

#include <algorithm>
#include <utility>

#include "frontend/hcl/expression_parser.h"

namespace slipway::hcl {
namespace {

using TokenType = Token::Type;

class BodyParser {
 public:
  explicit BodyParser(TokenStream& tokens) : tokens_(tokens), expressions_(tokens) {}

  // The items up to `end`, which is read, too.
  Result<NativeBody> body(TokenType end, const Range& open, int depth) {
    if (depth > kDeepest) {
      return error_at(open, "blocks are nested more than {} levels deep", kDeepest);
    }
    NativeBody body;
    while (!tokens_.at(end)) {
      if (tokens_.at(TokenType::Newline)) {
        tokens_.read();
        continue;
      }
      if (tokens_.at(TokenType::EndOfFile)) return error_at(open, "the block has no \"}\"");
      TRY(item(body, depth));
    }
    const Token close = tokens_.read();
    body.range = range_between(open, close.range);
    return body;
  }

 private:
  Status item(NativeBody& body, int depth) {
    if (tokens_.at(TokenType::OpenQuote)) {
      return error_at(tokens_.peek().range, "the name of an argument is written without quotes");
    }
    if (!tokens_.at(TokenType::Identifier)) {
      return error_at(tokens_.peek().range, "an argument or a block is expected here");
    }
    const Token name = tokens_.read();
    if (tokens_.at(TokenType::Equals)) {
      NativeAttribute made = TRY(attribute(name));
      TRY(add(body, std::move(made)));
      return end_of_line("an argument");
    }
    if (tokens_.at(TokenType::OpenQuote) || tokens_.at(TokenType::OpenBrace) ||
        tokens_.at(TokenType::Identifier)) {
      NativeBlock made = TRY(block(name, depth));
      body.blocks.push_back(std::move(made));
      return end_of_line("a block");
    }
    return error_at(name.range, "\"{}\" must be followed by \"=\" (an argument) or by a block",
                    name.text);
  }

  static Status add(NativeBody& body, NativeAttribute attribute) {
    const auto same =
        std::find_if(body.attributes.begin(), body.attributes.end(),
                     [&](const NativeAttribute& each) { return each.name == attribute.name; });
    if (same != body.attributes.end()) {
      return error_at(attribute.name_range, "{} is set already at {}", attribute.name,
                      same->name_range.to_string());
    }
    body.attributes.push_back(std::move(attribute));
    return {};
  }

  Status end_of_line(std::string_view what) {
    if (tokens_.at(TokenType::Newline)) {
      tokens_.read();
      return {};
    }
    if (tokens_.at(TokenType::EndOfFile)) return {};
    return error_at(tokens_.peek().range, "{} must end with its line{}", what,
                    tokens_.at(TokenType::Comma) ? ", without a comma" : "");
  }

  Result<NativeAttribute> attribute(const Token& name) {
    tokens_.read();  // "="
    ExpressionPtr expression = TRY(expressions_.expression());
    const Range range = range_between(name.range, tokens_.previous_range());
    return NativeAttribute{std::string(name.text), std::move(expression), range, name.range};
  }

  Result<NativeBlock> block(const Token& type, int depth) {
    NativeBlock block;
    block.type = type.text;
    block.type_range = type.range;
    while (!tokens_.at(TokenType::OpenBrace)) {
      if (tokens_.at(TokenType::OpenQuote)) {
        const Range open = tokens_.peek().range;
        block.labels.push_back(TRY(expressions_.quoted_literal()));
        block.label_ranges.push_back(range_between(open, tokens_.previous_range()));
      } else if (tokens_.at(TokenType::Identifier)) {
        const Token label = tokens_.read();
        block.labels.emplace_back(label.text);
        block.label_ranges.push_back(label.range);
      } else {
        return error_at(tokens_.peek().range,
                        "a label or \"{{\" is expected after the block's type");
      }
    }
    const Token brace = tokens_.read();
    block.header_range = range_between(type.range, tokens_.previous_range());
    const bool several_lines = tokens_.at(TokenType::Newline) || tokens_.at(TokenType::EndOfFile) ||
                               tokens_.at(TokenType::CloseBrace);
    block.body = several_lines ? TRY(body(TokenType::CloseBrace, brace.range, depth + 1))
                               : TRY(one_line_body(brace));
    return block;
  }

  // "{ name = value }": one argument, on the line of its block.
  Result<NativeBody> one_line_body(const Token& brace) {
    NativeBody body;
    const Token name = tokens_.read();
    if (name.type != TokenType::Identifier || !tokens_.at(TokenType::Equals)) {
      return error_at(name.range, "a block on one line holds one argument: {{ name = value }}");
    }
    NativeAttribute made = TRY(attribute(name));
    body.attributes.push_back(std::move(made));
    if (!tokens_.at(TokenType::CloseBrace)) {
      return error_at(tokens_.peek().range,
                      "a block on one line holds one argument and ends with \"}}\"");
    }
    const Token close = tokens_.read();
    body.range = range_between(brace.range, close.range);
    return body;
  }

  TokenStream& tokens_;
  ExpressionParser expressions_;
};

}  // namespace

Result<NativeBody> parse_native(std::string_view source, std::shared_ptr<const std::string> file) {
  TokenStream tokens(TRY(lex(source, file)));
  return BodyParser(tokens).body(TokenType::EndOfFile, Range{std::move(file), {}, {}}, 0);
}

Result<ExpressionPtr> parse_expression(std::string_view source,
                                       std::shared_ptr<const std::string> file, Position start) {
  TokenStream tokens(TRY(lex(source, std::move(file), start)));
  const TokenStream::Newlines ignored(tokens, false);
  ExpressionPtr expression = TRY(ExpressionParser(tokens).expression());
  if (!tokens.at(TokenType::EndOfFile)) {
    return error_at(tokens.peek().range, "the expression should end here");
  }
  return expression;
}

Result<ExpressionPtr> parse_template(std::string_view source,
                                     std::shared_ptr<const std::string> file, Position start) {
  TokenStream tokens(TRY(lex_template(source, file, start)));
  return ExpressionParser(tokens).template_until(TokenType::EndOfFile, false,
                                                 Range{std::move(file), start, start});
}

}  // namespace slipway::hcl
