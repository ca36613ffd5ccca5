// Completion scripts, made from the declared commands and flags so that they cannot lag behind.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/command.h"

namespace slipway::cli {
namespace {

struct Completable {
  std::string name;
  std::string help;
  std::vector<std::string> flags;  // with their dashes; those of its subcommands too
  std::vector<std::string> subcommands;
};

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<Completable> commands_of(const CLI::App& app) {
  std::vector<Completable> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    Completable command{sub->get_name(), sub->get_description(), flags_of(*sub), {}};
    for (const CLI::App* inner : sub->get_subcommands([](const CLI::App*) { return true; })) {
      command.subcommands.push_back(inner->get_name());
      for (const std::string& flag : flags_of(*inner)) {
        if (std::ranges::find(command.flags, flag) == command.flags.end()) {
          command.flags.push_back(flag);
        }
      }
    }
    for (const std::string& global : flags_of(app)) command.flags.push_back(global);
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string bash_script(const std::vector<Completable>& commands) {
  std::vector<std::string> names;
  std::string cases;
  for (const Completable& command : commands) {
    names.push_back(command.name);
    cases += fmt::format("    {}) words=\"{}\" names=\"{}\" ;;\n", command.name,
                         join(command.flags, " "), join(command.subcommands, " "));
  }
  return fmt::format(
      "# bash completion of slipway: source <(slipway completion bash)\n"
      "_slipway() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} command= words= names= word\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    [[ $word == -* ]] || {{ command=$word; break; }}\n"
      "  done\n"
      "  case $command in\n"
      "    '') words=\"{}\" ;;\n"
      "{}"
      "  esac\n"
      "  if [[ -n $command && $current != -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$names\" -- \"$current\"; compgen -f -- \"$current\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _slipway slipway\n",
      join(names, " "), cases);
}

std::string zsh_script(const std::vector<Completable>& commands) {
  std::string described, cases, inner;
  for (const Completable& command : commands) {
    described += fmt::format("    '{}:{}'\n", command.name, command.help);
    cases += fmt::format("    {}) compadd -- {} ;;\n", command.name, join(command.flags, " "));
    if (command.subcommands.empty()) continue;
    inner +=
        fmt::format("    {}) compadd -- {} ;;\n", command.name, join(command.subcommands, " "));
  }
  return fmt::format(
      "#compdef slipway\n"
      "# zsh completion of slipway: slipway completion zsh >~/.zfunc/_slipway\n"
      "_slipway() {{\n"
      "  local -a commands=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
      "  if [[ $words[CURRENT] != -* ]]; then\n"
      "  case $words[2] in\n{}  esac\n"
      "  _files; return; fi\n"
      "  case $words[2] in\n{}  esac\n"
      "}}\n"
      "_slipway \"$@\"\n",
      described, inner, cases);
}

std::string fish_script(const std::vector<Completable>& commands) {
  std::string text = "# fish completion of slipway: slipway completion fish | source\n";
  for (const Completable& command : commands) {
    text += fmt::format("complete -c slipway -n __fish_use_subcommand -f -a {} -d '{}'\n",
                        command.name, command.help);
    for (const std::string& name : command.subcommands) {
      text += fmt::format("complete -c slipway -n '__fish_seen_subcommand_from {}' -a {}\n",
                          command.name, name);
    }
    for (const std::string& flag : command.flags) {
      const bool long_flag = flag.starts_with("--");
      text += fmt::format("complete -c slipway -n '__fish_seen_subcommand_from {}' -{} {}\n",
                          command.name, long_flag ? "l" : "s", flag.substr(long_flag ? 2 : 1));
    }
  }
  return text;
}

}  // namespace

Command make_completion_command(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return {.run = [&app, shell](Invocation&) -> Result<int> {
            const std::vector<Completable> commands = commands_of(*app.get_parent());
            const std::string script = *shell == "bash"  ? bash_script(commands)
                                       : *shell == "zsh" ? zsh_script(commands)
                                                         : fish_script(commands);
            std::fputs(script.c_str(), stdout);
            return 0;
          },
          .uses_store = false};
}

}  // namespace slipway::cli
