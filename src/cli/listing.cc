#include "cli/listing.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "base/values.h"
#include "oci/json_writer.h"

namespace slipway::cli {
namespace {

constexpr size_t kGap = 3;

// Cells that a terminal needs: continuation bytes of UTF-8 take none.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// \t and \n as docker's templates have them.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    if (escape && text[i + 1] == 't') {
      result += '\t';
      ++i;
    } else if (escape && text[i + 1] == 'n') {
      result += '\n';
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] + kGap - width(row[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

Result<std::string> Listing::text(std::string_view format) const {
  if (format.empty() || format == "table") return table();
  std::string text;
  for (const Row& row : rows_) {
    text += format == "json" ? json(row) : TRY(from_template(format, row));
    text += '\n';
  }
  // A mistake in the template shows also when there is nothing to list.
  if (rows_.empty() && format != "json") {
    TRY(from_template(format, Row(columns_.size(), Value(""))));
  }
  return text;
}

std::string Listing::table() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) {
    if (!column.heading.empty()) lines[0].push_back(column.heading);
  }
  for (const Row& row : rows_) {
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].heading.empty()) line.push_back(row[i].text);
    }
  }
  return aligned(lines);
}

std::string Listing::json(const Row& row) const {
  JsonWriter json;
  json.begin_object();
  for (size_t i = 0; i < columns_.size(); ++i) {
    json.key(columns_[i].key);
    if (row[i].json.empty()) {
      json.string(row[i].text);
    } else {
      json.raw(row[i].json);
    }
  }
  json.end_object();
  return json.take();
}

Result<std::string> Listing::from_template(std::string_view form, const Row& row) const {
  const std::string text = unescaped(form);
  std::string result;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t open = rest.find("{{");
    result += rest.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = rest.find("}}", open);
    if (close == std::string_view::npos) {
      return make_error(ErrorCode::InvalidInput, "--format: \"{{{{\" is not closed in \"{}\"",
                        form);
    }
    result += TRY(replacement(trim(rest.substr(open + 2, close - open - 2)), row));
    rest.remove_prefix(close + 2);
  }
  if (text.find("{{") == std::string::npos) {
    return make_error(ErrorCode::InvalidInput, "--format: \"{}\" is not known{}", form,
                      did_you_mean(form, {"table", "json"}))
        .with_hint("use table, json, or a template such as '{{." + columns_[0].key + "}}'");
  }
  return result;
}

Result<std::string> Listing::replacement(std::string_view expression, const Row& row) const {
  if (expression == "json .") return json(row);
  const bool as_json = expression.starts_with("json .");
  if (as_json) expression = trim(expression.substr(5));
  std::vector<std::string> known;
  for (size_t i = 0; i < columns_.size(); ++i) {
    known.push_back("." + columns_[i].key);
    if (expression != known.back()) continue;
    if (!as_json) return row[i].text;
    return row[i].json.empty() ? JsonWriter().string(row[i].text).take() : row[i].json;
  }
  return make_error(ErrorCode::InvalidInput, "--format: \"{}\" is not known{}", expression,
                    did_you_mean(expression, known))
      .with_hint("there are " + join(known, ", "));
}

std::string human_duration(std::chrono::seconds duration) {
  const int64_t seconds = duration.count();
  const int64_t minutes = seconds / 60;
  const int64_t hours = (minutes + 30) / 60;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", hours / 24 / 365);
}

std::string build_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  const int64_t whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
}

}  // namespace slipway::cli
