// `slipway sync`: waits until what builds have written is on disk.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/session.h"

namespace slipway::cli {

Command make_sync_command(CLI::App& app) {
  app.footer(
      "A build ends when its results are ready; a process that it leaves behind puts them on disk. "
      "If the\nmachine loses power before, the steps run again: nothing is wrong, only gone. Use "
      "this "
      "before you\ndetach a volume or throw a machine away whose cache you want to keep. With "
      "SLIPWAY_SYNC=wait builds\nwait themselves, and so they do where CI is set, unless "
      "SLIPWAY_SYNC=background.");
  Command command;
  command.run = [](Invocation& invocation) -> Result<int> {
    const auto store = TRY(open_store(invocation));
    TRY(store->barrier());
    return 0;
  };
  command.starts_sync = false;  // when it fails, nobody else would fare better
  return command;
}

}  // namespace slipway::cli
