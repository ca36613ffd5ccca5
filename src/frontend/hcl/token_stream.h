// The tokens of a file, read one after the other. Comments are left out; newlines are, where the
// grammar ignores them (inside parentheses and brackets).
#pragma once

#include <utility>
#include <vector>

#include "frontend/hcl/lexer.h"

namespace slipway::hcl {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Ignores newlines (or heeds them again) while it lives.
  class Newlines {
   public:
    Newlines(TokenStream& stream, bool heed) : stream_(stream), before_(stream.heed_newlines_) {
      stream_.heed_newlines_ = heed;
    }
    ~Newlines() { stream_.heed_newlines_ = before_; }
    Newlines(const Newlines&) = delete;
    Newlines& operator=(const Newlines&) = delete;

   private:
    TokenStream& stream_;
    bool before_;
  };

  const Token& peek() { return tokens_[next_index()]; }
  bool at(Token::Type type) { return peek_type() == type; }
  bool at_keyword(std::string_view word) {
    return at(Token::Type::Identifier) && peek().text == word;
  }
  // A comment that ends its line counts as the newline.
  Token::Type peek_type() {
    const Token::Type type = peek().type;
    return type == Token::Type::Comment ? Token::Type::Newline : type;
  }
  // The end of the file is read again and again.
  Token read() {
    const size_t index = next_index();
    previous_ = index;
    next_ = index + 1 < tokens_.size() ? index + 1 : index;
    return tokens_[index];
  }
  const Range& previous_range() const { return tokens_[previous_].range; }

 private:
  size_t next_index() const {
    size_t index = next_;
    while (index + 1 < tokens_.size() && is_ignored(tokens_[index])) ++index;
    return index;
  }
  bool is_ignored(const Token& token) const {
    if (token.type == Token::Type::Comment) return !heed_newlines_ || !token.text.ends_with('\n');
    return token.type == Token::Type::Newline && !heed_newlines_;
  }

  std::vector<Token> tokens_;
  size_t next_ = 0;
  size_t previous_ = 0;
  bool heed_newlines_ = true;
};

}  // namespace slipway::hcl
