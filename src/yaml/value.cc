#include "yaml/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/text.h"

namespace slipway::yaml {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxValues = 100'000;  // aliases of aliases multiply

// What yaml-cpp lets pass. It takes what is behind a document for another one without "---", some
// of it ("{a: 1}, b") for empty documents without end; and a quote that is not closed ends with the
// text.
class DocumentCheck : public YAML::EventHandler {
 public:
  explicit DocumentCheck(const std::string& text) : lines_(split(text, '\n')) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    const bool is_first = last_ < 0;
    const bool is_marked = line(mark.line).starts_with("---") || follows_end(mark.line);
    if (!is_first && (mark.pos <= last_ || !is_marked)) {
      throw YAML::ParserException(mark, "did not find expected document start");
    }
    last_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    last_scalar_ = mark;
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  // Whatever is not closed is the last scalar.
  void finish() const {
    const auto row = static_cast<size_t>(std::max(last_scalar_.line, 0));
    const auto column = static_cast<size_t>(std::max(last_scalar_.column, 0));
    if (row >= lines_.size() || column >= lines_[row].size()) return;
    const char quote = lines_[row][column];
    if (quote != '"' && quote != '\'') return;
    for (size_t i = row, at = column + 1; i < lines_.size(); ++i, at = 0) {
      for (; at < lines_[i].size(); ++at) {
        if (lines_[i][at] == quote) return;
        if (quote == '"' && lines_[i][at] == '\\') ++at;
      }
    }
    throw YAML::ParserException(last_scalar_, "the quote is not closed");
  }

 private:
  std::string_view line(int number) const {
    const auto index = static_cast<size_t>(std::max(number, 0));
    return index < lines_.size() ? std::string_view(lines_[index]) : std::string_view();
  }
  // After "..." a document needs no "---".
  bool follows_end(int number) const {
    while (--number > 0 && trim(line(number)).empty()) {
    }
    return line(number).starts_with("...");
  }

  std::vector<std::string> lines_;
  int last_ = -1;
  YAML::Mark last_scalar_;
};

void check_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCheck check(text);
  while (parser.HandleNextDocument(check)) {
  }
  check.finish();
}

class Converter {
 public:
  Converter(std::string_view text, const std::string& file)
      : lines_(split(text, '\n')), file_(file) {}

  Result<Value> convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth || ++count_ > kMaxValues) {
      return make_error(ErrorCode::InvalidInput, "read {}: nested or aliased too deeply", file_);
    }
    Value value;
    value.span = span_of(node);
    if (node.Tag() == "!reset") value.merge = Value::Merge::Reset;
    if (node.Tag() == "!override") value.merge = Value::Merge::Override;
    if (value.merge == Value::Merge::Reset) return value;  // what it holds does not matter
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        value.kind = Value::Kind::Scalar;
        value.text = node.Scalar();
        value.quoted = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str";
        break;
      case YAML::NodeType::Sequence:
        value.kind = Value::Kind::List;
        for (const YAML::Node& item : node) value.items.push_back(TRY(convert(item, depth + 1)));
        break;
      case YAML::NodeType::Map:
        value.kind = Value::Kind::Map;
        TRY(convert_members(node, depth, value));
        break;
    }
    return value;
  }

 private:
  SourceSpan span_of(const YAML::Node& node) const {
    const int line = node.Mark().line + 1;
    return {file_, std::max(line, 1), std::max(line, 1)};
  }

  Status convert_members(const YAML::Node& node, int depth, Value& value) {
    std::vector<Value> inherited;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) {
        return Error(ErrorCode::InvalidInput, "mapping keys have to be strings")
            .at(span_of(member.first));
      }
      const std::string name = member.first.Scalar();
      if (node.Style() == YAML::EmitterStyle::Block && member.second.IsNull() &&
          lacks_colon(member.first)) {
        return make_error(ErrorCode::InvalidInput, "yaml: could not find expected ':' after {}",
                          name)
            .at(span_of(member.first));
      }
      Value converted = TRY(convert(member.second, depth + 1));
      converted.span.first_line = span_of(member.first).first_line;
      if (name == "<<" && member.first.Tag() != "!") {
        inherited.push_back(std::move(converted));
      } else if (value.find(name) != nullptr) {
        return make_error(ErrorCode::InvalidInput, "mapping key \"{}\" already defined at line {}",
                          name, value.find(name)->span.first_line)
            .at(span_of(member.first));
      } else {
        value.members.emplace_back(name, std::move(converted));
      }
    }
    for (const Value& from : inherited) take_inherited(from, value);
    return {};
  }

  // yaml-cpp takes a line without a colon for a key with nothing behind it.
  bool lacks_colon(const YAML::Node& key) const {
    const YAML::Mark mark = key.Mark();
    const std::string& name = key.Scalar();
    if (key.Tag() != "?" || mark.is_null()) return false;  // quoted
    const auto line = static_cast<size_t>(mark.line);
    const auto column = static_cast<size_t>(mark.column);
    if (line >= lines_.size() || column > lines_[line].size() ||
        lines_[line].compare(column, name.size(), name) != 0) {
      return false;
    }
    if (trim(lines_[line].substr(0, column)).ends_with('?')) return false;  // "? key"
    return !trim(lines_[line].substr(column + name.size())).starts_with(':');
  }

  // Own members count before those that a merge key brings.
  static void take_inherited(const Value& from, Value& value) {
    for (const Value& item : from.items) take_inherited(item, value);
    for (const auto& [name, member] : from.members) {
      if (value.find(name) == nullptr) value.members.emplace_back(name, member);
    }
  }

  std::vector<std::string> lines_;
  const std::string& file_;
  size_t count_ = 0;
};

