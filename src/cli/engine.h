// Engine: the parts of a build, wired. One for each invocation; targets share it.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/thread_pool.h"
#include "cache/local_index.h"
#include "cache/remote_index.h"
#include "cli/build_run.h"
#include "cli/cache_sources.h"
#include "cli/command.h"
#include "cli/planner.h"
#include "cli/secrets.h"
#include "executor/process_spec.h"
#include "ops/exec_runner.h"
#include "ops/local_contexts.h"
#include "ops/op_router.h"
#include "ops/source_runner.h"
#include "registry/client.h"
#include "solver/scheduler.h"
#include "source/image.h"
#include "source/image_unpacker.h"
#include "store/store.h"

namespace slipway::cli {

struct EngineOptions {
  const Invocation& invocation;
  std::string build_ref;  // kept with the records that this build makes
  Secrets secrets;
  ops::ExecOptions allowed;          // what the targets' --allow grants their steps
  std::string layer_split = "auto";  // --layer-split
  // Told of what works differently on this machine, or was repaired. Any thread.
  std::function<void(const std::string&)> on_warning;
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(std::unique_ptr<store::Store> store,
                                                EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Status add_directory(const ContextDirectory& directory);
  // "DIR", "DIR:TAG" or "DIR@DIGEST".
  Result<dockerfile::OciLayoutContext> add_layout(const std::string& location);

  // Looks into remote contexts for the planner. The sink must outlive it.
  std::unique_ptr<ContextReader> context_reader(progress::Sink& progress, std::stop_token stop);

  // What a step that requests these devices would fail with.
  Status check_devices(const std::vector<graph::CdiDevice>& requests) const;

  // Caches to look in after the store, in this order. Not while anything is solved.
  void add_caches(std::vector<LoadedCache> caches);
  // Places that may have cache mounts beside a cache. Not while anything is solved.
  void add_cache_mounts(const std::vector<CacheSource>& sources);

  source::ImageSource& images();
  ops::OciLayouts& layouts();
  store::Store& store();
  registry::Client& registry();
  BuildServices services();
  // Makes durable what was built and what was learnt. Call at the end, also after a failure.
  Status finish();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// An engine of this invocation's store for looking at what there is: it keeps no record of a build
// and its steps are allowed nothing.
Result<std::unique_ptr<Engine>> open_engine(const Invocation& invocation, Secrets secrets);

}  // namespace slipway::cli
