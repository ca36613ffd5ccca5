// A stage's instructions in order; here those that only change the image config.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/expand.h"
#include "frontend/dockerfile/go_format.h"
#include "frontend/dockerfile/lint/value_rules.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

namespace {

void set_config_env(std::vector<std::string>& env, const std::string& name,
                    const std::string& value) {
  const auto known = std::ranges::find_if(
      env, [&](const std::string& entry) { return entry.substr(0, entry.find('=')) == name; });
  if (known != env.end()) {
    *known = name + "=" + value;
  } else {
    env.push_back(name + "=" + value);
  }
}

std::vector<std::string> with_shell(const ImageConfig& image, const CommandLine& command) {
  if (!command.prepend_shell) return command.args;
  std::vector<std::string> args = shell_of(image);
  args.push_back(join(command.args, " "));
  return args;
}

// Names as Linux has them, with or without SIG, and numbers.
bool is_signal(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number != 0;
  std::string name;
  for (const char c : text) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (name.starts_with("SIG")) name.erase(0, 3);
  constexpr std::string_view kNames[] = {
      "ABRT", "ALRM",   "BUS",  "CHLD",   "CLD",   "CONT", "FPE",  "HUP",   "ILL",
      "INT",  "IO",     "IOT",  "KILL",   "PIPE",  "POLL", "PROF", "PWR",   "QUIT",
      "SEGV", "STKFLT", "STOP", "SYS",    "TERM",  "TRAP", "TSTP", "TTIN",  "TTOU",
      "URG",  "USR1",   "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX"};
  if (std::ranges::find(kNames, name) != std::end(kNames)) return true;
  const bool from_min = name.starts_with("RTMIN+");
  if (!from_min && !name.starts_with("RTMAX-")) return false;
  int offset = 0;
  const char* const last = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + 6, last, offset);
  return parsed.ec == std::errc() && parsed.ptr == last && offset >= 1 &&
         offset <= (from_min ? 15 : 14);
}

// BUILDKIT_SBOM_SCAN_* steer the scanner; they are no variables of the build.
bool is_env_arg(std::string_view name) {
  return name != "BUILDKIT_SBOM_SCAN_CONTEXT" && name != "BUILDKIT_SBOM_SCAN_STAGE";
}

class Dispatcher {
 public:
  Dispatcher(ConvertContext& context, StageState& stage, const Command& command,
             const CheckedExpander& expander)
      : context_(context),
        stage_(stage),
        command_(command),
        expander_(expander),
        linter_(expander.linter()) {}

  Status operator()(const EnvInstruction& env) {
    std::string message = "ENV";
    for (const KeyValue& pair : env.pairs) {
      check_format(pair, env.info);
      check_secret_name("ENV", pair.key, env.info.span, linter_);
      message += " " + pair.str();
      stage_.state.env.set(pair.key, pair.value);
      set_config_env(config().env, pair.key, pair.value);
    }
    return done(std::move(message));
  }

  Status operator()(const LabelInstruction& label) {
    std::string message = "LABEL";
    for (const KeyValue& pair : label.pairs) {
      check_format(pair, label.info);
      message += " " + pair.str();
      config().labels[pair.key] = pair.value;
    }
    return done(std::move(message));
  }

  Status operator()(const ArgInstruction& instruction) {
    std::vector<std::string> shown;
    for (ArgDefinition arg : instruction.args) {
      check_secret_name("ARG", arg.key, instruction.info.span, linter_);
      const auto given = context_.build_args.find(arg.key);
      const std::string* const global = context_.global_args.find(arg.key);
      const bool is_inherited =
          given == context_.build_args.end() && !arg.value && global != nullptr;
      if (given != context_.build_args.end()) {
        arg.value = given->second;
      } else if (arg.value) {
        arg.value = TRY(expander_.word(context_.lexer, *arg.value));
      } else if (is_inherited) {
        arg.value = *global;
      }
      if (arg.value && is_env_arg(arg.key)) stage_.state.env.set(arg.key, *arg.value);
      shown.push_back(arg.value ? arg.key + "=" + *arg.value : arg.key);
      stage_.inputs.used_args.insert(arg.key);
      if (!is_inherited) {
        stage_.inputs.args[arg.key] = {arg.key, arg.doc_comment, arg.value.value_or(""),
                                       instruction.info.span};
      }
      stage_.args.push_back(std::move(arg));
    }
    return done("ARG " + join(shown, " "));
  }

