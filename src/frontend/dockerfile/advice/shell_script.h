// What a shell script runs, as far as it can be told without running it: for advice about RUN, not
// for execution.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

// One simple command. Redirections are gone; what the shell would expand stays as written.
struct ShellCommand {
  std::vector<std::string> words;                  // "apt-get", "install", "curl"
  std::map<std::string, std::string> environment;  // set before the command or exported earlier

  bool operator==(const ShellCommand&) const = default;
};

// Whether the program, by name or path, is a shell whose scripts parse_shell() reads.
bool is_posix_shell(std::string_view program);

// The commands of a POSIX shell script, in order, those of branches and loops among them. nullopt
// where the script has what is not understood here (here-documents, open quotes).
std::optional<std::vector<ShellCommand>> parse_shell(std::string_view script);

// The same of RUN, in any of its forms.
std::optional<std::vector<ShellCommand>> commands_of(const RunInstruction& run);

// What a RUN says, its here-documents included.
std::string whole_text(const RunInstruction& run);

}  // namespace slipway::dockerfile