// "0o17", "0x1F", "0b1", "017", "1_000" as a decimal number.
std::optional<std::string> integer_text(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string digits;
  for (const char c : text.substr(negative || text.starts_with('+') ? 1 : 0)) {
    if (c != '_') digits += c;
  }
  int base = 10;
  std::string_view rest = digits;
  if (rest.size() > 2 && rest[0] == '0' && std::string_view("xob").contains(rest[1])) {
    base = rest[1] == 'x' ? 16 : rest[1] == 'o' ? 8 : 2;
    rest.remove_prefix(2);
  } else if (rest.size() > 1 && rest[0] == '0') {
    base = 8;
    rest.remove_prefix(1);
  }
  if (rest.empty()) return std::nullopt;
  uint64_t number = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number, base);
  if (read.ec != std::errc() || read.ptr != rest.data() + rest.size()) return std::nullopt;
  return (negative && number != 0 ? "-" : "") + std::to_string(number);
}

// As Go prints a float64: the shortest digits that read back the same, an exponent only where the
// number is very large or small.
std::string float_text(double number) {
  char buffer[64];
  const double size = std::fabs(number);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e21);
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, number,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  return std::string(buffer, written.ptr);
}

std::optional<std::string> number_text(std::string_view text) {
  if (text.empty() ||
      text.find_first_not_of("0123456789abcdefABCDEFxo_+-.") != std::string_view::npos) {
    return std::nullopt;
  }
  const char first = text[text.starts_with('-') || text.starts_with('+') ? 1 : 0];
  if (text.size() == 1 && !std::string_view("0123456789").contains(text[0])) return std::nullopt;
  if (!std::string_view("0123456789.").contains(first)) return std::nullopt;
  if (auto integer = integer_text(text)) return integer;
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  const std::string_view rest = std::string_view(digits).substr(digits.starts_with('+') ? 1 : 0);
  double number = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (read.ec != std::errc() || read.ptr != rest.data() + rest.size()) return std::nullopt;
  return float_text(number);
}

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

const Value* Value::find(std::string_view name) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

Value* Value::find(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).find(name));
}

void Value::set(std::string name, Value value) {
  if (Value* member = find(name)) {
    *member = std::move(value);
  } else {
    members.emplace_back(std::move(name), std::move(value));
  }
}

bool Value::operator==(const Value& other) const {
  return kind == other.kind && text == other.text && items == other.items &&
         members == other.members;
}

Value scalar(std::string text, SourceSpan span) {
  Value value;
  value.kind = Value::Kind::Scalar;
  value.text = std::move(text);
  value.quoted = true;
  value.span = std::move(span);
  return value;
}

Result<std::vector<Value>> parse_yaml(std::string_view text, const std::string& file) {
  try {
    Converter converter(text, file);
    std::vector<Value> documents;
    const std::string copy(text);
    check_documents(copy);
    for (const YAML::Node& document : YAML::LoadAll(copy)) {
      documents.push_back(TRY(converter.convert(document, 0)));
    }
    return documents;
  } catch (const YAML::Exception& error) {
    const int line = std::max(error.mark.line + 1, 1);
    return make_error(ErrorCode::InvalidInput, "yaml: line {}: {}", line, error.msg)
        .at({file, line, line});
  }
}

std::string scalar_text(const Value& value) {
  if (value.quoted) return value.text;
  if (value.text == "True" || value.text == "TRUE") return "true";
  if (value.text == "False" || value.text == "FALSE") return "false";
  return number_text(value.text).value_or(value.text);
}

}  // namespace slipway::yaml
