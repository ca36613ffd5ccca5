// HCL's JSON syntax: bodies are objects, or arrays of objects whose members come together.
#include <utility>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/hcl/body.h"
#include "frontend/hcl/json_document.h"
#include "frontend/hcl/parser.h"

namespace slipway::hcl {
namespace {

constexpr std::string_view kComment = "//";  // a member of that name is one

ExpressionPtr text_expression(const std::string& text, const Range& range) {
  JsonText node;
  node.text = text;
  // Behind the quote; escapes in the string shift the columns after them.
  const Position start{range.start.line, range.start.column + 1};
  Result<ExpressionPtr> as_template = parse_template(text, range.file, start);
  if (as_template) {
    node.as_template = *std::move(as_template);
  } else {
    node.template_error = std::move(as_template).error();
  }
  if (Result<ExpressionPtr> expression = parse_expression(text, range.file, range.start)) {
    node.as_expression = *std::move(expression);
  }
  return make_expression(std::move(node), range);
}

Result<ExpressionPtr> to_expression(const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::Null:
      return make_expression(Literal{Value()}, node.range);
    case JsonNode::Kind::Bool:
      return make_expression(Literal{Value::boolean(node.truth)}, node.range);
    case JsonNode::Kind::Number: {
      std::optional<Number> number = Number::parse(node.text);
      if (!number) return error_at(node.range, "the number is out of range");
      return make_expression(Literal{Value::number(std::move(*number))}, node.range);
    }
    case JsonNode::Kind::String:
      return text_expression(node.text, node.range);
    case JsonNode::Kind::Array: {
      TupleLiteral tuple;
      for (const JsonNode& item : node.items) {
        ExpressionPtr element = TRY(to_expression(item));
        tuple.elements.push_back(std::move(element));
      }
      return make_expression(std::move(tuple), node.range);
    }
    case JsonNode::Kind::Object:
      break;
  }
  JsonObject object;
  for (const JsonMember& member : node.members) {
    ExpressionPtr value = TRY(to_expression(member.value));
    object.items.push_back({text_expression(member.name, member.name_range), std::move(value)});
  }
  return make_expression(std::move(object), node.range);
}

Result<Attribute> to_attribute(const JsonMember& member) {
  ExpressionPtr expression = TRY(to_expression(member.value));
  return Attribute{member.name, std::move(expression),
                   range_between(member.name_range, member.value.range), member.name_range};
}

// The members of an object, or of all objects of an array.
Result<std::vector<const JsonMember*>> members_of(const JsonNode& node) {
  std::vector<const JsonMember*> members;
  const auto add = [&](const JsonNode& object) -> Status {
    if (!object.is(JsonNode::Kind::Object))
      return error_at(object.open_range, "an object is required here");
    for (const JsonMember& member : object.members) members.push_back(&member);
    return {};
  };
  if (node.is(JsonNode::Kind::Null)) return members;
  if (!node.is(JsonNode::Kind::Array)) {
    TRY(add(node));
    return members;
  }
  for (const JsonNode& item : node.items) TRY(add(item));
  return members;
}

class Json : public Body {
 public:
  // `owner` keeps the document that `node` is part of.
  Json(std::shared_ptr<const JsonNode> owner, const JsonNode& node)
      : owner_(std::move(owner)), node_(node) {}

  Result<Content> content(const Schema& schema) const override {
    Content content;
    for (const JsonMember* member : TRY(members_of(node_))) {
      if (schema.has_attribute(member->name)) {
        Attribute attribute = TRY(to_attribute(*member));
        if (!content.attributes.emplace(member->name, std::move(attribute)).second) {
          return error_at(member->name_range, "{} is set twice", member->name);
        }
      } else if (const BlockSchema* block = schema.block(member->name)) {
        TRY(add_blocks(member->value, *block, *member, {}, {}, content.blocks));
      }
    }
    for (const std::string& name : schema.required) {
      if (content.find(name) == nullptr) {
        return error_at(missing_range(), "the argument {} is required", go_quote(name));
      }
    }
    return content;
  }

  Status check_nothing_else(const Schema& schema) const override {
    std::vector<std::string> known = schema.attributes;
    for (const BlockSchema& block : schema.blocks) known.push_back(block.type);
    for (const auto& [name, range] : names()) {
      if (schema.has_attribute(name) || schema.block(name) != nullptr) continue;
      return error_at(range, "{} is not known here{}", go_quote(name), did_you_mean(name, known));
    }
    return {};
  }

  Result<std::map<std::string, Attribute>> attributes_except(
      const std::set<std::string>& names) const override {
    if (!node_.is(JsonNode::Kind::Object)) {
      return error_at(node_.open_range, "an object is required here");
    }
    std::map<std::string, Attribute> attributes;
    for (const JsonMember& member : node_.members) {
      if (member.name == kComment || names.contains(member.name)) continue;
      Attribute attribute = TRY(to_attribute(member));
      // buildx takes the first one and says nothing.
      attributes.emplace(member.name, std::move(attribute));
    }
    return attributes;
  }

  std::vector<std::pair<std::string, Range>> names() const override {
    std::vector<std::pair<std::string, Range>> names;
    const Result<std::vector<const JsonMember*>> members = members_of(node_);
    if (!members) return names;
    for (const JsonMember* member : *members) {
      if (member->name != kComment) names.emplace_back(member->name, member->name_range);
    }
    return names;
  }

  Range missing_range() const override { return node_.open_range; }

 private:
  // Peels the labels off: {"LABEL": {...}}.
  Status add_blocks(const JsonNode& node, const BlockSchema& schema, const JsonMember& type,
                    std::vector<std::string> labels, std::vector<Range> label_ranges,
                    std::vector<Block>& blocks) const {
    if (labels.size() < schema.labels) {
      const std::vector<const JsonMember*> members = TRY(members_of(node));
      if (members.empty()) {
        return error_at(node.open_range, "an object with the names of {} blocks is required",
                        schema.type);
      }
      labels.emplace_back();
      label_ranges.emplace_back();
      for (const JsonMember* member : members) {
        labels.back() = member->name;
        label_ranges.back() = member->name_range;
        TRY(add_blocks(member->value, schema, type, labels, label_ranges, blocks));
      }
      return {};
    }
    const auto add = [&](const JsonNode& body) {
      blocks.push_back({schema.type, labels, label_ranges, node.open_range,
                        std::make_shared<Json>(owner_, body)});
    };
    if (node.is(JsonNode::Kind::Object)) {
      add(node);
    } else if (node.is(JsonNode::Kind::Array)) {
      for (const JsonNode& item : node.items) add(item);
    } else if (!node.is(JsonNode::Kind::Null)) {
      return error_at(node.open_range, "an object (or an array of them) is required for a {} block",
                      schema.type);
    }
    return {};
  }

  std::shared_ptr<const JsonNode> owner_;  // shared by all bodies of the document
  const JsonNode& node_;
};

}  // namespace

Result<std::shared_ptr<const Body>> parse_json_body(std::string_view text,
                                                    const std::string& file) {
  JsonNode node = TRY(parse_json(text, std::make_shared<const std::string>(file)));
  const auto document = std::make_shared<const JsonNode>(std::move(node));
  if (!document->is(JsonNode::Kind::Object) && !document->is(JsonNode::Kind::Array)) {
    return error_at(document->open_range, "the file must hold an object");
  }
  return std::shared_ptr<const Body>(std::make_shared<Json>(document, *document));
}

}  // namespace slipway::hcl
