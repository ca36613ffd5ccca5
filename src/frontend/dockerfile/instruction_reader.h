// One node of the syntax tree -> one typed instruction. Internal to the instruction parser.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/syntax_tree.h"

namespace slipway::dockerfile {

// What an instruction is made of. The arguments of ONBUILD are its trigger's words, flattened.
struct Request {
  const Node& node;
  InstructionInfo info;
  std::vector<std::string> args;
};

Request request_of(const Node& node, std::string_view file);

// Any instruction but FROM. Errors carry no span.
Result<Instruction> read_instruction(const Node& node, std::string_view file);

// "# NAME what it is" among the comments above: "what it is".
std::string doc_comment(const std::vector<std::string>& comments, std::string_view name);

std::string to_upper(std::string_view text);  // ASCII

}  // namespace slipway::dockerfile
