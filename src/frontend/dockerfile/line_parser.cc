#include "frontend/dockerfile/line_parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/dockerfile/json_array.h"

namespace slipway::dockerfile {
namespace {

constexpr std::string_view kBlanks = "\t\v\f\r ";
constexpr int kMaxDepth = 100;  // of ONBUILD ONBUILD ...

bool is_blank(char c) {
  return kBlanks.contains(c);
}

// The text before the first run of blanks and the text after it; nothing after where there is none.
std::pair<std::string_view, std::optional<std::string_view>> cut_at_blanks(std::string_view text) {
  const size_t end = text.find_first_of(kBlanks);
  if (end == std::string_view::npos) return {text, std::nullopt};
  const size_t next = std::min(text.find_first_not_of(kBlanks, end), text.size());
  return {text.substr(0, end), text.substr(next)};
}

struct Flags {
  std::vector<std::string> flags;
  std::string_view rest;
};

// Takes the leading "--name=value" words, their quotes and escapes removed. "--" alone ends them.
Flags take_flags(std::string_view text, char escape) {
  Flags result;
  for (;;) {
    const size_t start = std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size());
    text.remove_prefix(start);
    if (!text.starts_with("--")) {
      result.rest = text;
      return result;
    }
    std::string word;
    char quote = 0;
    bool quoted = false;  // an empty quoted word counts
    size_t i = 0;
    for (; i < text.size() && (quote != 0 || !(is_blank(text[i]) || text[i] == '\n')); ++i) {
      const char c = text[i];
      if (quote != 0 && c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
        quoted = true;
      } else if (c == escape) {
        if (i + 1 == text.size()) {
          quote = 0;  // an escape at the end escapes nothing
        } else {
          word += text[++i];
        }
      } else {
        word += c;
      }
    }
    text.remove_prefix(i);
    if (word == "--") {
      result.rest = text;
      return result;
    }
    if (quoted || !word.empty()) result.flags.push_back(std::move(word));
  }
}

// Words at white space; quotes and escapes stay in them.
std::vector<std::string> quoted_words(std::string_view text, char escape) {
  enum class State { Space, Word, Quote };
  std::vector<std::string> words;
  State state = State::Space;
  std::string word;
  char32_t quote = 0;
  bool quoted = false;
  const auto end_word = [&] {
    if (quoted || !word.empty()) words.push_back(std::move(word));
    word.clear();
    quoted = false;
  };
  while (!text.empty()) {
    const auto [c, width] = decode_character(text);
    const std::string_view character = text.substr(0, width);
    text.remove_prefix(width);
    if (state != State::Quote && is_unicode_space(c)) {
      if (state == State::Word) end_word();
      state = State::Space;
      continue;
    }
    if (state == State::Space) state = State::Word;
    if (state == State::Word && (c == '\'' || c == '"')) {
      quote = c;
      quoted = true;
      state = State::Quote;
    } else if (state == State::Quote && c == quote) {
      state = State::Word;
    } else if (c == static_cast<unsigned char>(escape) &&
               !(state == State::Quote && quote == '\'')) {
      if (text.empty()) break;  // an escape at the end escapes nothing
      const size_t escaped = decode_character(text).width;
      word += character;
      word += text.substr(0, escaped);
      text.remove_prefix(escaped);
      continue;
    }
    word += character;
  }
  if (state != State::Space) end_word();
  return words;
}

std::vector<Argument> arguments(std::vector<std::string> values) {
  std::vector<Argument> args;
  for (std::string& value : values) args.push_back({std::move(value), {}});
  return args;
}

std::vector<Argument> whole(std::string_view text) {
  if (text.empty()) return {};
  return {{std::string(text), {}}};
}

std::vector<Argument> split_at_blanks(std::string_view text) {
  std::vector<Argument> args;
  if (text.empty()) return args;
  for (std::optional<std::string_view> rest = text; rest;) {
    const auto [word, after] = cut_at_blanks(*rest);
    args.push_back({std::string(word), {}});
    rest = after;
  }
  return args;
}

// ENV and LABEL: three arguments a pair (name, value, "=" or "" for the old form).
Result<std::vector<Argument>> pairs(std::string_view text, std::string_view instruction,
                                    char escape) {
  const std::vector<std::string> words = quoted_words(text, escape);
  if (words.empty()) return std::vector<Argument>();
  std::vector<std::string> values;
  if (!words[0].contains('=')) {
    const auto [name, value] = cut_at_blanks(text);
    if (!value) {
      return make_error(ErrorCode::InvalidInput, "{} must have two arguments", instruction);
    }
    values = {std::string(name), std::string(*value), ""};
    return arguments(std::move(values));
  }
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      return make_error(ErrorCode::InvalidInput,
                        "Syntax error - can't find = in {}. Must be of the form: name=value",
                        go_quote(word));
    }
    values.insert(values.end(), {word.substr(0, equals), word.substr(equals + 1), "="});
  }
  return arguments(std::move(values));
}

