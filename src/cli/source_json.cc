#include "cli/source_json.h"

namespace slipway::cli {

void write_location(JsonWriter& json, const SourceSpan& span, bool line_by_line) {
  json.key("location").begin_object();
  const auto range = [&](int first, int last) {
    json.begin_object();
    json.key("start").begin_object().optional("line", first).end_object();
    json.key("end").begin_object().optional("line", last).end_object();
    json.end_object();
  };
  json.key("ranges").begin_array();
  if (line_by_line) {
    for (int line = span.first_line; line <= span.last_line; ++line) range(line, line);
  } else {
    range(span.first_line, span.last_line);
  }
  json.end_array();
  json.end_object();
}

}  // namespace slipway::cli
