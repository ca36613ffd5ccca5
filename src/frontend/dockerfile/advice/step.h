// What rules of advice/ look at: one instruction and what was true before it. Not for others.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/dockerfile/advice/advice.h"
#include "frontend/dockerfile/advice/package_manager.h"
#include "frontend/dockerfile/run_mount.h"

namespace slipway::dockerfile {

// Of a stage so far, the stages it is based on included.
struct StageFacts {
  std::map<std::string, std::string> environment;  // ENV as written; what images set is not known
  std::string user;                                // empty: root, or the image's
  bool posix_shell = true;                         // no SHELL that is none
  bool keeps_apt_archives = false;                 // docker-clean was removed
  bool updates_apt = false;                        // a RUN has updated the lists before
  const CopyInstruction* source = nullptr;         // the first COPY of source code
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
