#include "cli/engine.h"

#include <map>
#include <mutex>

#include "base/guarded.h"
#include "base/text.h"
#include "cli/image_engines.h"
#include "cli/key_agent.h"
#include "cli/layer_starter.h"
#include "cli/session.h"
#include "cli/solved_contexts.h"
#include "executor/oci_executor.h"
#include "ops/file_runner.h"
#include "ops/merge_runner.h"
#include "source/local_context.h"

namespace slipway::cli {
namespace {

// An executor made when the first step runs: a build that finds everything needs none.
class LazyExecutor : public executor::Executor {
 public:
  LazyExecutor(store::Store& store, std::function<void(std::string)> on_warning)
      : store_(store), on_warning_(std::move(on_warning)) {}

  Result<ExitStatus> run(const executor::ProcessSpec& spec, const executor::OutputHandler& output,
                         std::stop_token stop) override {
    return TRY(get())->run(spec, output, stop);
  }

 private:
  Result<executor::Executor*> get() {
    auto made = executor_.lock();
    if (*made == nullptr) {
      executor::OciExecutorOptions options;
      // Scratch of this process: what a kill leaves there goes with the next open of the store.
      options.scratch = TRY(store_.scratch_path("executor"));
      options.on_warning = on_warning_;
      *made = TRY(executor::OciExecutor::create(std::move(options)));
    }
    return static_cast<executor::Executor*>(made->get());
  }

  store::Store& store_;
  const std::function<void(std::string)> on_warning_;
  Guarded<std::unique_ptr<executor::OciExecutor>> executor_;
};

// Where CDI files lie: SLIPWAY_CDI_DIRS (separated by ":"), else as every program looks for them.
std::vector<std::filesystem::path> device_directories(const Environment& environment) {
  std::vector<std::filesystem::path> directories;
  for (const std::string& directory :
       split(environment.get("SLIPWAY_CDI_DIRS", "/etc/cdi:/var/run/cdi"), ':')) {
    if (!directory.empty()) directories.emplace_back(directory);
  }
  return directories;
}

// The machine's devices, read when a step first requests one. Any thread.
class LazyDevices {
 public:
  explicit LazyDevices(std::vector<std::filesystem::path> directories)
      : directories_(std::move(directories)) {}
  const executor::CdiDevices& get() {
    std::call_once(read_, [&] { devices_ = executor::CdiDevices::read(directories_); });
    return devices_;
  }

 private:
  const std::vector<std::filesystem::path> directories_;
  std::once_flag read_;
  executor::CdiDevices devices_;
};

class BuildSecrets : public ops::SecretProvider, public ops::SshAgentProvider {
 public:
  BuildSecrets(Secrets secrets, const Environment& environment, store::Store& store)
      : secrets_(std::move(secrets)), environment_(environment), store_(store) {}

  Result<std::optional<std::string>> secret(const std::string& id) override {
    return read_secret(secrets_, id, environment_);
  }
  Result<std::optional<std::filesystem::path>> agent_socket(const std::string& id) override {
    const auto found = secrets_.ssh_by_id.find(id);
    if (found == secrets_.ssh_by_id.end()) return std::optional<std::filesystem::path>();
    const Secrets::Ssh& source = found->second;
    if (source.keys.empty()) return std::optional(source.socket);
    auto agents = agents_.lock();
    auto agent = agents->find(id);
    if (agent == agents->end()) {
      TempDir directory = TRY(store_.scratch_directory("ssh-"));
      agent = agents->emplace(id, TRY(KeyAgent::start(source.keys, std::move(directory)))).first;
    }
    return std::optional(agent->second.socket());
  }

