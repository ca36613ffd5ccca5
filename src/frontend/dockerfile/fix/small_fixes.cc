// ADD becomes COPY; the lists of apt are fetched where they are used.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/fix/run_text.h"

namespace slipway::dockerfile {
namespace {

constexpr size_t kHeadBytes = 512;  // of a tar's first header

bool has_tar_checksum(std::string_view head) {
  if (head.size() < kHeadBytes) return false;
  unsigned sum = 0;
  for (size_t i = 0; i < kHeadBytes; ++i) {
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(head[i]);
  }
  unsigned written = 0;
  for (const char c : head.substr(148, 8)) {
    if (c >= '0' && c <= '7') written = written * 8 + static_cast<unsigned>(c - '0');
  }
  return sum == written;
}

// By content, as ADD looks at it.
bool may_be_archive(std::string_view head) {
  using namespace std::string_view_literals;
  for (const std::string_view magic : {"\x1f\x8b"sv, "BZh"sv,
                                       "\xfd"
                                       "7zXZ"sv,
                                       "\x28\xb5\x2f\xfd"sv, "\x5d\0\0"sv, "PK"sv}) {
    if (head.starts_with(magic)) return true;
  }
  // What pzstd writes begins with a frame to skip (RFC 8878, 3.1.2).
  if (head.size() >= 4 && (head[0] & 0xf0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18"sv) {
    return true;
  }
  return (head.size() > 260 && head.substr(257, 5) == "ustar") || has_tar_checksum(head);
}

std::string why_not_copy(const Step& step, const AddInstruction& add) {
  if (step.input.files == nullptr) return "the context's files are not known";
  if (!add.paths.contents.empty()) return "it has a here-document";
  if (!add.checksum.empty() || add.keep_git_dir) return "it has flags that COPY does not know";
  for (const std::string& source : add.paths.sources) {
    const std::string path = context_path(source);
    if (source.find_first_of("?[\\") != std::string::npos) return source + " is a pattern";
    if (path == "." || step.input.files->is_directory(path)) continue;
    const auto head = step.input.files->read(path, kHeadBytes);
    if (!step.input.files->is_file(path) || !head) return path + " is not in the context";
    if (may_be_archive(*head)) return path + " looks like an archive, which ADD unpacks";
  }
  return "";
}

// What stands between two RUNs without a say in what they do.
bool says_nothing_to_apt(const Instruction& instruction) {
  const auto harmless = [](const std::string& key) { return key == "DEBIAN_FRONTEND"; };
  if (const auto* env = std::get_if<EnvInstruction>(&instruction)) {
    return std::ranges::all_of(env->pairs, harmless, &KeyValue::key);
  }
  if (const auto* arg = std::get_if<ArgInstruction>(&instruction)) {
    return std::ranges::all_of(arg->args, harmless, &ArgDefinition::key);
  }
  return std::holds_alternative<LabelInstruction>(instruction) ||
         std::holds_alternative<ExposeInstruction>(instruction) ||
         std::holds_alternative<CmdInstruction>(instruction) ||
         std::holds_alternative<EntrypointInstruction>(instruction) ||
         std::holds_alternative<MaintainerInstruction>(instruction) ||
         std::holds_alternative<StopsignalInstruction>(instruction) ||
         std::holds_alternative<HealthcheckInstruction>(instruction);
}

// The RUN before this one where it is "apt-get update" alone, and nothing between them depends on
// it.
const RunInstruction* update_before(const Step& step) {
  for (size_t i = step.index; i-- > 0;) {
    const Instruction& instruction = step.stage.instructions[i];
    if (says_nothing_to_apt(instruction)) continue;
    const auto* run = std::get_if<RunInstruction>(&instruction);
    if (run == nullptr || !run->mounts.empty() || !run->command.prepend_shell ||
        !run->command.files.empty() || !run->info.comments.empty() ||
        run->network != RunNetwork::Default || run->security != RunSecurity::Sandbox) {
      return nullptr;
    }
    const auto commands = commands_of(*run);
    const bool alone = commands && commands->size() == 1 && updates_apt(commands->front()) &&
                       run->info.source.find_first_of("|;<>") == std::string::npos;
    return alone ? run : nullptr;
  }
  return nullptr;
}

}  // namespace

void fix_add(const Document& document, const Step& step, Proposals& proposals) {
  const auto* add = std::get_if<AddInstruction>(&step.stage.instructions[step.index]);
  if (add == nullptr || !adds_plain_files(*add)) return;
  if (!step.linter.allows(rules::kAddInsteadOfCopy)) return;
  const int line = add->info.span.first_line;
  if (std::string why = why_not_copy(step, *add); !why.empty()) {
    proposals.leave(rules::kAddInsteadOfCopy, line, std::move(why));
    return;
  }
  const std::string& name = add->info.name;
  const size_t at = document.text.find(name, document.begin_of(add->info.span));
  const std::string copy = name == to_lower(name) ? "copy" : "COPY";
  std::vector<Expected> expected = as_before(step.stage);
  expected[step.index] = copy + add->info.source.substr(name.size());
  proposals.add({.rule = rules::kAddInsteadOfCopy,
                 .line = line,
                 .what = "COPY instead of ADD",
                 .note = {},
                 .edits = {{at, at + name.size(), copy}},
                 .stage = &step.stage,
                 .expected = std::move(expected)});
}

void fix_apt_update(const Document& document, const RunStep& run_step, Proposals& proposals) {
  const Step& step = run_step.step;
  const AptLists lists = apt_lists(run_step);
  if (lists == AptLists::InOneStep || !step.linter.allows(rules::kAptUpdateAlone)) return;
  const int line = run_step.run.info.span.first_line;
  if (lists == AptLists::UpdatedAlone) {
    proposals.leave(rules::kAptUpdateAlone, line,
                    run_step.commands.size() > 1
                        ? "it does other things, too, that later steps may need"
                        : "no RUN follows at once that installs");
    return;
  }
  const RunText text(document, run_step.run);
  std::vector<ShellCommand> commands = run_step.commands;
  const auto install = std::ranges::find_if(
      commands, [](const ShellCommand& c) { return is_apt(c) && install_of(c, {}); });
  const std::string update = install->words[0] + " update";
  const auto edit =
      text.with_command_before({install->words.begin(), install->words.begin() + 2}, update);
  if (!edit) {
    proposals.leave(rules::kAptUpdateAlone, line, "where its command begins is not certain");
    return;
  }
  commands.insert(install, ShellCommand{{install->words[0], "update"}, {}});
  std::vector<Expected> expected = as_before(step.stage);
  expected[step.index] = ExpectedRun{&run_step.run, std::move(commands), run_step.run.mounts};
  std::vector<TextEdit> edits = {*edit};
  if (const RunInstruction* before = update_before(step)) {
    const SourceSpan& span = before->info.span;
    edits.push_back({document.begin_of(span), document.end_of(span), ""});
    std::erase_if(expected, [&](const Expected& each) {
      const auto* same = std::get_if<const Instruction*>(&each);
      return same != nullptr && &info_of(**same) == &before->info;
    });
  }
  proposals.add({.rule = rules::kAptUpdateAlone,
                 .line = line,
                 .what = "fetch the lists in the RUN that installs",
                 .note = {},
                 .edits = std::move(edits),
                 .stage = &step.stage,
                 .expected = std::move(expected)});
}

}  // namespace slipway::dockerfile
