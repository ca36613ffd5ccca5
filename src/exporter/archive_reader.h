// ArchiveReader: a program that loads image archives from its stdin, such as `docker load`.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/temp_dir.h"
#include "base/unique_fd.h"

namespace slipway::exporter {

class ArchiveReader {
 public:
  // Starts it. `scratch` is where what it says is kept until finish().
  static Result<ArchiveReader> start(const std::vector<std::string>& command, TempDir scratch);

  // Where the archive goes.
  int fd() const { return input_.get(); }
  // After the whole archive, or after `written` has failed: waits for the program. What it says
  // comes before an error of writing to it, which it is the cause of.
  Status finish(const Status& written, std::stop_token stop);

 private:
  ArchiveReader(std::string name, ChildProcess process, UniqueFd input, TempDir scratch)
      : name_(std::move(name)),
        process_(std::move(process)),
        input_(std::move(input)),
        scratch_(std::move(scratch)) {}

  std::string name_;
  ChildProcess process_;
  UniqueFd input_;
  TempDir scratch_;
};

}  // namespace slipway::exporter