  Status operator()(const CmdInstruction& cmd) {
    check_used_once(stage_.cmd, cmd.info);
    check_shell_form(cmd.command, cmd.info);
    config().cmd = with_shell(stage_.image, cmd.command);
    config().args_escaped = true;
    return done("CMD " + go_quote_list(*config().cmd));
  }

  Status operator()(const EntrypointInstruction& entrypoint) {
    check_used_once(stage_.entrypoint, entrypoint.info);
    check_shell_form(entrypoint.command, entrypoint.info);
    config().entrypoint = with_shell(stage_.image, entrypoint.command);
    // A CMD of the base image was meant for its own entrypoint.
    if (!stage_.cmd) config().cmd.reset();
    return done("ENTRYPOINT " + go_quote_list(*config().entrypoint));
  }

  Status operator()(const HealthcheckInstruction& check) {
    check_used_once(stage_.healthcheck, check.info);
    config().healthcheck = Healthcheck{check.test,         check.interval,       check.timeout,
                                       check.start_period, check.start_interval, check.retries};
    return done(fmt::format(
        "HEALTHCHECK {{Test:{} Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
        go_list(check.test), go_duration(check.interval), go_duration(check.timeout),
        go_duration(check.start_period), go_duration(check.start_interval), check.retries));
  }

  Status operator()(const MaintainerInstruction& maintainer) {
    stage_.image.author = maintainer.maintainer;
    return done("MAINTAINER " + maintainer.maintainer);
  }

  Status operator()(const OnbuildInstruction& onbuild) {
    config().on_build.push_back(onbuild.expression);
    return {};
  }

  Status operator()(const ShellInstruction& shell) {
    config().shell = shell.shell;
    return done("SHELL " + go_list(shell.shell));
  }

  Status operator()(const StopsignalInstruction& stopsignal) {
    if (!is_signal(stopsignal.signal)) {
      return make_error(ErrorCode::InvalidInput, "invalid signal: {}", stopsignal.signal);
    }
    config().stop_signal = stopsignal.signal;
    return done("STOPSIGNAL " + stopsignal.signal);
  }

  Status operator()(const UserInstruction& user) {
    stage_.state.user = user.user;
    config().user = user.user;
    return done("USER " + user.user);
  }

  Status operator()(const VolumeInstruction& volume) {
    for (const std::string& path : volume.volumes) {
      if (path.empty()) {
        return make_error(ErrorCode::InvalidInput, "VOLUME specified can not be an empty string");
      }
      config().volumes[path] = "";
    }
    return done("VOLUME " + go_list(volume.volumes));
  }

  Status operator()(const ExposeInstruction& expose) {
    return dispatch_expose(context_, stage_, expose, linter_);
  }
  Status operator()(const WorkdirInstruction& workdir) {
    return dispatch_workdir(context_, stage_, workdir, linter_);
  }
  Status operator()(const AddInstruction& add) {
    return dispatch_add(context_, stage_, add, linter_);
  }
  Status operator()(const CopyInstruction& copy) {
    return dispatch_copy(context_, stage_, copy, command_.sources, linter_);
  }
  Status operator()(const RunInstruction& run) {
    return dispatch_run(context_, stage_, run, command_.sources, expander_);
  }

