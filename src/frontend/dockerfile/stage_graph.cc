// Stages: made from the Dockerfile, named, linked to each other, checked for cycles.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "base/values.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/lint/value_rules.h"

namespace slipway::dockerfile {

namespace {

constexpr char kScratch[] = "scratch";

bool makes_step(const Instruction& instruction) {
  return std::holds_alternative<AddInstruction>(instruction) ||
         std::holds_alternative<CopyInstruction>(instruction) ||
         std::holds_alternative<RunInstruction>(instruction) ||
         std::holds_alternative<WorkdirInstruction>(instruction);
}

bool ignores_cache(const ConvertOptions& options, const std::string& stage_name) {
  if (options.no_cache) return true;
  return std::ranges::any_of(options.no_cache_filter, [&](const std::string& name) {
    return to_lower(name) == to_lower(stage_name);
  });
}

// A word of FROM, with the values of global arguments.
Result<ExpandedWord> expand_from(const ConvertContext& context, const Stage& stage,
                                 const std::string& word, const Linter& linter) {
  const Environment& env = context.global_args.map();
  Result<ExpandedWord> expanded = context.lexer.expand(word, env);
  std::set<std::string> declared;
  for (const auto& [name, arg] : context.declared_args) declared.insert(name);
  for (const auto& [name, value] : context.global_args.entries()) declared.insert(name);
  check_from_variables(expanded ? expanded->unmatched : context.lexer.unset_variables(word, env),
                       declared, stage.info.span, linter);
  return expanded;
}

Result<Platform> stage_platform(const ConvertContext& context, const Stage& stage,
                                const Linter& linter) {
  const ExpandedWord expanded =
      TRY(expand_from(context, stage, stage.platform, linter)
              .context("failed to process arguments for platform " + stage.platform));
  const std::string* target = context.global_args.find("TARGETPLATFORM");
  check_from_platform(stage.platform, stage.name, expanded, target != nullptr ? *target : "",
                      stage.info.span, linter);
  std::string hint;
  for (const std::string& name : expanded.unmatched) {
    std::vector<std::string> known;
    for (const auto& [arg, value] : context.global_args.entries()) known.push_back(arg);
    const std::string near = nearest(name, known);
    if (!near.empty()) hint = fmt::format("did you mean {}?", near);
  }
  if (expanded.text.empty()) {
    return make_error(ErrorCode::InvalidInput, "empty platform value from expression {}",
                      stage.platform)
        .with_hint(hint);
  }
  Result<Platform> platform = Platform::parse(expanded.text);
  if (!platform) {
    return std::move(platform.error())
        .context("failed to parse platform " + stage.platform)
        .with_hint(hint);
  }
  return platform;
}

// A stage for an image that COPY --from or a mount names.
StageState& add_implicit(ConvertContext& context, std::string base_name, const SourceSpan* span) {
  auto stage = std::make_unique<StageState>();
  stage->base_name = std::move(base_name);
  if (span != nullptr) stage->info.span = *span;
  stage->is_implicit = true;
  return context.stages.add(std::move(stage));
}

Status add_stage(ConvertContext& context, const Stage& stage, size_t index) {
  const Linter linter = context.linter.with_comments(stage.info.comments);
  const std::string base_name = TRY(expand_from(context, stage, stage.base_name, linter)).text;
  if (base_name.empty()) {
    return make_error(ErrorCode::InvalidInput, "base name ({}) should not be blank",
                      stage.base_name);
  }
  auto state = std::make_unique<StageState>();
  state->info = stage.info;
  state->name = stage.name;
  state->description = stage.doc_comment;
  state->base_name = base_name;
  state->title = stage.name;
  if (!stage.platform.empty()) state->platform = TRY(stage_platform(context, stage, linter));
  for (const Instruction& instruction : stage.instructions) {
    state->commands.push_back({instruction, {}, false});
  }
  StageState& added = *state;
  if (!stage.name.empty()) {
    std::string found;
    const Platform* platform = state->platform ? &*state->platform : nullptr;
    if (TRY(find_context(context, stage.name, platform, found)) != nullptr) {
      state->named_context = found;
      context.stages.add(std::move(state));
      added.base = nullptr;
      return {};
    }
  } else {
    state->title = fmt::format("stage-{}", index);
  }
  context.stages.add(std::move(state));
  added.step_total = base_name != kScratch && added.base == nullptr ? 1 : 0;
  added.step_total += static_cast<int>(std::ranges::count_if(stage.instructions, makes_step));
  added.ignores_cache = ignores_cache(context.options, stage.name);
  for (const std::string& word : {stage.base_name, stage.platform}) {
    const ExpandedWord expanded = TRY(context.lexer.expand(word, context.global_args.map()));
    added.inputs.used_args.insert(expanded.matched.begin(), expanded.matched.end());
  }
  return {};
}

Result<StageState*> copy_source(ConvertContext& context, const CopyInstruction& copy) {
  const std::string expanded = TRY(context.lexer.word(copy.from, {}));
  if (expanded != copy.from) {
    return make_error(ErrorCode::InvalidInput,
                      "variable expansion is not supported for --from, define a new stage with "
                      "FROM using ARG from global scope as a workaround");
  }
  const bool numeric = !copy.from.empty() && copy.from.size() < 10 &&
                       std::ranges::all_of(copy.from, [](char c) { return c >= '0' && c <= '9'; });
  if (numeric) {
    StageState* stage = context.stages.at(std::stoul(copy.from));
    if (stage == nullptr) {
      return make_error(ErrorCode::InvalidInput, "invalid stage index {}", copy.from);
    }
    return stage;
  }
  StageState* stage = context.stages.find(copy.from);
  return stage != nullptr ? stage : &add_implicit(context, copy.from, &copy.info.span);
}

// The "from" of a --mount, before variables have values (it cannot hold one).
Result<std::string> mount_from(std::string_view mount) {
  std::string from;
  for (const std::string& field : TRY(parse_csv_line(mount))) {
    const size_t equals = field.find('=');
    if (equals != std::string::npos && to_lower(field.substr(0, equals)) == "from") {
      from = field.substr(equals + 1);
    }
  }
  return from;
}

Status check_cycles(const StageList& stages) {
  std::set<const StageState*> visited;
  std::vector<const StageState*> path;
  const auto visit = [&](const auto& self, const StageState& stage) -> bool {
    if (!visited.insert(&stage).second) return true;
    path.push_back(&stage);
    for (const StageState* dependency : stage.dependencies) {
      if (std::ranges::find(path, dependency) != path.end()) return false;
      if (!self(self, *dependency)) return false;
    }
    path.pop_back();
    return true;
  };
  for (size_t i = 0; i < stages.size(); ++i) {
    if (visit(visit, *stages.at(i))) continue;
    Error error = make_error(ErrorCode::InvalidInput, "circular dependency detected on stage: {}",
                             stages.at(i)->title);
    for (const StageState* stage : path) error = std::move(error).at(stage->info.span);
    return error;
  }
  return {};
}

// Triggers of the base image's config and of the base stage become the stage's first commands.
// Returns whether they brought new sources.
Result<bool> add_onbuild_triggers(ConvertContext& context, StageState& stage,
                                  const std::vector<std::string>& triggers) {
  std::vector<Command> commands;
  bool new_sources = false;
  for (const std::string& trigger : triggers) {
    Instruction instruction = TRY(parse_onbuild_trigger(trigger, stage.info.span));
    Command command = TRY(make_command(context, stage, std::move(instruction)));
    command.is_onbuild = true;
    new_sources = new_sources || !command.sources.empty();
    commands.push_back(std::move(command));
  }
  stage.step_total += static_cast<int>(commands.size());
  std::ranges::move(stage.commands, std::back_inserter(commands));
  stage.commands = std::move(commands);
  return new_sources;
}

Result<bool> start_stage(ConvertContext& context, StageState& stage) {
  stage.inherit();
  std::vector<std::string> triggers = std::move(stage.image.config.on_build);
  stage.image.config.on_build.clear();
  if (stage.base != nullptr && !stage.onbuild_done) {
    for (const Command& command : stage.base->commands) {
      const auto* onbuild = std::get_if<OnbuildInstruction>(&command.instruction);
      if (onbuild != nullptr) triggers.push_back(onbuild->expression);
    }
    stage.onbuild_done = true;
  }
  // Nothing is built on an image that files are only copied from.
  if (triggers.empty() || stage.is_dispatched) return false;
  return add_onbuild_triggers(context, stage, triggers);
}

}  // namespace

void StageState::inherit() {
  if (base == nullptr) return;
  state = base->state;
  platform = base->platform;
  image = base->image;
  image.config.on_build.clear();
  base_image = base->base_image;
  workdir_set = base->workdir_set;
  args.insert(args.end(), base->args.begin(), base->args.end());
}

StageState& StageList::add(std::unique_ptr<StageState> stage) {
  StageState& added = *stage;
  stages_.push_back(std::move(stage));
  const auto base = by_name_.find(added.base_name);
  if (base != by_name_.end()) {
    added.base = base->second;
    added.inputs.used_args = base->second->inputs.used_args;
  }
  if (!added.name.empty()) by_name_[to_lower(added.name)] = &added;
  return added;
}

StageState* StageList::find(std::string_view name) const {
  const auto found = by_name_.find(to_lower(name));
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> StageList::titles() const {
  std::vector<std::string> titles;
  for (const std::unique_ptr<StageState>& stage : stages_) {
    const std::string& title = stage->title.empty() ? stage->name : stage->title;
    if (!title.empty()) titles.push_back(title);
  }
  return titles;
}

Result<Command> make_command(ConvertContext& context, StageState& stage, Instruction instruction) {
  Command command{std::move(instruction), {}, false};
  if (const auto* copy = std::get_if<CopyInstruction>(&command.instruction)) {
    if (!copy->from.empty()) command.sources.push_back(TRY(copy_source(context, *copy)));
  } else if (const auto* run = std::get_if<RunInstruction>(&command.instruction)) {
    for (const std::string& mount : run->mounts) {
      std::string from = TRY(mount_from(mount));
      if (from.empty()) from = kScratch;
      StageState* source = context.stages.find(from);
      if (source == nullptr) source = &add_implicit(context, std::move(from), nullptr);
      command.sources.push_back(source);
    }
  }
  std::ranges::copy(command.sources, std::back_inserter(stage.dependencies));
  return command;
}

Status build_stages(ConvertContext& context, const Dockerfile& dockerfile) {
  for (size_t i = 0; i < dockerfile.stages.size(); ++i) {
    Status added = add_stage(context, dockerfile.stages[i], i);
    if (!added) return std::move(added.error()).at(dockerfile.stages[i].info.span);
  }
  const size_t declared = context.stages.size();
  for (size_t i = 0; i < declared; ++i) {
    StageState& stage = *context.stages.at(i);
    for (Command& command : stage.commands) {
      const SourceSpan span = info_of(command.instruction).span;
      Result<Command> linked = make_command(context, stage, std::move(command.instruction));
      if (!linked) return std::move(linked.error()).at(span);
      command = *std::move(linked);
    }
  }
  TRY(check_cycles(context.stages));
  if (context.stages.size() == 1) context.stages.at(0)->title.clear();
  return {};
}

std::set<const StageState*> reachable_stages(const StageState& target) {
  std::set<const StageState*> reached;
  std::vector<const StageState*> open = {&target};
  while (!open.empty()) {
    const StageState* stage = open.back();
    open.pop_back();
    if (!reached.insert(stage).second) continue;
    if (stage->base != nullptr) open.push_back(stage->base);
    open.insert(open.end(), stage->dependencies.begin(), stage->dependencies.end());
  }
  return reached;
}

Result<std::set<const StageState*>> resolve_stages(ConvertContext& context, StageState& target) {
  // Triggers may name further images, whose configs may hold further triggers.
  while (true) {
    std::set<const StageState*> reachable = reachable_stages(target);
    TRY(resolve_bases(context, reachable));
    bool new_sources = false;
    const size_t known = context.stages.size();
    for (size_t i = 0; i < known; ++i) {
      StageState& stage = *context.stages.at(i);
      if (!reachable.contains(&stage)) continue;
      Result<bool> started = start_stage(context, stage);
      if (!started) return std::move(started.error()).at(stage.info.span);
      new_sources = new_sources || *started;
    }
    if (!new_sources) return reachable;
  }
}

}  // namespace slipway::dockerfile