// Fills in the arguments where they are a JSON array of strings; false where they are text.
Result<bool> take_json(std::string_view text, Node& node) {
  JsonArray array = parse_json_array(text);
  if (array.kind == JsonArray::Kind::Mixed) {
    return Error(ErrorCode::InvalidInput,
                 "when using JSON array syntax, arrays must be comprised of strings only");
  }
  if (array.kind == JsonArray::Kind::NotAnArray) return false;
  node.args = arguments(std::move(array.strings));
  node.json = true;
  return true;
}

Status parse_healthcheck(std::string_view text, Node& node) {
  if (text.empty()) return {};
  const size_t end = std::min(text.find_first_of(" \t\n\v\f\r"), text.size());
  std::string type(text.substr(0, end));
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r", end), text.size()));
  if (!TRY(take_json(text, node))) node.args = whole(text);
  node.args.insert(node.args.begin(), Argument{std::move(type), {}});
  return {};
}

Result<Node> parse_line_at(std::string_view line, char escape, int depth);

Status parse_arguments(std::string_view text, char escape, int depth, Node& node) {
  const std::string name = to_lower(node.name);
  if (name == "add" || name == "copy" || name == "volume") {
    if (!TRY(take_json(text, node))) node.args = split_at_blanks(text);
  } else if (name == "run" || name == "cmd" || name == "entrypoint" || name == "shell") {
    if (!TRY(take_json(text, node))) node.args = whole(text);
  } else if (name == "arg") {
    node.args = arguments(quoted_words(text, escape));
  } else if (name == "env" || name == "label") {
    node.args = TRY(pairs(text, name == "env" ? "ENV" : "LABEL", escape));
  } else if (name == "expose" || name == "from") {
    node.args = split_at_blanks(text);
  } else if (name == "maintainer" || name == "stopsignal" || name == "user" || name == "workdir") {
    node.args = whole(text);
  } else if (name == "healthcheck") {
    TRY(parse_healthcheck(text, node));
  } else if (name == "onbuild") {
    if (!text.empty()) node.args.push_back({"", {TRY(parse_line_at(text, escape, depth + 1))}});
  } else {
    node.args = {{"", {}}};  // an unknown instruction: its arguments mean nothing yet
  }
  return {};
}

Result<Node> parse_line_at(std::string_view line, char escape, int depth) {
  if (depth > kMaxDepth) {
    return Error(ErrorCode::InvalidInput, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  }
  Node node;
  node.source = line;
  const auto [name, rest] = cut_at_blanks(trim_unicode(line));
  node.name = name;
  std::string_view text;
  if (rest) {
    Flags flags = take_flags(*rest, escape);
    node.flags = std::move(flags.flags);
    text = flags.rest;
  }
  TRY(parse_arguments(trim_unicode(text), escape, depth, node));
  return node;
}

}  // namespace

Result<Node> parse_line(std::string_view line, char escape) {
  return parse_line_at(line, escape, 0);
}

bool takes_heredocs(const Node& node) {
  const bool wraps =
      to_lower(node.name) == "onbuild" && !node.args.empty() && !node.args[0].instruction.empty();
  const Node& inner = wraps ? node.args[0].instruction[0] : node;
  const std::string name = to_lower(inner.name);
  return (name == "add" || name == "copy" || name == "run") && !inner.json;
}

}  // namespace slipway::dockerfile
