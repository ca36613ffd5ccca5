#include "cli/planner.h"

#include <algorithm>
#include <set>
#include <thread>

#include "base/file_io.h"
#include "base/text.h"
#include "cli/target_files.h"

#include "frontend/dockerfile/ignore_file.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/lint/syntax_rules.h"
#include "frontend/dockerfile/parser.h"
#include "oci/platform_list.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDockerfileBytes = 1 << 20;

Error refuse(std::string_view what) {
  return make_error(ErrorCode::Unsupported, "{} is not supported yet", what);
}

// What the engine does not act on is refused by name before anything runs.
Status check_supported(const bake::Target& target) {
  if (!target.call.empty() && target.call != "build") return refuse("call=" + target.call);
  for (const std::string& e : target.entitlements) {
    const std::string key = e.substr(0, e.find('='));
    if (key != "device" && e != "network.host" && e != "security.insecure") {
      return refuse("entitlement " + e);
    }
  }
  return {};
}

Result<graph::NetMode> parse_network(const std::string& mode) {
  if (mode.empty() || mode == "default") return graph::NetMode::Unset;
  if (mode == "host") return graph::NetMode::Host;
  if (mode == "none") return graph::NetMode::None;
  return make_error(ErrorCode::InvalidInput, "network \"{}\": want default, host or none", mode);
}

// As BuildKit words it: "StageNameCasing: Stage name 'A' should be lowercase (line 1)".
progress::WarningEvent to_warning(const dockerfile::Finding& finding, const Digest& step) {
  std::string message = fmt::format("{}: {}", finding.rule.name, finding.detail);
  if (finding.span.first_line > 0) message += fmt::format(" (line {})", finding.span.first_line);
  return {step,
          std::move(message),
          std::string(finding.rule.description),
          std::string(finding.rule.url),
          {finding.span}};
}

// Each once: platforms have most of them in common.
void tell_findings(const std::vector<std::vector<dockerfile::Finding>>& by_platform,
                   const Digest& step, progress::Sink& progress) {
  std::set<std::string> told;
  for (const std::vector<dockerfile::Finding>& findings : by_platform) {
    for (const dockerfile::Finding& finding : findings) {
      progress::WarningEvent warning = to_warning(finding, step);
      if (by_platform.size() == 1 || told.insert(warning.message).second) {
        progress.handle(std::move(warning));
      }
    }
  }
}

}  // namespace

Result<CheckedTarget> Planner::check(const bake::Target& target) {
  Prepared prepared = TRY(prepare(target));
  dockerfile::CheckResult result =
      dockerfile::check_dockerfile(prepared.file.text, prepared.options, options_.resolver);
  return CheckedTarget{target.name,
                       std::move(prepared.file.name),
                       std::move(prepared.file.text),
                       std::move(prepared.file.path),
                       std::move(result),
                       std::move(prepared.context),
                       std::move(prepared.ignore_file),
                       std::move(prepared.options)};
}

Result<OutlinedTarget> Planner::outline(const bake::Target& target) {
  Prepared prepared = TRY(prepare(target));
  std::vector<dockerfile::Conversion> converted = TRY(convert(prepared, {std::nullopt}));
  return OutlinedTarget{std::move(converted.at(0).outline), std::move(prepared.file.text)};
}

Result<ListedTarget> Planner::list(const bake::Target& target) {
  Prepared read = TRY(read_dockerfile(target));
  dockerfile::Dockerfile parsed = TRY(dockerfile::parse_dockerfile(read.file.text, read.file.name));
  return ListedTarget{std::move(parsed), std::move(read.file.text)};
}

Result<std::vector<PlannedTarget>> Planner::plan(const std::vector<bake::Target>& targets) {
  targets_ = targets;
  for (const bake::Target& target : targets_) TRY(plan_named(target.name));
  std::vector<PlannedTarget> plans;
  for (const bake::Target& target : targets_) plans.push_back(*planned_.at(target.name));
  return plans;
}

Result<const PlannedTarget*> Planner::plan_named(const std::string& name) {
  const auto done = planned_.find(name);
  if (done != planned_.end()) return done->second.get();
  const auto target = std::ranges::find(targets_, name, &bake::Target::name);
  if (target == targets_.end()) {
    return make_error(ErrorCode::NotFound, "target \"{}\" is not defined", name);
  }
  if (std::ranges::find(in_progress_, name) != in_progress_.end()) {
    return make_error(ErrorCode::InvalidInput, "targets need each other: {} -> {}",
                      join(in_progress_, " -> "), name);
  }
  in_progress_.push_back(name);
  Result<PlannedTarget> plan = plan_one(*target);
  in_progress_.pop_back();
  if (!plan) {
    return targets_.size() == 1 ? std::move(plan).error()
                                : std::move(plan).error().context("target " + name);
  }
  auto& slot = planned_[name];
  slot = std::make_unique<PlannedTarget>(*std::move(plan));
  return static_cast<const PlannedTarget*>(slot.get());
}

