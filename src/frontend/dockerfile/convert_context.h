// Shared by the files that make up the conversion (convert.cc): stages as they are being converted,
// and what all of them share. Not for others to include.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/pattern_matcher.h"
#include "frontend/dockerfile/build_state.h"
#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/lint/linter.h"
#include "frontend/dockerfile/outline.h"
#include "frontend/dockerfile/pending_graph.h"
#include "frontend/dockerfile/shell_lexer.h"

namespace slipway::dockerfile {

struct StageState;

// What the outline says of one stage.
struct StageInputs {
  std::set<std::string> used_args;              // by FROM, also of its base stages, and by ARG
  std::map<std::string, OutlineArg> args;       // that its own ARG gives a value
  std::map<std::string, OutlineMount> secrets;  // the first of each id
  std::map<std::string, OutlineMount> ssh;
};

// ARG before the first FROM.
struct GlobalArg {
  OutlineArg arg;
  std::set<std::string> needs;  // variables that its default names
};

struct Command {
  Instruction instruction;  // a copy: expansion works in place
  // What COPY --from and each RUN --mount take their files from, one for each mount.
  std::vector<StageState*> sources;
  bool is_onbuild = false;
};

// A stage while it is converted. Images that COPY --from and mounts name are stages too.
struct StageState {
  // Of the Dockerfile's FROM; an implicit stage (COPY --from=image) has only base_name.
  InstructionInfo info;
  std::string name;         // as in AS, lower case; may be empty
  std::string description;  // the comment above FROM that begins with the name
  std::string base_name;    // expanded; the full pinned reference once resolved
  std::string title;  // in step names: "deps", "stage-1", or empty when there is one stage only
  std::vector<Command> commands;
  std::vector<StageState*> dependencies;
  StageState* base = nullptr;  // the stage named by FROM
  bool is_implicit = false;
  bool is_resolved = false;    // base image known (or not needed)
  bool is_dispatched = false;  // commands converted

  std::optional<std::string> named_context;  // the context that stands in for the whole stage

  BuildState state;
  ImageConfig image;
  std::optional<ImageConfig> base_image;
  std::optional<Platform> platform;
  std::vector<ArgDefinition> args;  // ARG so far, those of base stages first
  bool onbuild_done = false;
  bool ignores_cache = false;
  // Instructions of which the last one counts, where it was seen in this stage.
  std::optional<SourceSpan> cmd;
  std::optional<SourceSpan> entrypoint;
  std::optional<SourceSpan> healthcheck;
  bool workdir_set = false;  // by this Dockerfile, not only by the base image

  StageInputs inputs;

  std::set<std::string> context_paths;  // of the main context, used by COPY, ADD and mounts
  // Paths of this stage's base that are used; shared with the stages built on it (paths_of_base).
  std::set<std::string> used_paths;

  int step = 0;             // number of the last named step
  int step_total = 0;       // 0: steps are not numbered
  bool in_onbuild = false;  // the instruction being converted is a trigger

  // Inherits from its base stage.
  void inherit();
  std::set<std::string>& paths_of_base() {
    StageState* root = this;
    while (root->base != nullptr) root = root->base;
    return root->used_paths;
  }
};

class StageList {
 public:
  StageState& add(std::unique_ptr<StageState> stage);
  StageState* find(std::string_view name) const;
  StageState* at(size_t index) const {
    return index < stages_.size() ? stages_[index].get() : nullptr;
  }
  size_t size() const { return stages_.size(); }
  std::vector<std::string> titles() const;

 private:
  std::vector<std::unique_ptr<StageState>> stages_;
  std::map<std::string, StageState*, std::less<>> by_name_;
};

// A named context of type LocalContext whose used paths are known at the end only.
struct LateLocal {
  size_t node;
  const StageState* stage;
};

struct ConvertContext {
  const ConvertOptions& options;
  ImageResolver& resolver;
  char escape;
  ShellLexer lexer;
  PendingGraph graph;
  StageList stages;
  Platform target_platform;
  bool implicit_target = false;  // no platform was asked for
  std::map<std::string, std::string> build_args;
  EnvList global_args;
  std::map<std::string, GlobalArg> declared_args;  // with a value or without
  std::optional<int64_t> epoch;                    // seconds
  std::optional<graph::ProxyEnv> proxy;
  std::map<std::string, const ContextSource*> named_contexts;  // by normalised name
  std::optional<Output> main_context;
  std::vector<LateLocal> late_locals;
  Linter linter;  // of the whole file; dispatch uses one for each instruction
  std::optional<PatternMatcher> ignored;  // what .dockerignore leaves out of the main context
};

// An instruction's own linter, and what its variables are: expands words, reporting variables
// without value.
class CheckedExpander {
 public:
  CheckedExpander(const ConvertContext& context, const StageState& stage,
                  const InstructionInfo& info);

