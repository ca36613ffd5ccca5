#include "registry/challenge.h"

#include <optional>

#include "base/text.h"

namespace slipway::registry {
namespace {

// Reads `token`, `token=value` and `token="quoted"` parts; the grammar allows commas between
// parameters and between challenges alike.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void skip_separators() {
    while (at_ < text_.size() && std::string_view(" \t,").find(text_[at_]) != std::string::npos) {
      ++at_;
    }
  }
  bool at_end() const { return at_ >= text_.size(); }
  std::string token() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           std::string_view(" \t,=\"").find(text_[at_]) == std::string::npos) {
      ++at_;
    }
    return to_lower(text_.substr(start, at_ - start));
  }
  // The value after "=", or nullopt when there is no "=".
  std::optional<std::string> value() {
    size_t ahead = at_;
    while (ahead < text_.size() && text_[ahead] == ' ') ++ahead;
    if (ahead >= text_.size() || text_[ahead] != '=') return std::nullopt;
    at_ = ahead + 1;
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t start = at_;
    while (at_ < text_.size() && std::string_view(" \t,").find(text_[at_]) == std::string::npos) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  void skip_one() { ++at_; }

 private:
  std::string quoted() {
    std::string result;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      result += text_[at_];
    }
    ++at_;
    return result;
  }

  std::string_view text_;
  size_t at_ = 0;
};

void set_parameter(Challenge& challenge, const std::string& name, std::string value) {
  if (name == "realm") challenge.realm = std::move(value);
  if (name == "service") challenge.service = std::move(value);
  if (name == "scope") challenge.scope = std::move(value);
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  bool known_scheme = false;
  Parser parser(header);
  for (parser.skip_separators(); !parser.at_end(); parser.skip_separators()) {
    const std::string name = parser.token();
    if (name.empty()) {
      parser.skip_one();
      continue;
    }
    std::optional<std::string> value = parser.value();
    if (value) {
      if (known_scheme) set_parameter(challenges.back(), name, *std::move(value));
      continue;
    }
    known_scheme = name == "basic" || name == "bearer";
    if (known_scheme) {
      challenges.push_back(
          {name == "basic" ? Challenge::Scheme::Basic : Challenge::Scheme::Bearer, {}, {}, {}});
    }
  }
  std::erase_if(challenges, [](const Challenge& challenge) {
    return challenge.scheme == Challenge::Scheme::Bearer && challenge.realm.empty();
  });
  return challenges;
}

}  // namespace slipway::registry
