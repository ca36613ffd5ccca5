// ExecMounts: the file systems of one step: its root, and what is mounted into it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/mount.h"
#include "base/temp_dir.h"
#include "executor/process_spec.h"
#include "graph/op.h"
#include "ops/cache_overlays.h"
#include "ops/context_copies.h"
#include "ops/exec_caches.h"
#include "ops/step_secrets.h"
#include "ops/stub_layers.h"
#include "solver/op_runner.h"
#include "store/store.h"

namespace slipway::ops {

// What steps take their mounts from. All of them outlive the object that uses them.
struct ExecSources {
  store::Store& store;
  ThreadPool& pool;
  bool rootless;
  SecretProvider& secrets;
  SshAgentProvider& agents;
  ContextCopies& contexts;
  StubLayers& stubs;
  CacheHosts& hosts;
};

// Holds everything a step's mounts need until it has run. Destroyed without commit(): what the step
// wrote is discarded, but for what it wrote into caches.
class ExecMounts {
 public:
  // `directory`: for mount points, ours alone.
  static Result<std::unique_ptr<ExecMounts>> prepare(const ExecSources& sources,
                                                     const graph::ExecOp& op,
                                                     const std::vector<solver::StepResult>& inputs,
                                                     TempDir directory, std::stop_token stop);

  ~ExecMounts();

  // Sets rootfs, mounts and shm_size of `spec`.
  void fill(executor::ProcessSpec& spec) const;

  // Unmounts everything; the written mounts that are outputs become snapshots, one result for each
  // output, in their order.
  Result<std::vector<solver::StepResult>> commit();

 private:
  // A file system of the step. Destroyed from the last to the first: unmounted before its writable
  // top is discarded.
  struct MountedTree {
    std::shared_ptr<const void> keep_alive;  // co-owned with the solver: the input's pin
    std::unique_ptr<store::ActiveSnapshot> active;
    std::optional<Mount> mount;
    // Of an output that the step cannot write to: the input itself.
    std::optional<solver::StepResult> unchanged;
    int64_t output = graph::kNone;
  };

  ExecMounts(const ExecSources& sources, TempDir directory, std::stop_token stop)
      : sources_(sources),
        directory_(std::move(directory)),
        stop_(std::move(stop)),
        caches_(sources.store, sources.hosts, sources.pool, sources.rootless),
        overlays_(sources.store, directory_.path()) {}

  struct Planned {
    const graph::Mount* mount;
    std::string destination;
    const solver::StepResult* input;
    size_t cache = 0;   // its position among the step's cache mounts
    std::string place;  // where that can lie in the overlay of the root; empty: nowhere
  };
  Status add(const graph::ExecOp& op, const std::vector<solver::StepResult>& inputs);
  Status acquire_caches(const graph::ExecOp& op, const Planned& root,
                        std::vector<Planned>& planned);
  Status find_places(const graph::ExecOp& op, const Planned& root, std::vector<Planned>& planned);
  Status add_cache(const Planned& planned);
  Status finish_caches();
  Status add_root(const graph::Mount& mount, const solver::StepResult* input);
  Status add_mount(const Planned& planned);
  Status add_bind(const graph::Mount& mount, const std::string& destination,
                  const solver::StepResult* input);
  Status add_secret(const graph::Mount& mount, const std::string& destination);
  Status add_ssh(const graph::Mount& mount, const std::string& destination);
  Status mount_bind(const std::filesystem::path& tree, const graph::Mount& mount,
                    const std::string& destination);
  Result<solver::StepResult> as_snapshot(const solver::StepResult& input,
                                         const std::string& selector);
  Result<std::filesystem::path> mount_point();
  void note_mount_point(const executor::ContainerMount& mount);

  const ExecSources sources_;
  TempDir directory_;  // after the mounts in it
  std::stop_token stop_;
  StubLayers::MountPoints mount_points_;
  std::vector<MountedTree> trees_;
  ExecCaches caches_;
  CacheOverlays overlays_;                         // of leases of caches_
  std::optional<Tree> image_;                      // what the root has below: for places of caches
  const store::ActiveSnapshot* root_ = nullptr;    // of trees_, once it is mounted
  std::vector<std::filesystem::path> root_lower_;  // what it is mounted on
  std::map<const store::CacheMountLease*, std::filesystem::path> apart_;
  bool caches_are_finished_ = false;
  std::filesystem::path rootfs_;
  bool readonly_root_ = false;
  std::optional<int64_t> shm_size_;
  std::vector<executor::ContainerMount> mounts_;
  int next_mount_point_ = 0;
};

}  // namespace slipway::ops
