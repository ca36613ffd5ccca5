// What an install reads of the source: proven by its command line and by the files that name the
// dependencies, or not proven, and why.
#pragma once

#include <string>
#include <vector>

#include "frontend/dockerfile/fix/source_map.h"

namespace slipway::dockerfile {

struct InstallProof {
  std::string why_not;  // empty: proven

  std::vector<std::string> files;  // all that it reads of the source: paths in the image
  std::vector<std::string> makes;  // directories of the project's that it makes
  // It also installs the project itself: the dependencies alone with these flags, the rest by the
  // same command once the source is there.
  std::string dependencies_only;
  bool only_reads = false;  // never writes to the files
  std::string note;         // how the image can differ
};

struct InstallPlace {
  std::string workdir;  // as resolve_path() has it
  std::map<std::string, std::string> environment;
};

InstallProof prove_install(const Install& install, const InstallPlace& place,
                           const SourceMap& source);

// Whether a command cannot read the source: it installs packages by name, adds users, ...
// Directories that it makes are added to `makes`.
bool ignores_source(const ShellCommand& command, const InstallPlace& place, const SourceMap& source,
                    std::vector<std::string>& makes);

// A variable by which installs read files that no command names ("PIP_CONSTRAINT"); "": none is
// set.
std::string reading_variable(const std::map<std::string, std::string>& environment);

}  // namespace slipway::dockerfile