 private:
  void check_format(const KeyValue& pair, const InstructionInfo& info) const {
    if (!pair.without_equals) return;
    linter_.report(rules::kLegacyKeyValueFormat, info.span,
                   fmt::format("\"{0} key=value\" should be used instead of legacy \"{0} key "
                               "value\" format",
                               info.name));
  }

  // It is the earlier one that has no effect.
  void check_used_once(std::optional<SourceSpan>& last, const InstructionInfo& info) const {
    if (last) {
      linter_.report(rules::kMultipleInstructionsDisallowed, *last,
                     fmt::format("Multiple {} instructions should not be used in the same stage "
                                 "because only the last one will be used",
                                 info.name));
    }
    last = info.span;
  }

  // Who chose a shell knows what it does with signals.
  void check_shell_form(const CommandLine& command, const InstructionInfo& info) const {
    const auto& shell = stage_.image.config.shell;
    if (!command.prepend_shell || (shell && !shell->empty())) return;
    linter_.report(rules::kJsonArgsRecommended, info.span,
                   fmt::format("JSON arguments recommended for {} to prevent unintended behavior "
                               "related to OS signals",
                               info.name));
  }

  ContainerConfig& config() { return stage_.image.config; }
  Status done(std::string message) {
    add_history(context_, stage_, std::move(message), false);
    return {};
  }

  ConvertContext& context_;
  StageState& stage_;
  const Command& command_;
  const CheckedExpander& expander_;
  const Linter& linter_;
};

Status expand_command(const ConvertContext& context, const CheckedExpander& expander,
                      Instruction& instruction) {
  // ARG may not need its default value; RUN expands its mounts itself.
  if (std::holds_alternative<ArgInstruction>(instruction)) return {};
  TRY(expand(instruction,
             [&](std::string_view word) { return expander.word(context.lexer, word); }));
  const ShellLexer contents({.keep_quotes = true});
  return expand_heredocs(instruction,
                         [&](std::string_view word) { return expander.word(contents, word); });
}

// Protobuf strings, and so LLB, can only hold UTF-8: an instruction, and the script of a RUN. What
// COPY gets from a heredoc is bytes.
bool fits_llb(const Instruction& instruction) {
  if (!is_utf8(info_of(instruction).source)) return false;
  const auto* run = std::get_if<RunInstruction>(&instruction);
  return run == nullptr || std::ranges::all_of(run->command.files, [](const InlineFile& file) {
           return is_utf8(file.data);
         });
}

// What the image's config says holds from the first instruction on.
Status start_from_image(ConvertContext& context, StageState& stage) {
  if (!stage.platform) stage.platform = context.target_platform;
  std::vector<std::string>& env = stage.image.config.env;
  const bool has_path =
      std::ranges::any_of(env, [](const auto& entry) { return entry.starts_with("PATH="); });
  if (!has_path && stage.platform->os != "windows") {
    env.push_back("PATH=" + default_path(stage.platform->os));
  }
  for (const std::string& entry : env) {
    const size_t equals = entry.find('=');
    stage.state.env.set(entry.substr(0, equals),
                        equals == std::string::npos ? "" : entry.substr(equals + 1));
  }
  if (!context.options.hostname.empty()) stage.state.hostname = context.options.hostname;
  if (!stage.image.config.working_dir.empty()) {
    TRY(set_workdir(stage, std::string(stage.image.config.working_dir)));
  }
  if (!stage.image.config.user.empty()) stage.state.user = stage.image.config.user;
  stage.state.network = context.options.network;
  return {};
}

}  // namespace

CheckedExpander::CheckedExpander(const ConvertContext& context, const StageState& stage,
                                 const InstructionInfo& info)
    : stage_(stage), span_(info.span), linter_(context.linter.with_comments(info.comments)) {}

