// Quotes and variables in Dockerfile words: BuildKit's rules, which resemble a POSIX shell's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::dockerfile {

using Environment = std::map<std::string, std::string, std::less<>>;

// From "NAME=value" entries; the last one of a name counts.
Environment environment_of(const std::vector<std::string>& entries);

struct ExpandedWord {
  std::string text;
  std::set<std::string> matched;    // variables that were asked for and have a value
  std::set<std::string> unmatched;  // variables that were asked for and have none
};

class ShellLexer {
 public:
  struct Options {
    char escape = '\\';
    bool raw_quotes = false;   // quotes stay in the result, and still quote
    bool raw_escapes = false;  // escapes stay in the result
    bool keep_quotes = false;  // quotes are ordinary characters
    bool skip_unset = false;   // a variable without value stays as written
  };

  ShellLexer() = default;
  explicit ShellLexer(Options options) : options_(options) {}

  // Expands variables and removes quotes: one word in, one word out.
  Result<ExpandedWord> expand(std::string_view text, const Environment& environment) const;
  // The variables without value that expand() asks for, up to a mistake where it finds one.
  std::set<std::string> unset_variables(std::string_view text,
                                        const Environment& environment) const;
  // The expanded text alone.
  Result<std::string> word(std::string_view text, const Environment& environment) const;
  // Splits at unquoted white space, after expansion.
  Result<std::vector<std::string>> words(std::string_view text,
                                         const Environment& environment) const;

 private:
  Options options_;
};

}  // namespace slipway::dockerfile
