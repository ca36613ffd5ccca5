// A body: what a file or a block holds, as attributes and blocks. Which of them it has depends, in
// JSON, on what is asked for: {"target": {...}} is a block of target for who knows such blocks.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/source.h"

namespace slipway::hcl {

struct Attribute {
  std::string name;
  std::shared_ptr<const Expression> expression;  // shared with the body it comes from
  Range range;
  Range name_range;
};

class Body;

struct Block {
  std::string type;
  std::vector<std::string> labels;
  std::vector<Range> label_ranges;
  Range range;                       // of its head
  std::shared_ptr<const Body> body;  // shared with the file it comes from
};

struct BlockSchema {
  std::string type;
  size_t labels = 0;
};

struct Schema {
  std::vector<std::string> attributes;
  std::set<std::string> required;
  std::vector<BlockSchema> blocks;

  bool has_attribute(std::string_view name) const;
  const BlockSchema* block(std::string_view type) const;
};

struct Content {
  std::map<std::string, Attribute> attributes;
  std::vector<Block> blocks;  // in the order of the file

  const Attribute* find(const std::string& name) const;
};

class Body {
 public:
  virtual ~Body() = default;

  // What the schema names; the rest is not looked at.
  virtual Result<Content> content(const Schema& schema) const = 0;
  // An error where the body has anything else.
  virtual Status check_nothing_else(const Schema& schema) const = 0;
  // All attributes but those of these names.
  virtual Result<std::map<std::string, Attribute>> attributes_except(
      const std::set<std::string>& names) const = 0;
  // The names of attributes and blocks, for who wants to know what the schema lacks.
  virtual std::vector<std::pair<std::string, Range>> names() const = 0;
  // Where something missing would have to stand.
  virtual Range missing_range() const = 0;
};

// Reads a file in HCL's native syntax, or in its JSON syntax.
Result<std::shared_ptr<const Body>> parse_hcl_body(std::string_view text, const std::string& file);
Result<std::shared_ptr<const Body>> parse_json_body(std::string_view text, const std::string& file);

}  // namespace slipway::hcl
