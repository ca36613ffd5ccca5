#include "frontend/bake/listing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "oci/json_writer.h"

namespace slipway::bake {
namespace {

using Row = std::vector<std::string>;

template <typename... Args>
Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

// Columns at tab stops of eight, as buildx aligns them.
std::string table(const std::vector<Row>& rows) {
  constexpr size_t kTab = 8;
  std::vector<size_t> stops(rows[0].size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      const size_t width = decode_utf8(row[i]).size() + 1;
      stops[i] = std::max(stops[i], (width + kTab - 1) / kTab * kTab);
    }
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 == row.size()) break;
      const size_t missing = stops[i] - decode_utf8(row[i]).size();
      text.append((missing + kTab - 1) / kTab, '\t');
    }
    text += '\n';
  }
  return text;
}

struct Entry {
  std::string name;
  std::string description;
  bool group = false;
};

std::vector<Entry> entries_of(const Definitions& definitions) {
  std::vector<Entry> entries;
  for (const TargetDefinition& target : definitions.targets) {
    entries.push_back({target.name, target.description, false});
  }
  for (const Group& group : definitions.groups) {
    std::vector<std::string> members = group.targets;
    std::sort(members.begin(), members.end());
    std::string description = group.description;
    const std::string names = join(members, ", ");
    if (!names.empty())
      description = description.empty() ? names : description + " (" + names + ")";
    entries.push_back({group.name, description, true});
  }
  std::erase_if(entries, [](const Entry& entry) { return entry.name.starts_with('_'); });
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

std::string list_targets(const Definitions& definitions, bool as_json) {
  const std::vector<Entry> entries = entries_of(definitions);
  if (!as_json) {
    std::vector<Row> rows = {{"TARGET", "DESCRIPTION"}};
    for (const Entry& entry : entries) rows.push_back({entry.name, entry.description});
    return table(rows);
  }
  if (entries.empty()) return "null\n";
  JsonWriter json(2);
  json.begin_array();
  for (const Entry& entry : entries) {
    json.begin_object();
    json.key("name").string(entry.name);
    json.optional("description", entry.description);
    if (entry.group) json.key("group").boolean(true);
    json.end_object();
  }
  json.end_array();
  return json.take() + "\n";
}

std::string list_variables(const Definitions& definitions, bool as_json) {
  if (!as_json) {
    std::vector<Row> rows = {{"VARIABLE", "TYPE", "VALUE", "DESCRIPTION"}};
    for (const VariableSpec& variable : definitions.variables) {
      rows.push_back(
          {variable.name, variable.type, variable.value.value_or("<null>"), variable.description});
    }
    return table(rows);
  }
  JsonWriter json(2);
  json.begin_array();
  for (const VariableSpec& variable : definitions.variables) {
    json.begin_object();
    json.key("name").string(variable.name);
    json.optional("description", variable.description);
    json.optional("type", variable.type);
    if (variable.value) json.key("value").string(*variable.value);
    json.end_object();
  }
  json.end_array();
  return json.take() + "\n";
}

}  // namespace

Result<ListRequest> parse_list_request(std::string_view text) {
  const std::vector<std::string> fields = TRY(parse_csv_line(text).context("read --list"));
  std::string type;
  std::string format = "table";
  for (const std::string& field : fields) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos) {
      if (fields.size() > 1) return invalid("invalid value {}", field);
      type = field;
      break;
    }
    const std::string key = to_lower(trim_unicode(field.substr(0, equals)));
    if (key != "type" && key != "format") {
      return invalid("unexpected key '{}' in '{}'{}", key, field,
                     did_you_mean(key, {"type", "format"}));
    }
    (key == "type" ? type : format) = field.substr(equals + 1);
  }
  if (type != "targets" && type != "variables") {
    return invalid("invalid list type {}{}", go_quote(type),
                   did_you_mean(type, {"targets", "variables"}));
  }
  if (format != "table" && format != "json") {
    return invalid("invalid list format {}{}", go_quote(format),
                   did_you_mean(format, {"table", "json"}));
  }
  return ListRequest{type == "targets" ? ListRequest::Type::Targets : ListRequest::Type::Variables,
                     format == "json"};
}

std::string list(const Definitions& definitions, const ListRequest& request) {
  return request.type == ListRequest::Type::Targets ? list_targets(definitions, request.json)
                                                    : list_variables(definitions, request.json);
}

}  // namespace slipway::bake
