// SOURCE_DATE_EPOCH: seconds, or whose time they are: "context", a named context, or a stage that
// is nothing but one remote ADD.
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/git_ref.h"

namespace slipway::dockerfile {
namespace {

constexpr char kEpochArg[] = "SOURCE_DATE_EPOCH";

// A source whose time is asked for, and how progress calls that.
struct TimedSource {
  graph::SourceOp op;
  std::string step_name;
};

std::optional<std::string> epoch_value(const ConvertContext& context) {
  const auto given = context.build_args.find(kEpochArg);
  if (given != context.build_args.end()) return given->second;
  const std::string* global = context.global_args.find(kEpochArg);
  if (global == nullptr || global->empty()) return std::nullopt;
  return *global;
}

// The one source of a graph; of several none is meant.
std::optional<graph::SourceOp> only_source(const graph::Definition& definition) {
  std::optional<graph::SourceOp> only;
  for (const graph::Vertex& vertex : definition.vertices()) {
    const auto* source = std::get_if<graph::SourceOp>(&vertex.op);
    if (source == nullptr) continue;
    if (only) return std::nullopt;
    only = *source;
  }
  return only;
}

Result<std::optional<graph::SourceOp>> source_of(const ContextSource& context) {
  if (const auto* input = std::get_if<InputContext>(&context)) {
    return only_source(*input->definition);
  }
  const auto* url = std::get_if<UrlContext>(&context);
  if (url == nullptr) return std::optional<graph::SourceOp>();
  const std::optional<GitRef> git = TRY(parse_git_ref(url->url));
  return std::optional(std::get<graph::SourceOp>(
      git ? git_source(*git, {}).op : http_source(url->url, kUrlContextFile, "", {}).op));
}

class SourceStage {
 public:
  SourceStage(const ConvertContext& context, const Stage& stage)
      : context_(context), stage_(stage), args_(context.global_args) {
    args_.unset(kEpochArg);
  }

  Result<graph::SourceOp> source() {
    const std::string base = TRY(context_.lexer.word(stage_.base_name, args_.map()));
    if (base != "scratch") return invalid_input("SOURCE_DATE_EPOCH stage must use FROM scratch");
    std::optional<graph::SourceOp> found;
    for (const Instruction& instruction : stage_.instructions) {
      if (const auto* arg = std::get_if<ArgInstruction>(&instruction)) {
        TRY(set_args(*arg));
        continue;
      }
      const auto* add = std::get_if<AddInstruction>(&instruction);
      if (add == nullptr) {
        return invalid_input(
            "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported {} "
            "instruction",
            info_of(instruction).source.substr(0, info_of(instruction).source.find(' ')));
      }
      if (found) return one_add();
      found = TRY(source_of_add(*add));
    }
    if (!found) return one_add();
    return *std::move(found);
  }

 private:
  static Error one_add() {
    return invalid_input("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
  }

  Status set_args(const ArgInstruction& instruction) {
    for (const ArgDefinition& arg : instruction.args) {
      const auto given = context_.build_args.find(arg.key);
      if (given != context_.build_args.end()) {
        args_.set(arg.key, given->second);
      } else if (arg.value) {
        args_.set(arg.key, TRY(context_.lexer.word(*arg.value, args_.map())));
      }
    }
    return {};
  }

  Result<graph::SourceOp> source_of_add(const AddInstruction& add) const {
    if (!add.paths.contents.empty() || add.paths.sources.size() != 1) {
      return invalid_input("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source");
    }
    const std::string from = TRY(context_.lexer.word(add.paths.sources[0], args_.map()));
    const std::string checksum = TRY(context_.lexer.word(add.checksum, args_.map()));
    if (is_http_source(from)) {
      if (!checksum.empty()) TRY(Digest::parse(checksum));
      return std::get<graph::SourceOp>(http_source(from, url_file_name(from), checksum, {}).op);
    }
    std::optional<GitRef> git = TRY(parse_git_ref(from));
    if (!git || git->looks_like_a_path) {
      return invalid_input("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD");
    }
    if (add.keep_git_dir.value_or(false)) git->keep_git_dir = true;
    if (!checksum.empty()) git->checksum = checksum;
    return std::get<graph::SourceOp>(git_source(*git, {}).op);
  }

  const ConvertContext& context_;
  const Stage& stage_;
  EnvList args_;
};

Result<std::optional<TimedSource>> timed_source(const ConvertContext& context,
                                                const Dockerfile& dockerfile,
                                                const std::string& value) {
  const auto timed = [](std::optional<graph::SourceOp> op, std::string step_name) {
    return op ? std::optional(TimedSource{*std::move(op), std::move(step_name)}) : std::nullopt;
  };
  if (value == "context") {
    const graph::Definition definition = TRY(main_context_definition(context.options));
    return timed(only_source(definition), "[internal] resolve main build context metadata");
  }
  std::string found_name;
  const ContextSource* named = TRY(find_context(context, value, nullptr, found_name));
  if (named != nullptr) {
    return timed(TRY(source_of(*named)),
                 "[internal] resolve SOURCE_DATE_EPOCH named context " + value);
  }
  for (const Stage& stage : dockerfile.stages) {
    if (to_lower(stage.name) != to_lower(value)) continue;
    Result<graph::SourceOp> source = SourceStage(context, stage).source();
    if (!source) return std::move(source.error()).at(stage.info.span);
    return timed(*std::move(source),
                 "[internal] resolve SOURCE_DATE_EPOCH source stage " + stage.name);
  }
  return invalid_input("invalid SOURCE_DATE_EPOCH: {}", value);
}

Result<std::optional<int64_t>> resolve_epoch(const ConvertContext& context,
                                             const Dockerfile& dockerfile,
                                             const std::string& value) {
  if (value.empty()) return std::optional<int64_t>();
  int64_t seconds = 0;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, seconds);
  if (error == std::errc() && end == last) return std::optional(seconds);
  const std::optional<TimedSource> source = TRY(timed_source(context, dockerfile, value));
  if (!source || !context.options.source_time) return std::optional<int64_t>();
  return context.options.source_time(source->op, source->step_name);
}

}  // namespace

Status set_epoch(ConvertContext& context, const Dockerfile& dockerfile) {
  const std::optional<std::string> value = epoch_value(context);
  if (!value) return {};
  context.epoch = TRY(resolve_epoch(context, dockerfile, *value));
  // The Dockerfile sees the seconds, or nothing.
  const std::string text = context.epoch ? std::to_string(*context.epoch) : "";
  if (context.build_args.contains(kEpochArg)) {
    if (text.empty()) {
      context.build_args.erase(kEpochArg);
    } else {
      context.build_args[kEpochArg] = text;
    }
  }
  if (context.global_args.find(kEpochArg) == nullptr) return {};
  if (text.empty()) {
    context.global_args.unset(kEpochArg);
  } else {
    context.global_args.set(kEpochArg, text);
  }
  return {};
}

}  // namespace slipway::dockerfile
