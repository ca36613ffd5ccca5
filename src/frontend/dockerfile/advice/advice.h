// Advice about one Dockerfile: Slipway's own rules (rules.h). They read the instructions and what
// RUN executes; where they are not sure they say nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/lint/linter.h"
#include "oci/image_config.h"

namespace slipway::dockerfile {

// The main context's files without those that .dockerignore leaves out. Paths are relative to its
// root, without "./".
class ContextFiles {
 public:
  virtual ~ContextFiles() = default;
  virtual bool is_file(const std::string& path) = 0;
  virtual bool is_directory(const std::string& path) = 0;
  // The first bytes of a file; nullopt where there is none, or it cannot be read.
  virtual std::optional<std::string> read(const std::string& path, size_t max_bytes) = 0;
  // Of a file, or of all files below a directory; "." is the root.
  virtual uint64_t bytes(const std::string& path) = 0;
  struct Directory {
    std::string path;
    uint64_t bytes;
  };
  // Directories that tools make and builds do not need (node_modules, .git, ...), outermost only.
  virtual std::vector<Directory> by_products() = 0;
  // Large files and directories of them that git ignores, outermost only: a clone has none of them.
  virtual std::vector<Directory> left_out_of_git() = 0;
};

struct AdviceInput {
  const Dockerfile& dockerfile;
  std::string target;                  // stage name; empty: the last
  const ImageConfig* image = nullptr;  // of the target; null: not known
  ContextFiles* files = nullptr;       // null: not known
};

// Reports to `linter`, honouring the comments above instructions.
void advise(const AdviceInput& input, const Linter& linter);

}  // namespace slipway::dockerfile
