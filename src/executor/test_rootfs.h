// For tests: a small root file system around busybox (Debian: busybox-static), and an executor.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/temp_dir.h"
#include "executor/oci_executor.h"

namespace slipway::executor {

// What a step wrote and how it ended.
struct StepOutcome {
  int exit_code = -1;
  std::string out;
  std::string err;
  std::string error;  // of run() itself
  ErrorCode error_code = ErrorCode::Internal;
};

class TestMachine {
 public:
  explicit TestMachine(std::string runtime = "");

  // A reason why containers cannot run here, or empty.
  const std::string& missing() const { return missing_; }
  std::filesystem::path rootfs() const { return directory_->path() / "rootfs"; }
  std::filesystem::path scratch() const { return directory_->path() / "scratch"; }
  std::filesystem::path directory() const { return directory_->path(); }
  Executor& executor() { return *executor_; }
  // Ends the executor: what is left after that is a leak.
  void end() { executor_.reset(); }
  const std::vector<std::string>& warnings() const { return *warnings_; }

  // A step on the test's rootfs with no network to set up.
  ProcessSpec spec(std::vector<std::string> args) const;
  ProcessSpec shell(const std::string& script) const { return spec({"/bin/sh", "-c", script}); }
  StepOutcome run(const ProcessSpec& process, std::stop_token stop = {});
  StepOutcome run(const std::string& script) { return run(shell(script)); }

  void write(const std::string& path, std::string_view content) const;
  bool exists(const std::string& path) const;

 private:
  std::unique_ptr<TempDir> directory_;
  std::unique_ptr<std::vector<std::string>> warnings_ =
      std::make_unique<std::vector<std::string>>();
  std::unique_ptr<OciExecutor> executor_;
  std::string missing_;
};

}  // namespace slipway::executor
