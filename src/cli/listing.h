// Listing: what list commands print: a table, JSON lines, or lines made by a template, as docker's
// --format has it.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::cli {

class Listing {
 public:
  struct Column {
    std::string key;      // "Repository": in JSON and templates
    std::string heading;  // "REPOSITORY"; empty: not in the table
  };
  // A value as people read it; `json` when it is no string there (a number, true, null).
  struct Value {
    Value(std::string text_value) : text(std::move(text_value)) {}  // NOLINT: implicit by design
    Value(const char* text_value) : text(text_value) {}             // NOLINT: implicit by design
    Value(std::string text_value, std::string json_value)
        : text(std::move(text_value)), json(std::move(json_value)) {}
    static Value number(int64_t value) { return {std::to_string(value), std::to_string(value)}; }
    static Value boolean(bool value) {
      return {value ? "true" : "false", value ? "true" : "false"};
    }

    std::string text;
    std::string json;
  };
  using Row = std::vector<Value>;  // one for each column

  explicit Listing(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(Row row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  // `format`: "" or "table", "json" (one object a line), or a template: {{.Key}}, {{json .}}, \t
  // and \n. InvalidInput for a key that is not there.
  Result<std::string> text(std::string_view format) const;

 private:
  std::string table() const;
  std::string json(const Row& row) const;
  Result<std::string> from_template(std::string_view form, const Row& row) const;
  Result<std::string> replacement(std::string_view expression, const Row& row) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// Columns under each other, two spaces or more apart; the last is not padded.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

// "About a minute", "3 hours", "2 weeks": as docker prints durations.
std::string human_duration(std::chrono::seconds duration);
// "1.2s", "2m 03s", "1h 02m": how long a build took.
std::string build_duration(std::chrono::nanoseconds duration);

}  // namespace slipway::cli
