#include "cli/fields.h"

#include <charconv>

#include "base/text.h"
#include "base/values.h"

namespace slipway::cli {

Result<bake::Fields> parse_fields(std::string_view text) {
  bake::Fields fields;
  for (const std::string& field : TRY(parse_csv_line(text))) {
    if (field.empty()) continue;
    const size_t equals = field.find('=');
    fields[to_lower(field.substr(0, equals))] =
        equals == std::string::npos ? "true" : field.substr(equals + 1);
  }
  return fields;
}

Result<bake::Fields> parse_output(std::string_view text) {
  if (text == "-") return bake::Fields{{"type", "tar"}, {"dest", "-"}};
  if (text.find('=') == std::string_view::npos) {
    return bake::Fields{{"type", "local"}, {"dest", std::string(text)}};
  }
  bake::Fields fields = TRY(parse_fields(text));
  if (!fields.contains("type")) {
    return make_error(ErrorCode::InvalidInput, "output \"{}\": type is required", text)
        .with_hint("for instance: -o type=oci,dest=image.tar");
  }
  return fields;
}

Result<bake::Fields> parse_secret(std::string_view text) {
  bake::Fields fields = TRY(parse_fields(text));
  for (const auto& [from, to] : {std::pair("source", "src")}) {
    if (fields.contains(from)) {
      fields[to] = fields[from];
      fields.erase(from);
    }
  }
  if (!fields.contains("id") || fields["id"].empty()) {
    return make_error(ErrorCode::InvalidInput, "secret \"{}\": id is required", text)
        .with_hint("for instance: --secret id=token,src=token.txt or id=token,env=TOKEN");
  }
  for (const auto& [key, value] : fields) {
    if (key == "id" || key == "src" || key == "env" || key == "type") continue;
    return make_error(ErrorCode::InvalidInput, "secret \"{}\": unexpected key \"{}\"", text, key);
  }
  const std::string type = fields.contains("type") ? fields["type"] : "";
  if (!type.empty() && type != "file" && type != "env") {
    return make_error(ErrorCode::InvalidInput, "secret \"{}\": unsupported type \"{}\"", text,
                      type);
  }
  if (type == "env" && !fields.contains("env")) {
    fields["env"] = fields.contains("src") ? fields["src"] : fields["id"];
    fields.erase("src");
  }
  return fields;
}

Result<bake::Fields> parse_cache(std::string_view text) {
  if (text.find('=') == std::string_view::npos) {
    return bake::Fields{{"type", "registry"}, {"ref", std::string(text)}};
  }
  return parse_fields(text);
}

Result<bake::UlimitSpec> parse_ulimit(std::string_view text) {
  const size_t equals = text.find('=');
  const auto bad = [&] {
    return make_error(ErrorCode::InvalidInput, "ulimit \"{}\": want NAME=SOFT[:HARD]", text);
  };
  if (equals == std::string_view::npos) return bad();
  bake::UlimitSpec limit{.name = std::string(text.substr(0, equals))};
  const std::vector<std::string> values = split(text.substr(equals + 1), ':');
  if (values.size() > 2) return bad();
  const auto number = [](const std::string& digits, int64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!number(values[0], limit.soft)) return bad();
  limit.hard = limit.soft;
  if (values.size() == 2 && !number(values[1], limit.hard)) return bad();
  return limit;
}

Result<std::pair<std::string, std::string>> parse_host(std::string_view text) {
  size_t separator = text.find('=');
  if (separator == std::string_view::npos) separator = text.find(':');
  if (separator == std::string_view::npos || separator == 0 || separator + 1 == text.size()) {
    return make_error(ErrorCode::InvalidInput, "add-host \"{}\": want HOST:IP", text);
  }
  std::string_view ip = text.substr(separator + 1);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return std::pair(std::string(text.substr(0, separator)), std::string(ip));
}

}  // namespace slipway::cli
