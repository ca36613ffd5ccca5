// The typed instructions of a Dockerfile: flags parsed, values not yet expanded. expand.h expands
// them; instruction_parser.h makes them from text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "graph/op.h"

namespace slipway::dockerfile {

// What every instruction has.
struct InstructionInfo {
  std::string name;    // as written: "RUN", "run"
  std::string source;  // the whole instruction on one line (continuations joined), trimmed
  SourceSpan span;     // includes its heredocs
  std::vector<std::string> comments;  // comment lines directly above, without "#"
};

struct KeyValue {
  std::string key;
  std::string value;
  bool without_equals = false;  // the old form "ENV key value"

  std::string str() const { return key + "=" + value; }
  bool operator==(const KeyValue&) const = default;
};

struct ArgDefinition {
  std::string key;
  std::optional<std::string> value;
  std::string doc_comment;  // "# KEY what it is" above: "what it is"

  bool operator==(const ArgDefinition&) const = default;
};

// A heredoc given to RUN, as a file. `data` is not yet chomped.
struct InlineFile {
  std::string name;
  std::string data;
  bool chomp = false;  // "<<-": leading tabs of each line go away (chomp_heredoc)

  bool operator==(const InlineFile&) const = default;
};

// The shell form ("RUN make") has one argument and prepend_shell; the JSON form is as given.
struct CommandLine {
  std::vector<std::string> args;
  std::vector<InlineFile> files;
  bool prepend_shell = true;
};

// A heredoc as a source of COPY or ADD. `data` is already chomped.
struct InlineSource {
  std::string path;
  std::string data;
  bool expand = true;  // the word was not quoted

  bool operator==(const InlineSource&) const = default;
};

struct SourcesAndDest {
  std::string dest;
  std::vector<std::string> sources;
  std::vector<InlineSource> contents;
};

struct AddInstruction {
  InstructionInfo info;
  SourcesAndDest paths;
  std::string chown;
  std::string chmod;
  std::string checksum;
  bool link = false;
  std::vector<std::string> excludes;
  std::optional<bool> keep_git_dir;
  std::optional<bool> unpack;
};

struct CopyInstruction {
  InstructionInfo info;
  SourcesAndDest paths;
  std::string from;
  std::string chown;
  std::string chmod;
  bool link = false;
  bool parents = false;
  std::vector<std::string> excludes;
};

struct ArgInstruction {
  InstructionInfo info;
  std::vector<ArgDefinition> args;
};

struct CmdInstruction {
  InstructionInfo info;
  CommandLine command;
};

struct EntrypointInstruction {
  InstructionInfo info;
  CommandLine command;
};

struct EnvInstruction {
  InstructionInfo info;
  std::vector<KeyValue> pairs;
};

struct ExposeInstruction {
  InstructionInfo info;
  std::vector<std::string> ports;  // sorted
};

// Durations in nanoseconds, 0 where not given. test: {"NONE"}, {"CMD", ...}, {"CMD-SHELL", line}.
struct HealthcheckInstruction {
  InstructionInfo info;
  std::vector<std::string> test;
  int64_t interval = 0;
  int64_t timeout = 0;
  int64_t start_period = 0;
  int64_t start_interval = 0;
  int retries = 0;
};

struct LabelInstruction {
  InstructionInfo info;
  std::vector<KeyValue> pairs;
  bool literal = false;  // made by --label: never expanded
};

struct MaintainerInstruction {
  InstructionInfo info;
  std::string maintainer;
};

struct OnbuildInstruction {
  InstructionInfo info;
  std::string expression;  // the trigger with its heredocs, as the image config stores it
};

struct RunDevice {
  std::string name;
  bool required = false;
  bool operator==(const RunDevice&) const = default;
};

enum class RunNetwork { Default, None, Host };
enum class RunSecurity { Sandbox, Insecure };

struct RunInstruction {
  InstructionInfo info;
  CommandLine command;
  // The values of --mount as written; parse_mounts() (run_mount.h) reads them once variables have
  // values. Only their "from" was looked at: it cannot hold a variable.
  std::vector<std::string> mounts;
  RunNetwork network = RunNetwork::Default;
  RunSecurity security = RunSecurity::Sandbox;
  std::vector<RunDevice> devices;
};

struct ShellInstruction {
  InstructionInfo info;
  std::vector<std::string> shell;
};

struct StopsignalInstruction {
  InstructionInfo info;
  std::string signal;
};

struct UserInstruction {
  InstructionInfo info;
  std::string user;
};

struct VolumeInstruction {
  InstructionInfo info;
  std::vector<std::string> volumes;
};

struct WorkdirInstruction {
  InstructionInfo info;
  std::string path;
};

using Instruction =
    std::variant<AddInstruction, ArgInstruction, CmdInstruction, CopyInstruction,
                 EntrypointInstruction, EnvInstruction, ExposeInstruction, HealthcheckInstruction,
                 LabelInstruction, MaintainerInstruction, OnbuildInstruction, RunInstruction,
                 ShellInstruction, StopsignalInstruction, UserInstruction, VolumeInstruction,
                 WorkdirInstruction>;

const InstructionInfo& info_of(const Instruction& instruction);

// From one FROM to the next.
struct Stage {
  InstructionInfo info;   // of FROM
  std::string name;       // lower case; empty without AS
  std::string base_name;  // unexpanded
  std::string platform;   // unexpanded
  std::string doc_comment;
  std::vector<Instruction> instructions;
};

struct Directive {
  std::string name;  // lower case: "syntax", "escape", "check"
  std::string value;
  SourceSpan span;
};

struct ParseWarning {
  std::string message;
  std::string detail;
  std::string url;
  SourceSpan span;
};

struct Dockerfile {
  std::vector<Directive> directives;
  char escape = '\\';
  std::vector<ArgInstruction> meta_args;  // ARG before the first FROM
  std::vector<Stage> stages;
};

}  // namespace slipway::dockerfile