Result<PlannedTarget> Planner::plan_one(const bake::Target& target) {
  TRY(check_supported(target));
  const std::vector<std::optional<Platform>> platforms = TRY(platforms_of(target));
  Prepared prepared = TRY(prepare(target));
  prepared.options.multi_platform = platforms.size() > 1;
  PlannedTarget planned{target, TRY(convert(prepared, platforms))};
  for (const dockerfile::Conversion& platform : planned.platforms) {
    if (options_.check_devices) {
      TRY(dockerfile::check_devices(platform.definition, options_.check_devices));
    }
    planned.multi_platform = platform.multi_platform;
  }
  return planned;
}

Result<Planner::Prepared> Planner::read_dockerfile(const bake::Target& target) {
  Prepared prepared;
  prepared.options = TRY(convert_options(target));
  dockerfile::ConvertOptions& convert = prepared.options;
  TargetFiles files = TRY(find_files(
      target, convert,
      {options_.environment, options_.base_directory, options_.contexts, options_.progress}));
  prepared.file = {std::move(files.name), std::move(files.text), std::move(files.path)};
  prepared.step = files.step;
  prepared.context = files.directory;
  prepared.ignore_file = std::move(files.ignore_file);
  prepared.url = std::move(files.url);
  prepared.ignore_patterns = std::move(files.ignore_patterns);
  const DockerfileText& file = prepared.file;
  dockerfiles_[file.name] = file.text;
  convert.file_name = file.name;
  convert.file_text = file.text;
  TRY(dockerfile::check_frontend(file.text, file.name, convert.build_args));
  return prepared;
}

Result<Planner::Prepared> Planner::prepare(const bake::Target& target) {
  Prepared prepared = TRY(read_dockerfile(target));
  if (prepared.url) {
    prepared.options.main_context = *prepared.url;
  } else {
    prepared.options.main_context =
        TRY(add_directory("context", prepared.context, prepared.ignore_patterns));
  }
  for (const auto& [name, source] : target.contexts) {
    TRY(add_named_context(name, source, prepared.options.named_contexts));
  }
  return prepared;
}

Result<std::vector<dockerfile::Conversion>> Planner::convert(
    const Prepared& prepared, const std::vector<std::optional<Platform>>& platforms) {
  const DockerfileText& file = prepared.file;
  const dockerfile::SyntaxResult syntax =
      dockerfile::parse_syntax_with_errors(file.text, file.name);
  const dockerfile::Dockerfile parsed = TRY(dockerfile::parse_dockerfile(syntax, file.name));
  const dockerfile::CheckOptions lint =
      TRY(dockerfile::check_options_of(file.text, prepared.options.build_args));
  std::vector<std::vector<dockerfile::Finding>> findings(platforms.size());
  std::vector<std::optional<Result<dockerfile::Conversion>>> conversions(platforms.size());
  const auto convert_for = [&](size_t i) {
    dockerfile::ConvertOptions options = prepared.options;
    options.target_platform = platforms[i];
    const dockerfile::Linter linter(lint, findings[i]);
    dockerfile::check_syntax(syntax.tree, file.name, 0, linter);
    options.linter = &linter;
    conversions[i].emplace(dockerfile::convert(parsed, options, options_.resolver));
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < platforms.size(); ++i) threads.emplace_back(convert_for, i);
    convert_for(0);
  }
  tell_findings(findings, prepared.step, options_.progress);
  std::vector<dockerfile::Conversion> converted;
  for (auto& conversion : conversions) converted.push_back(TRY(*std::move(conversion)));
  return converted;
}

// The result of a target may be another one for each platform.
Status Planner::add_named_context(const std::string& name, const std::string& source,
                                  std::map<std::string, dockerfile::ContextSource>& contexts) {
  constexpr std::string_view kTarget = "target:";
  if (!source.starts_with(kTarget)) {
    contexts[name] = TRY(named_context(name, source));
    return {};
  }
  const PlannedTarget* needed = TRY(plan_named(source.substr(kTarget.size())));
  for (const dockerfile::Conversion& platform : needed->platforms) {
    const std::string suffix =
        needed->multi_platform ? "::" + platform.platform.normalized().full_str() : "";
    contexts[name + suffix] = dockerfile::InputContext{
        std::make_shared<const graph::Definition>(platform.definition), platform.config};
  }
  return {};
}

