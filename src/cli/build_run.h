// Solving and exporting planned targets: all at the same time, published only when all have
// succeeded.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/cache_mount_imports.h"
#include "cli/layer_starter.h"
#include "cli/planner.h"
#include "cli/remote_results.h"
#include "exporter/exporter.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "solver/scheduler.h"
#include "store/store.h"

namespace slipway::cli {

struct BuildServices {
  solver::Scheduler& scheduler;
  LayerStarter& layers;
  cache::RemoteIndex& cache;
  RemoteResults& remote_results;
  CacheMountImports& cache_mounts;
  store::Store& store;
  registry::Client& registry;
  ThreadPool& pool;
  std::filesystem::path working_directory;
  std::string layer_split;                // --layer-split
  std::vector<std::string> load_command;  // ExporterOptions::load_command
  std::string build_ref;                  // of this build in the history
  progress::Time started;
};

struct TargetOutcome {
  std::string name;
  // What there is to tell of its outputs; an output that is no image has nothing.
  std::vector<exporter::ExportedImage> images;
  // Where there is provenance: its predicate (JSON) in the form of mode=min, by platform; "" is the
  // only one.
  std::map<std::string, std::string> provenance;
};

// One outcome for each target, in order. On an error nothing was published, and everything that was
// running has ended.
Result<std::vector<TargetOutcome>> run_builds(const std::vector<PlannedTarget>& plans,
                                              const BuildServices& services,
                                              progress::Sink& progress, std::stop_token stop);

}  // namespace slipway::cli
