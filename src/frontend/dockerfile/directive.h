// Parser directives: "# syntax=docker/dockerfile:1" and its kin at the top of a Dockerfile.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

// Reads directives line by line; the first line that is none ends them. Each may stand once.
class DirectiveReader {
 public:
  explicit DirectiveReader(std::string comment_mark = "#")
      : comment_mark_(std::move(comment_mark)) {}

  // The directive on this line, if it is one. The span's file is left empty.
  Result<std::optional<Directive>> read(std::string_view line, int line_number);

 private:
  std::string comment_mark_;
  std::set<std::string> seen_;
  bool done_ = false;
};

// The value of directive `name` in a Dockerfile, from its "#" comments.
std::optional<Directive> find_directive(std::string_view text, std::string_view name);

// The frontend that a file asks for: "# syntax=", "// syntax=" or a JSON object's "syntax", after
// an optional "#!" line. The whole value; its first word is the image.
std::optional<Directive> find_syntax(std::string_view text);

}  // namespace slipway::dockerfile
