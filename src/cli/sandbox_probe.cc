// For sandbox_test: enters the namespaces of a build, then becomes the given command, or runs a
// script in a container:  sandbox_probe COMMAND ARG... | sandbox_probe --step host|none|private
// SCRIPT
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "cli/sandbox.h"
#include "executor/test_rootfs.h"

namespace {

using slipway::executor::Network;

int run_step(std::string_view network, const std::string& script) {
  slipway::executor::TestMachine machine;
  if (!machine.missing().empty()) {
    std::fprintf(stderr, "%s\n", machine.missing().c_str());
    return 1;
  }
  slipway::executor::ProcessSpec process = machine.shell(script);
  process.network = network == "host"   ? Network::Host
                    : network == "none" ? Network::None
                                        : Network::Private;
  const slipway::executor::StepOutcome step = machine.run(process);
  for (const std::string& warning : machine.warnings())
    std::printf("warning: %s\n", warning.c_str());
  std::fputs(step.out.c_str(), stdout);
  std::fputs((step.err + step.error).c_str(), stderr);
  return step.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto entered = slipway::cli::enter_build_namespaces();
  if (!entered) {
    std::fprintf(stderr, "%s\n%s\n", entered.error().message().c_str(),
                 entered.error().hint().c_str());
    return 1;
  }
  if (argc == 4 && std::string_view(argv[1]) == "--step") return run_step(argv[2], argv[3]);
  ::execvp(argv[1], argv + 1);
  std::perror(argv[1]);
  return 127;
}
