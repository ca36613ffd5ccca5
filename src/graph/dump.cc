// The JSON of `buildctl debug dump-llb`: protobuf names, empty values left out, one op a line.
#include <cstdint>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "base/base64.h"
#include "base/check.h"
#include "graph/ops.pb.h"
#include "graph/proto.h"

namespace slipway::graph {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        // As Go's encoder: safe inside HTML.
        if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

// Members of one JSON object, in the order they are added.
class Object {
 public:
  void add(std::string_view name, std::string_view json) {
    text_ += fmt::format("{}{}:{}", text_.size() > 1 ? "," : "", quote(name), json);
  }
  std::string str() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

std::string to_json(const Message& message);

// `index` is that of a repeated field's element, or -1.
std::string field_value(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const auto get = [&](auto single, auto repeated) {
    return index < 0 ? (reflection.*single)(message, &field)
                     : (reflection.*repeated)(message, &field, index);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::to_string(get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = get(&Reflection::GetString, &Reflection::GetRepeatedString);
      return field.type() == FieldDescriptor::TYPE_BYTES ? quote(encode_base64(text)) : quote(text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(index < 0 ? reflection.GetMessage(message, &field)
                               : reflection.GetRepeatedMessage(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      break;  // ops.proto has none
  }
  CHECK(false);
}

std::string map_value(const Message& message, const FieldDescriptor& field) {
  std::map<std::string, std::string> sorted;
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    sorted[entry.GetReflection()->GetString(entry, &key)] = field_value(entry, value, -1);
  }
  Object object;
  for (const auto& [name, json] : sorted) object.add(name, json);
  return object.str();
}

std::string list_value(const Message& message, const FieldDescriptor& field) {
  std::string list = "[";
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    list += (i > 0 ? "," : "") + field_value(message, field, i);
  }
  return list + "]";
}

bool is_set(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                             : reflection.HasField(message, &field);
}

// Go's struct wraps a oneof in an object of its own: {"op":{"exec":{}}} is "Op":{"exec":{}}.
std::string oneof_name(const FieldDescriptor& field) {
  const std::string& name = field.containing_oneof()->name();
  if (name == "op") return "Op";
  if (name == "user") return "User";
  return "Action";
}

std::string to_json(const Message& message) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  Object object;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    // Indices of a file action are printed even when they are 0.
    const bool always = type.name() == "FileAction" && field.containing_oneof() == nullptr;
    if (!always && !is_set(message, field)) continue;
    if (field.is_map()) {
      object.add(field.name(), map_value(message, field));
    } else if (field.is_repeated()) {
      object.add(field.name(), list_value(message, field));
    } else if (field.containing_oneof() != nullptr) {
      Object wrapped;
      wrapped.add(field.name() == "byID" ? "byId" : field.name(), field_value(message, field, -1));
      object.add(oneof_name(field), wrapped.str());
    } else {
      object.add(field.name(), field_value(message, field, -1));
    }
  }
  if (type.name() == "Op" && static_cast<const pb::Op&>(message).op_case() == pb::Op::OP_NOT_SET) {
    object.add("Op", "{}");
  }
  return object.str();
}

}  // namespace

std::string dump_json(const Definition& definition) {
  pb::Definition wire;
  CHECK(wire.ParseFromString(marshal(definition)));
  std::string lines;
  for (const std::string& bytes : wire.def()) {
    pb::Op op;
    CHECK(op.ParseFromString(bytes));
    const std::string digest = Digest::sha256_of(bytes).str();
    Object line;
    line.add("Op", to_json(op));
    line.add("Digest", quote(digest));
    line.add("OpMetadata", to_json(wire.metadata().at(digest)));
    lines += line.str() + "\n";
  }
  return lines;
}

}  // namespace slipway::graph
