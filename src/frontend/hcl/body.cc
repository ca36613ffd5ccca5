#include "frontend/hcl/body.h"

#include <algorithm>
#include <utility>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/hcl/parser.h"

namespace slipway::hcl {
namespace {

std::vector<std::string> all_names(const Schema& schema) {
  std::vector<std::string> names = schema.attributes;
  for (const BlockSchema& block : schema.blocks) names.push_back(block.type);
  return names;
}

class Native : public Body {
 public:
  explicit Native(NativeBody body) : body_(std::move(body)) {
    for (NativeBlock& block : body_.blocks) {
      blocks_.push_back({block.type, block.labels, block.label_ranges, block.header_range,
                         std::make_shared<Native>(std::move(block.body))});
    }
  }

  Result<Content> content(const Schema& schema) const override {
    Content content;
    for (const NativeAttribute& attribute : body_.attributes) {
      if (schema.has_attribute(attribute.name)) add(attribute, content.attributes);
    }
    for (const Block& block : blocks_) {
      const BlockSchema* expected = schema.block(block.type);
      if (expected == nullptr) continue;
      if (block.labels.size() > expected->labels) {
        return error_at(block.label_ranges[expected->labels], "a {} block has {}", block.type,
                        expected->labels == 0 ? "no name" : "one name");
      }
      if (block.labels.size() < expected->labels) {
        return error_at(block.range, "a {} block must have a name: {} \"NAME\" {{", block.type,
                        block.type);
      }
      content.blocks.push_back(block);
    }
    for (const std::string& name : schema.required) {
      if (content.find(name) == nullptr) {
        return error_at(missing_range(), "the argument {} is required", go_quote(name));
      }
    }
    return content;
  }

  Status check_nothing_else(const Schema& schema) const override {
    for (const auto& [name, range] : names()) {
      if (schema.has_attribute(name) || schema.block(name) != nullptr) continue;
      return error_at(range, "{} is not known here{}", go_quote(name),
                      did_you_mean(name, all_names(schema)));
    }
    return {};
  }

  Result<std::map<std::string, Attribute>> attributes_except(
      const std::set<std::string>& names) const override {
    std::map<std::string, Attribute> attributes;
    for (const NativeAttribute& attribute : body_.attributes) {
      if (!names.contains(attribute.name)) add(attribute, attributes);
    }
    return attributes;
  }

  std::vector<std::pair<std::string, Range>> names() const override {
    std::vector<std::pair<std::string, Range>> names;
    for (const NativeAttribute& each : body_.attributes)
      names.emplace_back(each.name, each.name_range);
    for (const Block& block : blocks_) names.emplace_back(block.type, block.range);
    return names;
  }

  Range missing_range() const override {
    return {body_.range.file, body_.range.start, body_.range.start};
  }

 private:
  static void add(const NativeAttribute& attribute, std::map<std::string, Attribute>& to) {
    to.emplace(attribute.name, Attribute{attribute.name, attribute.expression, attribute.range,
                                         attribute.name_range});
  }

  NativeBody body_;
  std::vector<Block> blocks_;
};

}  // namespace

bool Schema::has_attribute(std::string_view name) const {
  return std::find(attributes.begin(), attributes.end(), name) != attributes.end();
}

const BlockSchema* Schema::block(std::string_view type) const {
  const auto found = std::find_if(blocks.begin(), blocks.end(),
                                  [&](const BlockSchema& each) { return each.type == type; });
  return found == blocks.end() ? nullptr : &*found;
}

const Attribute* Content::find(const std::string& name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? nullptr : &found->second;
}

Result<std::shared_ptr<const Body>> parse_hcl_body(std::string_view text, const std::string& file) {
  NativeBody body = TRY(parse_native(text, std::make_shared<const std::string>(file)));
  return std::shared_ptr<const Body>(std::make_shared<Native>(std::move(body)));
}

}  // namespace slipway::hcl
