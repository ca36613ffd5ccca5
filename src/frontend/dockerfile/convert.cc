// The conversion as a list of phases: arguments, stages and their links, base images, then every
// needed stage's instructions in order (dispatch*.cc), then the main context's final description.
#include "frontend/dockerfile/convert.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/values.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/lint/syntax_rules.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

namespace {

EnvList platform_args(const ConvertContext& context, std::string_view target_stage) {
  const Platform& build = context.options.build_platform;
  const Platform& target = context.target_platform;
  Platform build_without_version = build;
  build_without_version.os_version.clear();
  const std::pair<const char*, std::string> defaults[] = {
      {"BUILDPLATFORM", format_platform(build_without_version)},
      {"BUILDOS", build.os},
      {"BUILDOSVERSION", build.os_version},
      {"BUILDARCH", build.architecture},
      {"BUILDVARIANT", build.variant},
      {"TARGETPLATFORM", format_platform(target)},
      {"TARGETOS", target.os},
      {"TARGETOSVERSION", target.os_version},
      {"TARGETARCH", target.architecture},
      {"TARGETVARIANT", target.variant},
      {"TARGETSTAGE", std::string(target_stage.empty() ? "default" : target_stage)},
  };
  EnvList args;
  for (const auto& [name, value] : defaults) {
    const auto given = context.build_args.find(name);
    args.set(name, given != context.build_args.end() ? given->second : value);
  }
  return args;
}

struct MetaArgs {
  EnvList values;
  std::map<std::string, GlobalArg> declared;
};

// A default value; `matched` is what it needs. "ARG A=${A}b" needs what A needed before.
Result<ExpandedWord> default_of(const ArgDefinition& arg, const ShellLexer& lexer,
                                const MetaArgs& earlier) {
  ExpandedWord value = TRY(lexer.expand(*arg.value, earlier.values.map()));
  const auto same = earlier.declared.find(arg.key);
  if (value.matched.erase(arg.key) > 0 && same != earlier.declared.end()) {
    value.matched.insert(same->second.needs.begin(), same->second.needs.end());
  }
  return value;
}

// ARG before the first FROM, added to the platform's arguments.
Result<MetaArgs> with_meta_args(EnvList args, const ShellLexer& lexer,
                                const std::vector<ArgInstruction>& instructions,
                                const std::map<std::string, std::string>& build_args) {
  MetaArgs result{std::move(args), {}};
  for (const ArgInstruction& instruction : instructions) {
    for (const ArgDefinition& arg : instruction.args) {
      GlobalArg declared{{arg.key, arg.doc_comment, "", instruction.info.span}, {}};
      const auto given = build_args.find(arg.key);
      if (given != build_args.end()) {
        declared.arg.value = given->second;
      } else if (arg.value) {
        Result<ExpandedWord> value = default_of(arg, lexer, result);
        if (!value) return std::move(value.error()).at(instruction.info.span);
        declared.arg.value = std::move(value->text);
        declared.needs = std::move(value->matched);
      }
      if (arg.value || given != build_args.end()) result.values.set(arg.key, declared.arg.value);
      result.declared.insert_or_assign(arg.key, std::move(declared));
    }
  }
  return result;
}

// Base images have to be named without any --build-arg, too.
void check_default_args(const ConvertContext& context, const Dockerfile& dockerfile) {
  const Result<MetaArgs> defaults =
      with_meta_args(context.global_args, context.lexer, dockerfile.meta_args, {});
  if (!defaults) return;  // the conversion says so
  for (const Stage& stage : dockerfile.stages) {
    const Result<std::string> name = context.lexer.word(stage.base_name, defaults->values.map());
    if (!name) return;
    if (Reference::parse(*name)) continue;
    context.linter.report(
        rules::kInvalidDefaultArgInFrom, stage.info.span,
        fmt::format("Default value for ARG {} results in empty or invalid base image name",
                    stage.base_name));
  }
}

// The rules about the file as a whole come first, before values are known.
Status add_global_args(ConvertContext& context, const Dockerfile& dockerfile) {
  check_stage_names(dockerfile, context.linter);
  check_instruction_casing(dockerfile, context.linter);
  check_default_args(context, dockerfile);
  MetaArgs args = TRY(with_meta_args(std::move(context.global_args), context.lexer,
                                     dockerfile.meta_args, context.build_args));
  context.global_args = std::move(args.values);
  context.declared_args = std::move(args.declared);
  return {};
}

std::optional<graph::ProxyEnv> proxy_of(const std::map<std::string, std::string>& build_args) {
  graph::ProxyEnv proxy;
  bool any = false;
  for (const auto& [name, value] : build_args) {
    const std::pair<const char*, std::string*> fields[] = {{"http_proxy", &proxy.http_proxy},
                                                           {"https_proxy", &proxy.https_proxy},
                                                           {"ftp_proxy", &proxy.ftp_proxy},
                                                           {"no_proxy", &proxy.no_proxy},
                                                           {"all_proxy", &proxy.all_proxy}};
    for (const auto& [field, destination] : fields) {
      if (to_lower(name) != field) continue;
      *destination = value;
      any = true;
    }
  }
  return any ? std::optional(proxy) : std::nullopt;
}

// Users may write "docker.io/library/alpine:latest" for "alpine".
Status add_named_contexts(ConvertContext& context) {
  for (const auto& [given, source] : context.options.named_contexts) {
    const size_t suffix = given.find("::");
    const std::string name = given.substr(0, suffix);
    const Reference reference =
        TRY(Reference::parse(name).context(fmt::format("invalid context name {}", given)));
    std::string key = reference.familiar();
    if (key.ends_with(":latest")) key.resize(key.size() - 7);
    if (suffix != std::string::npos) key += given.substr(suffix);
    context.named_contexts[key] = &source;
  }
  return {};
}

// Build arguments that are options of the frontend.
Result<ConvertOptions> with_builtin_args(ConvertOptions options) {
  const auto find = [&](const char* name) -> const std::string* {
    const auto found = options.build_args.find(name);
    return found == options.build_args.end() || found->second.empty() ? nullptr : &found->second;
  };
  if (const auto* name = find("BUILDKIT_CACHE_MOUNT_NS")) options.cache_namespace = *name;
  if (const auto* name = find("BUILDKIT_SANDBOX_HOSTNAME")) options.hostname = *name;
  if (const auto* multi = find("BUILDKIT_MULTI_PLATFORM")) {
    const Result<bool> value = parse_bool(*multi);
    if (!value) {
      return make_error(ErrorCode::InvalidInput, "invalid boolean value for multi-platform: {}",
                        *multi);
    }
    if (options.multi_platform && !*value) {
      return make_error(ErrorCode::InvalidInput,
                        "conflicting config: returning multiple target platforms is not allowed")
          .with_hint("BUILDKIT_MULTI_PLATFORM is " + *multi);
    }
    options.multi_platform = *value;
  }
  return options;
}

Result<StageState*> find_target(const ConvertContext& context, size_t declared) {
  const std::string& target = context.options.target;
  // The last of the Dockerfile's own stages; implicit ones come after.
  if (target.empty()) return context.stages.at(declared - 1);
  StageState* stage = context.stages.find(target);
  if (stage != nullptr) return stage;
  Error error = make_error(ErrorCode::NotFound, "target stage \"{}\" could not be found", target);
  const std::string near = nearest(target, context.stages.titles());
  if (near.empty()) return error;
  return std::move(error).with_hint(fmt::format("did you mean {}?", near));
}

Status read_ignored(ConvertContext& context) {
  const auto* local = std::get_if<LocalContext>(&context.options.main_context);
  if (local == nullptr || local->excludes.empty()) return {};
  context.ignored = TRY(PatternMatcher::create(local->excludes));
  return {};
}

Result<std::set<std::string>> dispatch_stages(ConvertContext& context,
                                              const std::set<const StageState*>& reachable) {
  std::set<std::string> context_paths;
  TRY(read_ignored(context));
  for (size_t i = 0; i < context.stages.size(); ++i) {
    StageState& stage = *context.stages.at(i);
    const bool wanted = reachable.contains(&stage) && !stage.is_dispatched;
    if (!wanted && !context.options.all_stages) continue;
    TRY(dispatch_stage(context, stage));
    context_paths.insert(stage.context_paths.begin(), stage.context_paths.end());
  }
  return context_paths;
}

ImageConfig final_image(const ConvertContext& context, const StageState& target) {
  ImageConfig image = target.image;
  for (const auto& [name, value] : context.options.labels) image.config.labels[name] = value;
  if (!context.implicit_target) {
    const Platform& wanted = context.target_platform;
    const bool same =
        wanted.os == image.platform.os && wanted.architecture == image.platform.architecture;
    image.platform.os = wanted.os;
    image.platform.architecture = wanted.architecture;
    if (!wanted.variant.empty() || !same) image.platform.variant = wanted.variant;
    if (!wanted.os_version.empty() || !same) image.platform.os_version = wanted.os_version;
    if (!wanted.os_features.empty()) image.platform.os_features = wanted.os_features;
  }
  image.platform = image.platform.normalized();
  if (image.platform.os.empty()) image.platform.os = Platform::host().os;
  return image;
}

// Ops without a platform of their own are for the target's.
void set_default_platforms(ConvertContext& context, size_t count) {
  for (size_t node = 0; node < count; ++node) {
    PendingOp& op = context.graph.op(node);
    if (std::holds_alternative<graph::ExecOp>(op.op) && !op.platform && !op.imported) {
      op.platform = context.target_platform;
    }
  }
}

}  // namespace

