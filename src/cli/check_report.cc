#include "cli/check_report.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "cli/failure_report.h"
#include "cli/source_json.h"
#include "cli/version.h"
#include "oci/json_writer.h"

namespace slipway::cli {
namespace {

using dockerfile::Finding;
using Json = nlohmann::ordered_json;

// Files by line; findings of one line as the rules came by.
std::vector<Finding> sorted(std::vector<Finding> findings) {
  std::ranges::stable_sort(findings, {}, [](const Finding& f) { return f.span.first_line; });
  return findings;
}

std::string excerpt_of(const SourceSpan& span, const CheckedTarget& target) {
  return excerpt({target.file, span.first_line, span.last_line}, target.text);
}

void write_finding(JsonWriter& json, const Finding& finding) {
  json.begin_object();
  json.key("ruleName").string(finding.rule.name);
  json.optional("description", finding.rule.description);
  json.optional("url", finding.rule.url);
  json.optional("detail", finding.detail);
  json.optional("cost", finding.cost);
  json.optional("remedy", finding.remedy);
  write_location(json, finding.span, /*line_by_line=*/true);
  json.end_object();
}

void write_error(JsonWriter& json, const Error& error) {
  json.key("buildError").begin_object();
  json.key("message").string(error.message());
  if (error.spans().empty()) {
    json.key("location").begin_object().end_object();
  } else {
    write_location(json, error.spans().front(), /*line_by_line=*/false);
  }
  json.end_object();
}

Json sarif_location(const std::string& file, const SourceSpan& span) {
  Json physical = {{"artifactLocation", {{"uri", file}}}};
  if (span.first_line > 0) {
    physical["region"] = {{"startLine", span.first_line},
                          {"endLine", std::max(span.first_line, span.last_line)}};
  }
  return Json::array({{{"physicalLocation", std::move(physical)}}});
}

// Rules in the order in which results name them, each once.
class SarifRules {
 public:
  size_t index_of(const dockerfile::Rule& rule) {
    const auto [position, is_new] = indexes_.try_emplace(std::string(rule.name), rules_.size());
    if (is_new) {
      Json described = {{"id", rule.name}, {"shortDescription", {{"text", rule.description}}}};
      if (!rule.url.empty()) described["helpUri"] = rule.url;
      rules_.push_back(std::move(described));
    }
    return position->second;
  }
  Json take() { return std::move(rules_); }

 private:
  std::map<std::string, size_t> indexes_;
  Json rules_ = Json::array();
};

// The whole of a finding in one text.
std::string message_of(const Finding& finding) {
  std::string text = finding.detail;
  if (!finding.cost.empty()) text += ". Cost: " + finding.cost;
  if (!finding.remedy.empty()) text += ". Remedy: " + finding.remedy;
  return text;
}

// Values of workflow commands are one line; properties end at "," and ":".
std::string escaped(std::string_view text, bool is_property) {
  std::string result;
  for (const char c : text) {
    const bool special =
        c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','));
    result += special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return result;
}

std::string annotation(std::string_view level, const std::string& file, const SourceSpan& span,
                       std::string_view title, std::string_view text) {
  std::string position = "file=" + escaped(file, true);
  if (span.first_line > 0) {
    position += fmt::format(",line={},endLine={}", span.first_line,
                            std::max(span.first_line, span.last_line));
  }
  return fmt::format("::{} {},title={}::{}\n", level, position, escaped(title, true),
                     escaped(text, false));
}

}  // namespace

bool has_findings(const CheckedTarget& target) {
  return !target.result.findings.empty() || target.result.error.has_value();
}

std::string check_text(const CheckedTarget& target) {
  const size_t count = target.result.findings.size();
  if (count == 0) {
    return target.result.error ? "" : "Check complete, no warnings found.\n";
  }
  std::string text = count == 1
                         ? "Check complete, 1 warning has been found!\n"
                         : fmt::format("Check complete, {} warnings have been found!\n", count);
  for (const Finding& finding : sorted(target.result.findings)) {
    text += fmt::format("\nWARNING: {}", finding.rule.name);
    if (!finding.rule.url.empty()) text += fmt::format(" - {}", finding.rule.url);
    text += "\n" + finding.detail + "\n";
    if (!finding.cost.empty()) text += "Cost: " + finding.cost + "\n";
    if (!finding.remedy.empty()) text += "Remedy: " + finding.remedy + "\n";
    text += excerpt_of(finding.span, target);
  }
  return target.result.error ? text + "\n" : text;
}

std::string check_error_text(const CheckedTarget& target) {
  if (!target.result.error) return "";
  const Error& error = *target.result.error;
  std::string text = error.message() + "\n";
  for (const SourceSpan& span : error.spans()) text += excerpt_of(span, target);
  return text;
}

std::string check_json(const CheckedTarget& target) {
  JsonWriter json(2);
  json.begin_object();
  json.key("warnings");
  if (target.result.findings.empty()) {
    json.null();
  } else {
    json.begin_array();
    for (const Finding& finding : target.result.findings) write_finding(json, finding);
    json.end_array();
  }
  json.key("sources").begin_array().begin_object();
  json.key("filename").string(std::filesystem::path(target.file).filename().string());
  json.optional("data", encode_base64(target.text));
  json.key("language").string("Dockerfile");
  json.end_object().end_array();
  if (target.result.error) write_error(json, *target.result.error);
  json.end_object();
  return json.take();
}

std::string check_sarif(std::span<const CheckedTarget> targets) {
  SarifRules rules;
  Json results = Json::array();
  for (const CheckedTarget& target : targets) {
    for (const Finding& finding : sorted(target.result.findings)) {
      results.push_back({{"ruleId", finding.rule.name},
                         {"ruleIndex", rules.index_of(finding.rule)},
                         {"level", "warning"},
                         {"message", {{"text", message_of(finding)}}},
                         {"locations", sarif_location(target.file, finding.span)}});
    }
    if (!target.result.error) continue;
    const Error& error = *target.result.error;
    const SourceSpan span = error.spans().empty() ? SourceSpan{} : error.spans().front();
    const dockerfile::Rule rule{"BuildError", "The Dockerfile cannot be built", ""};
    results.push_back({{"ruleId", rule.name},
                       {"ruleIndex", rules.index_of(rule)},
                       {"level", "error"},
                       {"message", {{"text", error.message()}}},
                       {"locations", sarif_location(target.file, span)}});
  }
  const Json driver = {{"name", "slipway"}, {"version", kVersion}, {"rules", rules.take()}};
  const Json log = {
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs", Json::array({{{"tool", {{"driver", driver}}}, {"results", results}}})}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string check_annotations(std::span<const CheckedTarget> targets) {
  std::string text;
  for (const CheckedTarget& target : targets) {
    for (const Finding& finding : sorted(target.result.findings)) {
      text +=
          annotation("warning", target.file, finding.span, finding.rule.name, message_of(finding));
    }
    if (!target.result.error) continue;
    const Error& error = *target.result.error;
    const SourceSpan span = error.spans().empty() ? SourceSpan{} : error.spans().front();
    text += annotation("error", target.file, span, "BuildError", error.message());
  }
  return text;
}

}  // namespace slipway::cli
