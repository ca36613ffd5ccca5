#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/convert_context.h"

namespace slipway::dockerfile {

namespace {

// The platform that a step compiles for, by its TARGET* variables.
std::optional<Platform> platform_of(const EnvList& env) {
  Platform platform;
  bool set = false;
  for (const auto& [name, value] : env.entries()) {
    if (name == "TARGETPLATFORM") {
      Result<Platform> parsed = Platform::parse(value);
      if (parsed) return *std::move(parsed);
    } else if (name == "TARGETOS") {
      platform.os = value;
      set = true;
    } else if (name == "TARGETARCH") {
      platform.architecture = value;
      set = true;
    } else if (name == "TARGETVARIANT") {
      platform.variant = value;
      set = true;
    }
  }
  return set ? std::optional(platform) : std::nullopt;
}

// "->arm64" where a step on `base` compiles for another platform.
std::string cross_target(const Platform& base, std::optional<Platform> target) {
  if (!target) return "";
  if (target->os.empty()) target->os = base.os;
  if (target->architecture.empty()) target->architecture = base.architecture;
  const Platform platform = target->normalized();
  if (platform.os != base.os) return "->" + format_platform(platform);
  if (platform.architecture == base.architecture) return "";
  return "->" + platform.architecture + (platform.variant.empty() ? "" : "/" + platform.variant);
}

}  // namespace

std::string format_platform(const Platform& platform) {
  std::string text = platform.os;
  if (!platform.os_version.empty()) text += "(" + platform.os_version + ")";
  for (const std::string* part : {&platform.architecture, &platform.variant}) {
    if (!part->empty()) text += "/" + *part;
  }
  return text;
}

std::string step_name(const ConvertContext& context, StageState& stage, std::string text,
                      const Platform* platform, const EnvList* env) {
  if (stage.step_total == 0) return text;
  std::string prefix = "[";
  if (context.options.multi_platform && platform != nullptr) {
    prefix += format_platform(*platform);
    if (env != nullptr) prefix += cross_target(*platform, platform_of(*env));
    prefix += " ";
  }
  if (!stage.title.empty()) prefix += stage.title + " ";
  const std::string total = std::to_string(stage.step_total);
  prefix += fmt::format("{:>{}}/{}] ", ++stage.step, total.size(), total);
  return prefix + (stage.in_onbuild ? "ONBUILD " : "") + text;
}

std::string shown_command(const ShellLexer& lexer, std::string_view source,
                          const Environment& env) {
  const Result<std::string> expanded = lexer.word(source, env);
  std::string text = expanded ? *expanded : std::string(source);
  const size_t end = std::min(text.find(' '), text.size());
  for (size_t i = 0; i < end; ++i) {
    if (text[i] >= 'a' && text[i] <= 'z') text[i] = static_cast<char>(text[i] - 'a' + 'A');
  }
  return text;
}

graph::VertexMetadata named(std::string name) {
  graph::VertexMetadata metadata;
  metadata.description[graph::kCustomName] = std::move(name);
  return metadata;
}

void add_location(graph::VertexMetadata& metadata, const SourceSpan& span) {
  graph::SourceLocation location{0, {}};
  if (span.first_line > 0) location.ranges.push_back({span.first_line, 0, span.last_line, 0});
  metadata.locations.push_back(std::move(location));
}

void add_history(const ConvertContext& context, StageState& stage, std::string created_by,
                 bool with_layer) {
  HistoryEntry entry;
  entry.created_by = std::move(created_by);
  entry.comment = "buildkit.dockerfile.v0";
  entry.empty_layer = !with_layer;
  if (context.epoch) {
    entry.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(*context.epoch));
  }
  stage.image.history.push_back(std::move(entry));
}

std::string default_path(std::string_view os) {
  if (os == "windows") {
    return "c:\\Windows\\System32;c:\\Windows;C:\\Windows\\System32\\WindowsPowerShell\\v1.0";
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

}  // namespace slipway::dockerfile
