// JSON with positions: HCL's JSON syntax, and what jsondecode and typed variables read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/source.h"

namespace slipway::hcl {

struct JsonMember;

struct JsonNode {
  enum class Kind { Null, Bool, Number, String, Array, Object };
  Kind kind = Kind::Null;
  std::string text;  // of a string, decoded; of a number, as written
  bool truth = false;
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;  // in the order written, repetitions included
  Range range;
  Range open_range;  // of the "{" or "["; of other values: all of it

  bool is(Kind other) const { return kind == other; }
};

struct JsonMember {
  std::string name;
  Range name_range;
  JsonNode value;
};

Result<JsonNode> parse_json(std::string_view text, std::shared_ptr<const std::string> file);

}  // namespace slipway::hcl
