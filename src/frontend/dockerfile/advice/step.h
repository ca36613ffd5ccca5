// What rules of advice/ look at: one instruction and what was true before it. Not for others.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "frontend/dockerfile/advice/advice.h"
#include "frontend/dockerfile/advice/package_manager.h"
#include "frontend/dockerfile/run_mount.h"

namespace slipway::dockerfile {

// A COPY from the main context, and where the stage was when it ran.
struct ContextCopy {
  const Stage* stage;
  size_t index;
  const CopyInstruction* copy;
  std::string workdir;
};

// Of a stage so far, the stages it is based on included.
struct StageFacts {
  std::string image;  // the base image's name as written
  // As resolve_path() has it: "?" is where the base image is.
  std::string workdir = "?";
  std::map<std::string, std::string> environment;  // ENV as written; what images set is not known
  std::string user;                                // empty: root, or the image's
  bool posix_shell = true;                         // no SHELL that is none
  bool keeps_apt_archives = false;                 // docker-clean was removed
  bool updates_apt = false;                        // a RUN has updated the lists before
  bool has_apt_lists = false;                      // and they are still there
  // Managers that have downloaded before without a cache mount: files may be where they cache.
  std::set<std::string_view> left_caches;
  const CopyInstruction* source = nullptr;  // the first COPY of source code
  std::vector<ContextCopy> copies;
  // Managers that have installed from a manifest before there was any source.
  std::set<std::string_view> installed_before_source;
};

struct Step {
  const AdviceInput& input;
  const Stage& stage;
  size_t index;  // of the instruction in the stage
  const StageFacts& before;
  bool in_image;  // of the target: its stage, or one that it is based on
  const Linter& linter;

  const Instruction* previous() const {
    return index == 0 ? nullptr : &stage.instructions[index - 1];
  }
};

// RUN, understood.
struct RunStep {
  const Step& step;
  const RunInstruction& run;
  std::vector<ShellCommand> commands;
  std::vector<RunMount> mounts;
};

// Calls `visit` for each instruction of each stage, in order, with the check options of the
// comments above it.
void walk_steps(const AdviceInput& input, const Linter& linter,
                const std::function<void(const Step&)>& visit);
// What a RUN executes; nullopt: not understood.
std::optional<RunStep> understood(const Step& step, const RunInstruction& run);
// A path in the image, from a working directory: absolute, or below "?". "" where it has variables.
std::string resolve_path(const std::string& workdir, const std::string& path);
bool is_at_or_below(std::string_view path, std::string_view directory);
// The home of who runs; nullopt: not known.
std::optional<std::string> home_of(const StageFacts& facts);
// Whether a mount may have been made for the tool: by its name, or because it is around or inside
// a place where the tool caches.
bool is_meant_for(const RunMount& mount, const Install& install);
// What DependenciesAfterSource finds: an install from a manifest once there is source.
std::optional<Install> install_after_source(const RunStep& step);
// What AptUpdateAlone finds. In a cache mount the lists are kept up to date.
enum class AptLists { InOneStep, UpdatedAlone, OfEarlierStep };
AptLists apt_lists(const RunStep& step);
bool is_apt(const ShellCommand& command);
// Whether apt keeps its archives in the step: docker-clean is gone, or overruled.
bool keeps_apt_archives(const RunStep& step);
bool updates_apt(const ShellCommand& command);
// What AddInsteadOfCopy finds, by the look of the names.
bool adds_plain_files(const AddInstruction& add);
// What only steps need: caches, temporary files, downloaded archives.
bool removes_rubbish(const ShellCommand& command);

void advise_run(const RunStep& step);
void advise_cache_mounts(const RunStep& step);
void advise_copy(const Step& step, const CopyInstruction& copy);
void advise_add(const Step& step, const AddInstruction& add);

// Whether USER, or the user of an image's config, is root: "", "root", "0:1".
bool is_root(std::string_view user);
// Whether COPY brings source code: the whole context, or a directory with such a name.
bool copies_source(const AdviceInput& input, const CopyInstruction& copy);
// A path below the context's root without "./" and slashes at its ends; "." for the root.
std::string context_path(std::string_view source);
bool is_whole_context(std::string_view source);
// Whether the command empties, writes or removes the file or something in the directory.
bool names_path(const ShellCommand& command, std::string_view path);

}  // namespace slipway::dockerfile
