#include "frontend/dockerfile/advice/shell_script.h"

#include <algorithm>

#include "base/text.h"
#include "frontend/dockerfile/heredoc.h"

namespace slipway::dockerfile {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

template <size_t N>
bool is_one_of(std::string_view word, const std::string_view (&list)[N]) {
  return std::ranges::find(list, word) != std::end(list);
}

// Cuts a script into commands of words.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  bool run() {
    while (at_ < text_.size() && understood_) step();
    end_command();
    return understood_;
  }
  std::vector<std::vector<std::string>> take() { return std::move(commands_); }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void step() {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
      end_word();
    } else if (c == '&' && peek(1) == '>') {
      ++at_;  // "&> file"
      redirection();
    } else if (c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      ++at_;
      end_command();
    } else if (c == '>' || c == '<') {
      redirection();
    } else if (c == '#' && !in_word_) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      word_part();
    }
  }

  void word_part() {
    const char c = text_[at_++];
    if (c == '\\' && peek() == '\n') {
      ++at_;  // the line goes on
      return;
    }
    in_word_ = true;
    if (c == '\\') {
      if (peek() != '\0') word_ += peek();
      ++at_;
    } else if (c == '\'') {
      quoted_ = true;
      const size_t end = text_.find('\'', at_);
      understood_ = end != std::string_view::npos;
      word_ += text_.substr(at_, end - at_);
      at_ = end + 1;
    } else if (c == '"') {
      double_quoted();
    } else if (c == '$' && peek() == '(') {
      word_ += '$';
      nested('(', ')');
    } else if (c == '`') {
      const size_t end = text_.find('`', at_);
      understood_ = end != std::string_view::npos;
      word_ += "`" + std::string(text_.substr(at_, end - at_)) + "`";
      at_ = end + 1;
    } else {
      word_ += c;
    }
  }

  void double_quoted() {
    quoted_ = true;
    for (; at_ < text_.size() && text_[at_] != '"';) {
      const char c = text_[at_++];
      if (c == '\\' && std::string_view("\"\\$`\n").contains(peek())) {
        if (peek() != '\n') word_ += peek();
        ++at_;
      } else if (c == '$' && peek() == '(') {
        word_ += '$';
        nested('(', ')');
      } else {
        word_ += c;
      }
    }
    understood_ = understood_ && at_ < text_.size();
    ++at_;
  }

  // "$( ... )" as written; quotes inside it do not matter for finding its end here.
  void nested(char open, char close) {
    int depth = 0;
    do {
      if (at_ >= text_.size()) {
        understood_ = false;
        return;
      }
      const char c = text_[at_++];
      if (c == open) ++depth;
      if (c == close) --depth;
      word_ += c;
    } while (depth > 0);
  }

  // "2>&1", "> file", "< file": nothing of it is an argument.
  void redirection() {
    if (in_word_ && word_.find_first_not_of("0123456789") == std::string::npos) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    const char kind = text_[at_++];
    if (kind == '<' && (peek() == '<' || peek() == '(')) understood_ = false;
    if (kind == '>' && peek() == '(') understood_ = false;
    while (peek() == '>' || peek() == '&' || peek() == '|') ++at_;
    while (peek() == ' ' || peek() == '\t') ++at_;
    skip_word_ = true;
  }

  void end_word() {
    if (!in_word_ && !quoted_) return;
    if (!std::exchange(skip_word_, false)) words_.push_back(word_);
    word_.clear();
    in_word_ = quoted_ = false;
  }

  void end_command() {
    end_word();
    skip_word_ = false;
    if (!words_.empty()) commands_.push_back(std::exchange(words_, {}));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  bool quoted_ = false;     // an empty quoted word counts
  bool skip_word_ = false;  // it names a redirection's file
  bool understood_ = true;
  std::vector<std::string> words_;
  std::vector<std::vector<std::string>> commands_;
};

// "sh -c SCRIPT": the script.
std::optional<std::string> script_of(const std::vector<std::string>& words) {
  if (words.size() < 3 || !is_posix_shell(words[0])) return std::nullopt;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (!words[i].starts_with('-')) return std::nullopt;
    if (words[i].ends_with('c')) return words[i + 1];
  }
  return std::nullopt;
}

class Script {
 public:
  bool add(std::string_view text, int depth = 0) {
    Tokenizer tokens(text);
    if (depth > 4 || !tokens.run()) return false;
    for (std::vector<std::string>& words : tokens.take()) {
      if (!add_command(std::move(words), depth)) return false;
    }
    return true;
  }
  std::vector<ShellCommand> take() { return std::move(commands_); }

 private:
  bool add_command(std::vector<std::string> words, int depth) {
    constexpr std::string_view kBefore[] = {"if",      "then", "else",  "elif", "do",   "while",
                                            "until",   "!",    "{",     "}",    "time", "exec",
                                            "command", "sudo", "nohup", "env",  "eval"};
    constexpr std::string_view kNone[] = {"for",  "case", "select",  "fi",
                                          "done", "esac", "function"};
    ShellCommand command{{}, exported_};
    size_t first = 0;
    for (; first < words.size(); ++first) {
      const std::string& word = words[first];
      const size_t equals = word.find('=');
      if (equals != std::string::npos && is_name(std::string_view(word).substr(0, equals))) {
        command.environment[word.substr(0, equals)] = word.substr(equals + 1);
      } else if (!is_one_of(word, kBefore)) {
        break;
      }
    }
    words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(first));
    if (words.empty() || is_one_of(words[0], kNone)) return true;
    if (words[0] == "export") {
      for (const std::string& word : words) {
        const size_t equals = word.find('=');
        if (equals != std::string::npos)
          exported_[word.substr(0, equals)] = word.substr(equals + 1);
      }
      return true;
    }
    if (const auto script = script_of(words)) return add(*script, depth + 1);
    command.words = std::move(words);
    commands_.push_back(std::move(command));
    return true;
  }

  std::vector<ShellCommand> commands_;
  std::map<std::string, std::string> exported_;
};

}  // namespace

bool is_posix_shell(std::string_view program) {
  constexpr std::string_view kShells[] = {"sh", "bash", "ash", "dash", "zsh"};
  return is_one_of(base_name(program), kShells);
}

std::optional<std::vector<ShellCommand>> parse_shell(std::string_view script) {
  Script parsed;
  if (!parsed.add(script)) return std::nullopt;
  return parsed.take();
}

std::string whole_text(const RunInstruction& run) {
  std::string text = run.info.source;
  for (const InlineFile& file : run.command.files) text += "\n" + file.data;
  return text;
}

std::optional<std::vector<ShellCommand>> commands_of(const RunInstruction& run) {
  const CommandLine& line = run.command;
  if (line.args.empty()) return std::nullopt;
  if (!line.prepend_shell) {
    if (const auto script = script_of(line.args)) return parse_shell(*script);
    return std::vector<ShellCommand>{{line.args, {}}};
  }
  if (line.files.empty()) return parse_shell(line.args[0]);
  const auto heredoc = parse_heredoc_word(line.args[0]);
  if (!heredoc || !*heredoc) return std::nullopt;
  const InlineFile& file = line.files.front();
  const std::string script = file.chomp ? chomp_heredoc(file.data) : file.data;
  if (script.starts_with("#!")) {
    const std::string interpreter = script.substr(2, script.find('\n') - 2);
    const std::vector<std::string> words = split(trim(interpreter), ' ');
    if (!is_posix_shell(words.front()) && !(words.size() > 1 && is_posix_shell(words[1])))
      return std::nullopt;
  }
  return parse_shell(script);
}

}  // namespace slipway::dockerfile
