// ContextReader: what planning must know of remote sources before there is a graph to build: the
// Dockerfile of a git context, whether a URL is an archive, the time of a commit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/definition.h"

namespace slipway::cli {

class ContextReader {
 public:
  virtual ~ContextReader() = default;

  // The first `max_bytes` of each file in what the definition's root makes; nullopt when there is
  // no such file. Symlinks stay inside.
  virtual Result<std::vector<std::optional<std::string>>> read_starts(
      const graph::Definition& definition, const std::vector<std::string>& paths,
      size_t max_bytes) = 0;
  Result<std::optional<std::string>> read_start(const graph::Definition& definition,
                                                const std::string& path, size_t max_bytes) {
    auto starts = TRY(read_starts(definition, {path}, max_bytes));
    return std::move(starts.at(0));
  }
  // The time of a git or http source, in seconds; nullopt when it has none. Progress shows the
  // question as a step.
  virtual Result<std::optional<int64_t>> time(const graph::SourceOp& source,
                                              const std::string& step_name) = 0;
  // Keeps an archive that begins with `start` and goes on with what `fd` has to give. Returns the
  // URL by which a graph knows it: the same for the same bytes.
  virtual Result<std::string> take_archive(std::string start, int fd) = 0;
};

}  // namespace slipway::cli
