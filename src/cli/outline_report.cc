#include "cli/outline_report.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/text.h"
#include "base/unicode.h"
#include "cli/source_json.h"
#include "oci/json_writer.h"

namespace slipway::cli {
namespace {

using dockerfile::OutlineMount;
using dockerfile::Stage;

using Cells = std::vector<std::string>;

size_t width_of(const std::string& cell) {
  return decode_utf8(cell).size();
}

// Cells end at tabs and are as wide, with `gap`, as the widest above and below them; a line's last
// cell is not part of a column. This is Go's text/tabwriter: a column goes as far as consecutive
// lines have it.
std::string align_tabs(std::string_view text, size_t gap) {
  std::vector<Cells> lines;
  for (const std::string& line : split(text, '\n')) lines.push_back(split(line, '\t'));
  std::vector<size_t> widths;
  std::string aligned;
  for (size_t i = 0; i < lines.size(); ++i) {
    // Columns that the line above does not have begin here.
    widths.resize(std::min(widths.size(), lines[i].size() - 1));
    while (widths.size() + 1 < lines[i].size()) {
      const size_t column = widths.size();
      size_t width = 0;
      for (size_t j = i; j < lines.size() && column + 1 < lines[j].size(); ++j) {
        width = std::max(width, width_of(lines[j][column]) + gap);
      }
      widths.push_back(width);
    }
    for (size_t column = 0; column < widths.size(); ++column) {
      const std::string& cell = lines[i][column];
      aligned += cell + std::string(widths[column] - width_of(cell), ' ');
    }
    aligned += lines[i].back();
    if (i + 1 < lines.size()) aligned += '\n';
  }
  return aligned;
}

std::string mounts_text(std::string_view title, const std::vector<OutlineMount>& mounts) {
  if (mounts.empty()) return "";
  std::string text = fmt::format("{}\tREQUIRED\n", title);
  for (const OutlineMount& mount : mounts) {
    text += fmt::format("{}\t{}\n", mount.id, mount.required ? "true" : "");
  }
  return align_tabs(text, 3) + "\n";
}

void write_sources(JsonWriter& json, std::string_view text) {
  json.key("sources").strings({encode_base64(text)});
}

void write_mounts(JsonWriter& json, std::string_view key, const std::vector<OutlineMount>& mounts) {
  if (mounts.empty()) return;
  json.key(key).begin_array();
  for (const OutlineMount& mount : mounts) {
    json.begin_object();
    json.key("name").string(mount.id);
    if (mount.required) json.key("required").boolean(true);
    write_location(json, mount.span, /*line_by_line=*/true);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string outline_text(const dockerfile::Outline& outline) {
  std::string text;
  if (!outline.name.empty() || !outline.description.empty()) {
    std::string head =
        fmt::format("TARGET:\t{}\n", outline.name.empty() ? "(default)" : outline.name);
    if (!outline.description.empty()) head += "DESCRIPTION:\t" + outline.description + "\n";
    text += align_tabs(head, 1) + "\n";
  }
  if (!outline.args.empty()) {
    std::string args = "BUILD ARG\tVALUE\tDESCRIPTION\n";
    for (const dockerfile::OutlineArg& arg : outline.args) {
      args += fmt::format("{}\t{}\t{}\n", arg.name, arg.value, arg.description);
    }
    text += align_tabs(args, 3) + "\n";
  }
  return text + mounts_text("SECRET", outline.secrets) + mounts_text("SSH", outline.ssh);
}

std::string outline_json(const dockerfile::Outline& outline, std::string_view text) {
  JsonWriter json(2);
  json.begin_object();
  json.optional("name", outline.name).optional("description", outline.description);
  if (!outline.args.empty()) {
    json.key("args").begin_array();
    for (const dockerfile::OutlineArg& arg : outline.args) {
      json.begin_object();
      json.key("name").string(arg.name);
      json.optional("description", arg.description).optional("value", arg.value);
      write_location(json, arg.span, /*line_by_line=*/true);
      json.end_object();
    }
    json.end_array();
  }
  write_mounts(json, "secrets", outline.secrets);
  write_mounts(json, "ssh", outline.ssh);
  write_sources(json, text);
  json.end_object();
  return json.take();
}

std::string targets_text(std::span<const Stage> stages) {
  std::string text = "TARGET\tDESCRIPTION\n";
  for (const Stage& stage : stages) {
    const bool is_default = &stage == &stages.back();
    std::string name = stage.name;
    if (is_default) name += name.empty() ? "(default)" : " (default)";
    text += name + "\t" + stage.doc_comment + "\n";
  }
  return align_tabs(text, 1);
}

std::string targets_json(std::span<const Stage> stages, std::string_view text) {
  JsonWriter json(2);
  json.begin_object();
  json.key("targets");
  if (stages.empty()) {
    json.null();
  } else {
    json.begin_array();
    for (const Stage& stage : stages) {
      json.begin_object().optional("name", stage.name);
      if (&stage == &stages.back()) json.key("default").boolean(true);
      json.optional("description", stage.doc_comment).optional("base", stage.base_name);
      json.optional("platform", stage.platform);
      write_location(json, stage.info.span, /*line_by_line=*/true);
      json.end_object();
    }
    json.end_array();
  }
  write_sources(json, text);
  json.end_object();
  return json.take();
}

}  // namespace slipway::cli