 private:
  const Secrets secrets_;
  const Environment& environment_;
  store::Store& store_;
  Guarded<std::map<std::string, KeyAgent>> agents_;  // by id; started when first asked for
};

std::function<std::optional<std::string>(const std::string&)> secret_lookup(BuildSecrets& secrets) {
  return
      [&secrets](const std::string& name) { return secrets.secret(name).value_or(std::nullopt); };
}

// What git is told of this build: tokens among its secrets, the ssh agent, the hosts the user
// knows.
source::GitSource::Options git_options(const Environment& environment, BuildSecrets& secrets) {
  const registry::ClientOptions client = client_options(environment);
  source::GitSource::Options options;
  options.proxy = client.proxy;
  options.ca_file = client.ca_file;
  options.ssh_agent = [&secrets] { return secrets.agent_socket("default"); };
  const std::filesystem::path known = environment.get("HOME", "/") + "/.ssh/known_hosts";
  std::error_code error;
  if (std::filesystem::exists(known, error)) options.known_hosts_file = known.string();
  options.secret = secret_lookup(secrets);
  return options;
}

}  // namespace

// Later members use earlier ones; they are destroyed in the opposite order.
struct Engine::Parts {
  Parts(EngineOptions options_, std::unique_ptr<store::Store> store_)
      : options(std::move(options_)),
        rootless(!options.invocation.environment.root),
        pool(std::max(2u, std::thread::hardware_concurrency())),
        store(std::move(store_)),
        registry(registry::make_client(client_options(options.invocation.environment))),
        images(*store, *registry),
        unpacker(*store),
        cache(*store, options.build_ref),
        remote_cache(cache),
        secrets(options.secrets, options.invocation.environment, *store),
        executor(*store, options.on_warning),
        devices(device_directories(options.invocation.environment)),
        files(*store, {.proxy = client_options(options.invocation.environment).proxy,
                       .ca_file = options.invocation.environment.get("SSL_CERT_FILE"),
                       .secret = secret_lookup(secrets)}),
        git(*store, git_options(options.invocation.environment, secrets)),
        source(images, unpacker, layouts, contexts, &files, &git),
        file(*store, contexts, pool, rootless),
        merge(*store),
        layers(*store) {}

