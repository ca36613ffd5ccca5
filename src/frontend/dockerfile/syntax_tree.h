// The syntax tree of a Dockerfile, shaped as BuildKit's parser shapes it (its dump is compared with
// theirs, node by node).
#pragma once

#include <string>
#include <vector>

#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

struct Heredoc {
  std::string name;
  std::string content;  // as written, not chomped
  unsigned file_descriptor = 0;
  bool expand = true;  // the word was not quoted
  bool chomp = false;  // "<<-"
};

// One argument of an instruction; of ONBUILD, the instruction it holds.
struct Node;
struct Argument {
  std::string value;
  std::vector<Node> instruction;  // empty, or one
};

// One instruction.
struct Node {
  std::string name;                // as written
  std::vector<std::string> flags;  // "--link", "--from=x", quotes removed
  std::vector<Argument> args;
  bool json = false;  // the arguments came as a JSON array
  std::vector<Heredoc> heredocs;
  std::string source;  // the line, continuations joined
  int first_line = 0;
  int last_line = 0;
  std::vector<std::string> comments;
};

struct SyntaxTree {
  std::vector<Node> instructions;
  std::vector<Directive> directives;
  char escape = '\\';
  std::vector<ParseWarning> warnings;
};

// The tree as S-expressions: the text of BuildKit's Node.Dump().
std::string dump(const SyntaxTree& tree);

}  // namespace slipway::dockerfile
