// OciExecutor: runs the processes of a build in containers made by crun (or runc).
//
// docs/executor.md tells how; SECURITY.md what the boundary is.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/mount.h"
#include "base/temp_dir.h"
#include "base/unique_fd.h"
#include "executor/network.h"
#include "executor/oci_config.h"
#include "executor/process_spec.h"

namespace slipway::executor {

struct OciExecutorOptions {
  // A directory of ours on any file system; everything inside is removed at the end.
  std::filesystem::path scratch;
  // Programs, found in PATH when without a slash. With an empty runtime: crun, else runc.
  std::string runtime;
  std::string pasta = "pasta";
  // The host's resolver configuration.
  std::filesystem::path resolv_conf = "/etc/resolv.conf";
  // Told once of what works differently on this machine. Any thread.
  std::function<void(std::string)> on_warning;
};

// Thread-safe: any number of steps at a time.
class OciExecutor final : public Executor {
 public:
  static Result<std::unique_ptr<OciExecutor>> create(OciExecutorOptions options);
  ~OciExecutor() override;

  Result<ExitStatus> run(const ProcessSpec& spec, const OutputHandler& output,
                         std::stop_token stop) override;

 private:
  OciExecutor(OciExecutorOptions options, std::string runtime, TempDir directory, Mount tmpfs,
              SeccompForm seccomp, std::string host_resolv_conf);

  struct Container;
  Result<std::string> write_bundle(const ProcessSpec& spec, Container& container);
  Result<ExitStatus> run_container(const Container& container, const OutputHandler& output,
                                   std::stop_token stop);

  OciExecutorOptions options_;
  std::string runtime_;
  bool runtime_is_crun_;
  UniqueFd sealed_runtime_;  // empty: the runtime is executed by its path
  bool hide_cgroups_;
  bool in_user_namespace_;
  SeccompForm seccomp_;
  std::string host_resolv_conf_;
  TempDir directory_;
  Mount tmpfs_;  // over directory_: bundles and secrets never touch a disk
  NetworkPool networks_;
  std::atomic<uint64_t> next_id_ = 0;
};

}  // namespace slipway::executor