Result<std::string> CheckedExpander::word(const ShellLexer& lexer, std::string_view text) const {
  const EnvList& env = stage_.state.env;
  Result<ExpandedWord> expanded = lexer.expand(text, env.map());
  const std::set<std::string> unset =
      expanded ? std::move(expanded->unmatched) : lexer.unset_variables(text, env.map());
  if (!unset.empty()) {
    std::set<std::string> arguments;
    for (const ArgDefinition& arg : stage_.args) arguments.insert(arg.key);
    std::vector<std::string> known;
    for (const auto& [name, value] : env.entries()) known.push_back(name);
    check_variables(unset, arguments, known, span_, linter_);
  }
  if (!expanded) return std::move(expanded).error();
  return std::move(expanded->text);
}

std::vector<std::string> shell_of(const ImageConfig& image) {
  if (image.config.shell && !image.config.shell->empty()) return *image.config.shell;
  if (image.platform.os == "windows") return {"cmd", "/S", "/C"};
  return {"/bin/sh", "-c"};
}

Status set_workdir(StageState& stage, std::string_view path) {
  const std::string& os = stage.platform->os;
  std::string& config_dir = stage.image.config.working_dir;
  config_dir = TRY(normalize_workdir(config_dir, path, os).context("normalizing workdir"));
  const std::string dir = to_slash(config_dir, os);
  stage.state.dir = dir.starts_with('/') ? dir : join_path(stage.state.dir, dir);
  return {};
}

Status dispatch_workdir(ConvertContext& context, StageState& stage,
                        const WorkdirInstruction& workdir, const Linter& linter) {
  // An absolute directory of the base image does not count: it may change.
  if (!stage.workdir_set && !is_absolute(workdir.path, stage.platform->os)) {
    linter.report(rules::kWorkdirRelativePath, workdir.info.span,
                  fmt::format("Relative workdir {} can have unexpected results if the base image "
                              "changes",
                              go_quote(workdir.path)));
  }
  stage.workdir_set = true;
  TRY(set_workdir(stage, workdir.path));
  const std::string dir = to_slash(stage.image.config.working_dir, stage.platform->os);
  if (dir != "/") {
    graph::FileMkdir mkdir;
    mkdir.path = action_path(stage.state.dir, dir, false);
    mkdir.mode = 0755;
    mkdir.make_parents = true;
    const int64_t base = stage.state.output ? 0 : graph::kNone;
    if (!stage.image.config.user.empty()) mkdir.owner = parse_chown(stage.image.config.user, base);
    if (context.epoch) mkdir.timestamp = *context.epoch * 1'000'000'000;
    PendingOp op;
    op.op = graph::FileOp{{{base, graph::kNone, 0, std::move(mkdir)}}};
    if (stage.state.output) op.inputs.push_back(*stage.state.output);
    op.metadata = named(step_name(
        context, stage, shown_command(context.lexer, workdir.info.source, stage.state.env.map()),
        &*stage.platform, &stage.state.env));
    op.metadata.caps["file.base"] = true;
    add_location(op.metadata, workdir.info.span);
    stage.state.output = context.graph.add(std::move(op));
  }
  add_history(context, stage, "WORKDIR " + dir, dir != "/");
  return {};
}

Status dispatch_stage(ConvertContext& context, StageState& stage) {
  stage.inherit();
  stage.is_dispatched = true;
  Status started = start_from_image(context, stage);
  if (!started) return std::move(started.error()).at(stage.info.span);
  for (Command& command : stage.commands) {
    const InstructionInfo& info = info_of(command.instruction);
    const SourceSpan span = info.span;
    const auto dispatch = [&]() -> Status {
      if (!fits_llb(command.instruction)) {
        return make_error(ErrorCode::InvalidInput, "{}: invalid UTF-8", info.name);
      }
      const CheckedExpander expander(context, stage, info);
      TRY(expand_command(context, expander, command.instruction));
      stage.in_onbuild = command.is_onbuild;
      return std::visit(Dispatcher(context, stage, command, expander), command.instruction);
    };
    Status dispatched = dispatch();
    if (!dispatched) return std::move(dispatched.error()).at(span);
  }
  return {};
}

}  // namespace slipway::dockerfile
