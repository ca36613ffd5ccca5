// ExecRunner: the OpRunner of RUN: a process in a container on top of a snapshot.
#pragma once

#include <functional>

#include "base/thread_pool.h"
#include "executor/platform_probe.h"
#include "executor/process_spec.h"
#include "ops/cache_hosts.h"
#include "ops/context_copies.h"
#include "ops/device_access.h"
#include "ops/step_secrets.h"
#include "ops/stub_layers.h"
#include "solver/op_runner.h"
#include "store/store.h"

namespace slipway::ops {

struct ExecOptions {
  bool allow_insecure = false;      // --allow security.insecure
  bool allow_host_network = false;  // --allow network.host
  DeviceGrants devices = {};        // --allow device
};

class ExecRunner final : public solver::OpRunner {
 public:
  // All of them outlive the runner. `rootless`: as in StoreOptions.
  struct Parts {
    store::Store& store;
    executor::Executor& executor;
    LocalContexts& contexts;
    SecretProvider& secrets;
    SshAgentProvider& agents;
    ThreadPool& pool;
    bool rootless = false;
    // The machine's, read when first asked for; null: it has none.
    std::function<const executor::CdiDevices&()> devices = {};
  };
  static Result<std::unique_ptr<ExecRunner>> create(const Parts& parts, const ExecOptions& options);

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  // What a step with these requests would fail with before it runs.
  Status check_devices(const std::vector<graph::CdiDevice>& requests) const;
  // StepFailed when the process ended with a code that is not valid, its text as BuildKit's.
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  ExecRunner(const Parts& parts, const ExecOptions& options, TempDir stubs, TempDir probes);
  Result<std::vector<std::string>> devices_of(const std::vector<graph::CdiDevice>& requests) const;
  Result<executor::CdiEdits> device_edits(const std::vector<graph::CdiDevice>& requests) const;
  Result<executor::ProcessSpec> process_of(const graph::ExecOp& op) const;
  Status add_secret_environment(const graph::ExecOp& op, executor::ProcessSpec& spec) const;

  const Parts parts_;
  const ExecOptions options_;
  ContextCopies context_copies_;
  StubLayers stubs_;
  CacheHosts cache_hosts_;
  executor::PlatformProbe platforms_;
};

}  // namespace slipway::ops