  Result<std::string> word(const ShellLexer& lexer, std::string_view text) const;
  const Linter& linter() const { return linter_; }

 private:
  const StageState& stage_;
  SourceSpan span_;
  Linter linter_;
};

// ---- names and small values (step_name.cc)

// "[deps 2/3] RUN ...": counts the step. `env` tells cross-compilation targets; it and the platform
// may be null.
std::string step_name(const ConvertContext& context, StageState& stage, std::string text,
                      const Platform* platform, const EnvList* env);
// The instruction as shown: expanded where it can be, its first word in upper case.
std::string shown_command(const ShellLexer& lexer, std::string_view source, const Environment& env);
// With the OS version: "windows(10.0)/amd64".
std::string format_platform(const Platform& platform);
graph::VertexMetadata named(std::string name);
void add_location(graph::VertexMetadata& metadata, const SourceSpan& span);
void add_history(const ConvertContext& context, StageState& stage, std::string created_by,
                 bool with_layer);
std::string default_path(std::string_view os);

// ---- remote sources (remote_source.cc)

bool is_http_source(std::string_view text);
bool is_git_source(std::string_view text);
// The last part of a URL's path, decoded; "__unnamed__" where there is none.
std::string url_file_name(std::string_view url);
PendingOp git_source(const GitRef& ref, graph::VertexMetadata metadata);
PendingOp http_source(std::string url, std::string filename, std::string checksum,
                      graph::VertexMetadata metadata);
PendingOp image_source(const Reference& reference, const Platform& platform, ImagePull pull,
                       graph::VertexMetadata metadata);
// ["a","b"], as Go writes JSON.
std::string json_list(const std::vector<std::string>& items);

// ---- phases (stage_graph.cc, resolve_base.cc, dispatch*.cc)

// Resolves SOURCE_DATE_EPOCH (epoch.cc).
Status set_epoch(ConvertContext& context, const Dockerfile& dockerfile);
// The files of an archive that is behind http(s), or those of a directory in it (main_context.cc).
Output unpacked(PendingGraph& graph, const Output& archive, const std::string& directory);
// nullopt: scratch (main_context.cc).
Result<std::optional<Output>> add_main_context(PendingGraph& graph, const ConvertOptions& options);
// Fills context.stages from the Dockerfile and links them.
Status build_stages(ConvertContext& context, const Dockerfile& dockerfile);
// The stages that `target` needs, itself included; finds base images, unrolls ONBUILD triggers.
Result<std::set<const StageState*>> resolve_stages(ConvertContext& context, StageState& target);
// Finds the images of the stages that have no base stage and are not resolved yet.
Status resolve_bases(ConvertContext& context, const std::set<const StageState*>& reachable);
std::set<const StageState*> reachable_stages(const StageState& target);
Result<Command> make_command(ConvertContext& context, StageState& stage, Instruction instruction);
Status dispatch_stage(ConvertContext& context, StageState& stage);
// Paths for local.followpaths; empty means all.
std::vector<std::string> follow_paths(const std::set<std::string>& paths);
void add_follow_paths(PendingOp& local, const std::vector<std::string>& paths);
Result<const ContextSource*> find_context(const ConvertContext& context, std::string_view name,
                                          const Platform* platform, std::string& found_name);
// Of a target whose stages are dispatched (outline.cc).
Outline outline_of(const ConvertContext& context, const StageState& target);

// One instruction each. They change the stage's state, image config and history.
Status dispatch_run(ConvertContext& context, StageState& stage, const RunInstruction& run,
                    const std::vector<StageState*>& sources, const CheckedExpander& expander);
Status dispatch_add(ConvertContext& context, StageState& stage, const AddInstruction& add,
                    const Linter& linter);
Status dispatch_copy(ConvertContext& context, StageState& stage, const CopyInstruction& copy,
                     const std::vector<StageState*>& sources, const Linter& linter);
Status dispatch_expose(ConvertContext& context, StageState& stage, const ExposeInstruction& expose,
                       const Linter& linter);
Status dispatch_workdir(ConvertContext& context, StageState& stage,
                        const WorkdirInstruction& workdir, const Linter& linter);
// SHELL, or the operating system's default.
std::vector<std::string> shell_of(const ImageConfig& image);
// The part of WORKDIR that makes no layer.
Status set_workdir(StageState& stage, std::string_view path);

// "chown" of COPY, ADD and WORKDIR: user[:group], names or numbers. `input` is where names are
// looked up.
graph::ChownOpt parse_chown(std::string_view text, int64_t input);

}  // namespace slipway::dockerfile