  EngineOptions options;
  const progress::Time started = std::chrono::system_clock::now();
  const bool rootless;
  ThreadPool pool;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<registry::Client> registry;
  source::ImageSource images;
  source::ImageUnpacker unpacker;
  ops::LocalContexts contexts;
  // One for each directory and set of ignore rules, so that targets share the walk.
  Guarded<std::map<std::string, std::shared_ptr<const source::LocalContext>>> directories;
  ops::OciLayouts layouts;
  cache::LocalIndex cache;
  cache::RemoteIndex remote_cache;
  BuildSecrets secrets;
  LazyExecutor executor;
  LazyDevices devices;
  source::HttpFileSource files;
  source::GitSource git;
  ops::SourceRunner source;
  ops::FileRunner file;
  ops::MergeRunner merge;
  exporter::EarlyLayers layers;
  std::unique_ptr<ops::ExecRunner> exec;
  std::unique_ptr<ops::OpRouter> router;
  std::unique_ptr<LayerStarter> layer_starter;
  std::unique_ptr<RemoteResults> remote_results;
  std::unique_ptr<CacheMountImports> cache_mounts;
  std::unique_ptr<solver::Scheduler> scheduler;
};

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(std::unique_ptr<store::Store> store,
                                               EngineOptions options) {
  auto parts = std::make_unique<Parts>(std::move(options), std::move(store));
  parts->exec = TRY(ops::ExecRunner::create(
      {.store = *parts->store,
       .executor = parts->executor,
       .contexts = parts->contexts,
       .secrets = parts->secrets,
       .agents = parts->secrets,
       .pool = parts->pool,
       .rootless = parts->rootless,
       .devices = [p = parts.get()]() -> const auto& { return p->devices.get(); }},
      parts->options.allowed));
  parts->router = std::make_unique<ops::OpRouter>(
      ops::OpRouter::Runners{parts->source, *parts->exec, parts->file, parts->merge});
  parts->layer_starter = std::make_unique<LayerStarter>(*parts->router, parts->layers);
  parts->remote_results = std::make_unique<RemoteResults>(
      *parts->layer_starter, parts->source, parts->remote_cache, parts->unpacker, *parts->store);
  parts->cache_mounts =
      std::make_unique<CacheMountImports>(*parts->remote_results, *parts->store, *parts->registry);
  parts->scheduler = std::make_unique<solver::Scheduler>(*parts->cache_mounts, parts->remote_cache);
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Status Engine::add_directory(const ContextDirectory& directory) {
  auto directories = parts_->directories.lock();
  if (directories->contains(directory.key)) return {};
  const store::Layout& layout = parts_->store->layout();
  const std::shared_ptr<const source::LocalContext> context = TRY(source::LocalContext::open(
      {.root = directory.path.empty() ? layout.empty_layer() : directory.path,
       .ignore_patterns = directory.ignore_patterns,
       .index_directory = layout.contexts(),
       .pool = &parts_->pool}));
  directories->emplace(directory.key, context);
  parts_->contexts.add(directory.key, std::shared_ptr<source::FileTree>(context, &context->tree()));
  return {};
}

Result<dockerfile::OciLayoutContext> Engine::add_layout(const std::string& location) {
  const auto wanted = source::LayoutLocation::parse(location);
  const auto path = parts_->options.invocation.environment.working_directory / wanted.directory;
  const std::string name =
      "layout-" + std::string(Digest::sha256_of(path.string()).hex().substr(0, 16));
  auto layout = parts_->layouts.find(name);
  if (layout == nullptr) {
    layout = TRY(source::OciLayout::open(path));
    parts_->layouts.add(name, layout);
  }
  if (!wanted.digest.empty()) {
    return dockerfile::OciLayoutContext{name, TRY(Digest::parse(wanted.digest))};
  }
  return dockerfile::OciLayoutContext{name, TRY(layout->find_tag(wanted.tag)).digest};
}

std::unique_ptr<ContextReader> Engine::context_reader(progress::Sink& progress,
                                                      std::stop_token stop) {
  return std::make_unique<SolvedContexts>(
      SolvedContexts::Parts{*parts_->store, *parts_->scheduler, *parts_->remote_results,
                            parts_->files, parts_->git, progress, stop});
}

Status Engine::check_devices(const std::vector<graph::CdiDevice>& requests) const {
  return parts_->exec->check_devices(requests);
}

source::ImageSource& Engine::images() {
  return parts_->images;
}
ops::OciLayouts& Engine::layouts() {
  return parts_->layouts;
}
store::Store& Engine::store() {
  return *parts_->store;
}
registry::Client& Engine::registry() {
  return *parts_->registry;
}

void Engine::add_caches(std::vector<LoadedCache> caches) {
  for (LoadedCache& loaded : caches) {
    parts_->remote_cache.add_source(std::move(loaded.caches));
    parts_->remote_results->add_origin(std::move(loaded.origin), std::move(loaded.reference));
  }
}

void Engine::add_cache_mounts(const std::vector<CacheSource>& sources) {
  for (const CacheSource& source : sources) {
    if (source.cache_mounts) parts_->cache_mounts->add_source(source);
  }
}

BuildServices Engine::services() {
  return {*parts_->scheduler,
          *parts_->layer_starter,
          parts_->remote_cache,
          *parts_->remote_results,
          *parts_->cache_mounts,
          *parts_->store,
          *parts_->registry,
          parts_->pool,
          parts_->options.invocation.environment.working_directory,
          parts_->options.layer_split,
          load_command(parts_->options.invocation.environment),
          parts_->options.build_ref,
          parts_->started};
}

Status Engine::finish() {
  parts_->layers.stop();
  // What was built is made durable also where what was learnt cannot be kept.
  Status kept;
  for (const auto& [key, context] : *parts_->directories.lock()) {
    Status saved = context->save();
    if (kept) kept = std::move(saved);
  }
  if (kept) kept = parts_->cache.flush();
  TRY(end_use(*parts_->store, parts_->options.invocation.environment));
  return kept;
}

Result<std::unique_ptr<Engine>> open_engine(const Invocation& invocation, Secrets secrets) {
  auto store = TRY(open_store(invocation));
  return Engine::create(std::move(store), {.invocation = invocation,
                                           .build_ref = {},
                                           .secrets = std::move(secrets),
                                           .allowed = {},
                                           .on_warning = [](const std::string&) {}});
}

}  // namespace slipway::cli
