#include "frontend/dockerfile/syntax_tree.h"

#include "base/text.h"
#include "base/unicode.h"

namespace slipway::dockerfile {
namespace {

std::string dump(const Node& node) {
  std::string text = to_lower(node.name);
  if (!node.flags.empty()) {
    text += " [";
    for (size_t i = 0; i < node.flags.size(); ++i) {
      if (i > 0) text += ' ';
      text += go_quote(node.flags[i]);
    }
    text += ']';
  }
  for (const Argument& argument : node.args) {
    text += ' ';
    if (argument.instruction.empty()) {
      text += go_quote(argument.value);
    } else {
      text += '(';
      text += dump(argument.instruction[0]);
      text += ')';
    }
  }
  return std::string(trim_unicode(text));
}

}  // namespace

std::string dump(const SyntaxTree& tree) {
  std::string text;
  for (const Node& node : tree.instructions) {
    if (!text.empty()) text += '\n';
    text += '(';
    text += dump(node);
    text += ')';
  }
  return text;
}

}  // namespace slipway::dockerfile