std::vector<std::string> follow_paths(const std::set<std::string>& paths) {
  if (paths.contains("/")) return {};
  std::set<std::string> relative;
  for (const std::string& path : paths) relative.insert(join_path(".", path));
  return {relative.begin(), relative.end()};
}

void add_follow_paths(PendingOp& local, const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  std::get<graph::SourceOp>(local.op).attrs["local.followpaths"] = json_list(paths);
  local.metadata.caps["source.local.followpaths"] = true;
}

Result<Conversion> convert(const Dockerfile& dockerfile, const ConvertOptions& given,
                           ImageResolver& resolver) {
  const ConvertOptions options = TRY(with_builtin_args(given));
  if (dockerfile.stages.empty()) {
    return make_error(ErrorCode::InvalidInput, "dockerfile contains no stages to build");
  }
  std::vector<Finding> unheard;
  ConvertContext context{options,
                         resolver,
                         dockerfile.escape,
                         ShellLexer({.escape = dockerfile.escape}),
                         PendingGraph({options.file_name, options.file_text, "Dockerfile"}),
                         {},
                         options.target_platform.value_or(options.build_platform),
                         !options.target_platform.has_value(),
                         options.build_args,
                         {},
                         {},
                         std::nullopt,
                         proxy_of(options.build_args),
                         {},
                         std::nullopt,
                         {},
                         options.linter != nullptr ? *options.linter : Linter({}, unheard),
                         std::nullopt};
  TRY(add_named_contexts(context));
  context.global_args = platform_args(
      context, options.target.empty() ? dockerfile.stages.back().name : options.target);
  TRY(add_global_args(context, dockerfile));
  TRY(set_epoch(context, dockerfile));
  context.main_context = TRY(add_main_context(context.graph, options));

  TRY(build_stages(context, dockerfile));
  StageState& target = *TRY(find_target(context, dockerfile.stages.size()));
  const std::set<const StageState*> reachable = TRY(resolve_stages(context, target));
  const std::set<std::string> context_paths = TRY(dispatch_stages(context, reachable));
  target.paths_of_base().insert("/");
  if (std::optional<Error> violation = context.linter.violation()) return *std::move(violation);

  Conversion result;
  result.config = final_image(context, target);
  result.base_config = target.base_image;
  result.platform = result.config.platform;
  result.multi_platform = options.multi_platform;
  result.epoch = context.epoch;
  result.context_paths = follow_paths(context_paths);
  if (context.main_context && std::holds_alternative<LocalContext>(options.main_context)) {
    add_follow_paths(context.graph.op(context.main_context->node), result.context_paths);
  }
  for (const LateLocal& late : context.late_locals) {
    std::set<std::string> paths = late.stage->used_paths;
    add_follow_paths(context.graph.op(late.node), follow_paths(paths));
  }
  set_default_platforms(context, context.graph.size());
  result.definition = context.graph.finish(target.state.output);
  result.uses_main_context =
      context.main_context && context.graph.reached(context.main_context->node);
  result.outline = outline_of(context, target);
  return result;
}

}  // namespace slipway::dockerfile
