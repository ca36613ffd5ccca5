#include "cli/fix_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string place(const FileFix& file, int line) {
  return line == 0 ? file.name : fmt::format("{}:{}", file.name, line);
}

// "3 fixes".
std::string count_of(size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// Bytes from 0; lines and columns (bytes, too) from 1.
Json position(const std::string& text, size_t offset) {
  const size_t line_begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
  return {{"offset", offset},
          {"line", dockerfile::line_at(text, offset)},
          {"column", offset - line_begin + 1}};
}

Json json_of(const FileFix& file) {
  Json edits = Json::array(), fixes = Json::array(), left = Json::array();
  for (const dockerfile::TextEdit& edit : file.edits) {
    edits.push_back({{"start", position(file.original, edit.begin)},
                     {"end", position(file.original, edit.end)},
                     {"text", edit.text}});
  }
  for (const dockerfile::Fixed& fix : file.fixes) {
    fixes.push_back({{"ruleName", fix.rule},
                     {"line", fix.line == 0 ? Json() : Json(fix.line)},
                     {"what", fix.what},
                     {"imageChange", fix.note.empty() ? Json() : Json(fix.note)}});
  }
  for (const dockerfile::Left& each : file.left) {
    left.push_back({{"ruleName", each.rule},
                    {"line", each.line == 0 ? Json() : Json(each.line)},
                    {"detail", each.detail},
                    {"why", each.why}});
  }
  return {{"path", file.name},
          {"edits", std::move(edits)},
          {"fixes", std::move(fixes)},
          {"left", std::move(left)}};
}

}  // namespace

bool FixReport::changes() const {
  return std::ranges::any_of(files, &FileFix::changes);
}

std::string fix_diff(const FixReport& report) {
  std::string diff;
  for (const FileFix& file : report.files) {
    diff += dockerfile::unified_diff(file.name, file.original, file.edits);
  }
  return diff;
}

std::string fix_summary(const FixReport& report, bool written) {
  std::string text;
  size_t fixed = 0, left = 0;
  for (const FileFix& file : report.files) {
    for (const dockerfile::Fixed& fix : file.fixes) {
      text += fmt::format("{} {}: {}: {}\n", written ? "fixed" : "could fix", place(file, fix.line),
                          fix.rule, fix.what);
      if (!fix.note.empty()) text += fmt::format("    the image: {}\n", fix.note);
    }
    fixed += file.fixes.size();
  }
  for (const ContextSize& context : report.contexts) {
    text += fmt::format("the context {}: {} become {}\n", context.name,
                        human_bytes(context.bytes_before), human_bytes(context.bytes_after));
  }
  for (const FileFix& file : report.files) {
    for (const dockerfile::Left& each : file.left) {
      text += fmt::format("left {}: {}: {}\n    {}\n", place(file, each.line), each.rule,
                          each.detail, each.why);
    }
    left += file.left.size();
  }
  text +=
      fmt::format("{}{}, {} left\n", count_of(fixed, "fix", "fixes"), written ? " made" : "", left);
  if (fixed > 0 && !written) text += "hint: \"slipway fix --write\" makes them\n";
  return text;
}

std::string fix_json(const FixReport& report) {
  Json files = Json::array(), contexts = Json::array();
  for (const FileFix& file : report.files) files.push_back(json_of(file));
  for (const ContextSize& context : report.contexts) {
    contexts.push_back({{"path", context.name},
                        {"bytesBefore", context.bytes_before},
                        {"bytesAfter", context.bytes_after}});
  }
  const Json all = {{"files", std::move(files)}, {"contexts", std::move(contexts)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace slipway::cli
