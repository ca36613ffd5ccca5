#include "cli/background_sync.h"

#include <unistd.h>

#include "cli/left_behind.h"
#include "store/layout.h"

namespace slipway::cli {

bool waits_for_disk(const Environment& environment) {
  const std::string chosen = environment.get("SLIPWAY_SYNC");
  if (!chosen.empty()) return chosen != "background";
  const std::string ci = environment.get("CI");
  return environment.first_process || !(ci.empty() || ci == "false" || ci == "0");
}

void start_background_sync(const Environment& environment, const std::filesystem::path& root) {
  const store::Layout layout(environment.working_directory / root);
  if (::access(layout.unsynced().c_str(), F_OK) != 0) return;
  leave_behind({"--root", layout.root(), "sync"});
}

}  // namespace slipway::cli