Result<dockerfile::ContextSource> Planner::named_context(const std::string& name,
                                                         const std::string& source) {
  constexpr std::string_view kLayout = "oci-layout://";
  if (source.starts_with(kLayout)) {
    return dockerfile::ContextSource(
        TRY(options_.add_layout(source.substr(kLayout.size())).context("build context " + name)));
  }
  if (source.starts_with("docker-image://")) return dockerfile::parse_context_source(source);
  if (is_remote_context(source)) {
    return dockerfile::ContextSource(dockerfile::url_context(source));
  }
  const fs::path path = absolute(source);
  if (!directory_exists(path)) {
    return make_error(ErrorCode::NotFound, "build context {}={}: no such directory", name, source);
  }
  Result<std::string> ignore = read_file(path / ".dockerignore", kMaxDockerfileBytes);
  return dockerfile::ContextSource(TRY(add_directory(
      name, path, ignore ? dockerfile::read_ignore_file(*ignore) : std::vector<std::string>())));
}

Result<dockerfile::LocalContext> Planner::add_directory(const std::string& name,
                                                        const fs::path& path,
                                                        std::vector<std::string> ignore_patterns) {
  if (!options_.add_directory)
    return dockerfile::LocalContext{name, std::move(ignore_patterns), {}};
  // Several targets call their directory "context": the key tells the directories apart, and with
  // equal ignore rules lets targets share one.
  std::string described = path.string();
  for (const std::string& pattern : ignore_patterns) described += "\n" + pattern;
  const std::string key(Digest::sha256_of(described).hex().substr(0, 32));
  TRY(options_.add_directory({key, path, ignore_patterns}));
  return dockerfile::LocalContext{name, std::move(ignore_patterns), key};
}

Result<dockerfile::ConvertOptions> Planner::convert_options(const bake::Target& target) {
  dockerfile::ConvertOptions convert;
  convert.target = target.target;
  for (const auto& [name, value] : target.args) {
    if (value) {
      convert.build_args[name] = *value;
    } else if (options_.environment.has(name)) {
      convert.build_args[name] = options_.environment.get(name);
    }
  }
  if (options_.environment.has("SOURCE_DATE_EPOCH")) {
    convert.build_args.emplace("SOURCE_DATE_EPOCH", options_.environment.get("SOURCE_DATE_EPOCH"));
  }
  convert.labels = target.labels;
  convert.no_cache = target.no_cache;
  convert.no_cache_filter = target.no_cache_filter;
  convert.pull = target.pull ? dockerfile::ImagePull::Always : dockerfile::ImagePull::Default;
  for (const auto& [host, ip] : target.extra_hosts) convert.extra_hosts.push_back({host, ip});
  convert.shm_size = target.shm_size;
  for (const bake::UlimitSpec& limit : target.ulimits) {
    convert.ulimits.push_back({limit.name, limit.soft, limit.hard});
  }
  convert.network = TRY(parse_network(target.network));
  if (ContextReader* contexts = options_.contexts) {
    convert.source_time = [contexts](const graph::SourceOp& source, const std::string& step_name) {
      return contexts->time(source, step_name);
    };
  }
  return convert;
}

// Each once, in the order given; nullopt alone: whatever this machine is.
Result<std::vector<std::optional<Platform>>> Planner::platforms_of(
    const bake::Target& target) const {
  std::vector<std::string> texts = target.platforms;
  const std::string fallback = options_.environment.get("DOCKER_DEFAULT_PLATFORM");
  if (texts.empty() && !fallback.empty()) texts.push_back(fallback);
  std::vector<std::optional<Platform>> platforms;
  if (texts.empty()) return std::vector<std::optional<Platform>>(1);
  for (const Platform& platform : TRY(parse_platform_list(join(texts, ",")).context("platform"))) {
    const bool known = std::ranges::any_of(platforms, [&](const std::optional<Platform>& other) {
      return other->normalized() == platform.normalized();
    });
    if (!known) platforms.push_back(platform);
  }
  return platforms;
}

fs::path Planner::absolute(const std::string& path) const {
  return (options_.base_directory / path).lexically_normal();
}

}  // namespace slipway::cli
