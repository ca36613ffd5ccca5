// HCL's native syntax: bodies of attributes and blocks, expressions, templates.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/source.h"

namespace slipway::hcl {

struct NativeBlock;

struct NativeAttribute {
  std::string name;
  std::shared_ptr<const Expression> expression;  // shared with the attributes made of this one
  Range range;
  Range name_range;
};

struct NativeBody {
  std::vector<NativeAttribute> attributes;  // no two of one name
  std::vector<NativeBlock> blocks;
  Range range;
};

struct NativeBlock {
  std::string type;
  Range type_range;
  std::vector<std::string> labels;
  std::vector<Range> label_ranges;
  Range header_range;
  NativeBody body;
};

// How deep expressions and blocks may nest.
inline constexpr int kDeepest = 200;

Result<NativeBody> parse_native(std::string_view source, std::shared_ptr<const std::string> file);

// A text that is one expression or one template as a whole; `start` is where it begins.
Result<ExpressionPtr> parse_expression(std::string_view source,
                                       std::shared_ptr<const std::string> file, Position start);
Result<ExpressionPtr> parse_template(std::string_view source,
                                     std::shared_ptr<const std::string> file, Position start);

}  // namespace slipway::hcl
