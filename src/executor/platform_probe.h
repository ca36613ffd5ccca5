// PlatformProbe: whether steps of another platform can run here, by the processor itself (386 on
// amd64) or by an emulator that the kernel knows (binfmt_misc). Thread-safe.
#pragma once

#include <map>
#include <string>

#include "base/guarded.h"
#include "base/result.h"
#include "base/temp_dir.h"
#include "oci/platform.h"

namespace slipway::executor {

class PlatformProbe {
 public:
  // `scratch` is on the file system that steps run on.
  explicit PlatformProbe(TempDir scratch) : scratch_(std::move(scratch)) {}

  // Unsupported, with what to do about it, when no program of `platform` can run in a container.
  // Tried once for each architecture, by a program that does nothing.
  Status check(const Platform& platform);

 private:
  Status try_out(const Platform& platform) const;

  const TempDir scratch_;
  Guarded<std::map<std::string, Status>> outcomes_;  // by architecture
};

// An executable for Linux that ends at once with code 0; empty for an architecture unknown here.
std::string exit_program(std::string_view architecture);

}  // namespace slipway::executor
