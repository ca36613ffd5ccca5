// Outline: what the build of a target can be given (`build --call=outline`), as BuildKit's frontend
// tells it.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace slipway::dockerfile {

struct OutlineArg {
  std::string name;
  std::string description;  // of "# NAME description" above the ARG
  std::string value;        // given, or by default; may be empty
  SourceSpan span;
};

// A secret or an SSH agent that a step mounts.
struct OutlineMount {
  std::string id;
  bool required = false;
  SourceSpan span;
};

// Lists are by line. A name that several stages have stands for the one nearest to the target.
struct Outline {
  std::string name;  // of the stage; may be empty
  std::string description;
  std::vector<OutlineArg> args;  // that FROM or an ARG of a needed stage uses
  std::vector<OutlineMount> secrets;
  std::vector<OutlineMount> ssh;
};

}  // namespace slipway::dockerfile
