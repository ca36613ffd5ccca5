#include "ops/exec_mounts.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/file_io.h"
#include "base/root_dir.h"
#include "base/text.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

using graph::kNone;

// Where a mount goes: absolute, or below the working directory.
std::string destination_of(const graph::Mount& mount, const std::string& cwd) {
  const std::filesystem::path path(mount.dest);
  const std::filesystem::path absolute =
      path.is_absolute() ? path : std::filesystem::path("/" + cwd) / path;
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text.starts_with("//") ? text.substr(1) : text;
}

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory ||
         (path.starts_with(directory) && (directory == "/" || path[directory.size()] == '/'));
}

// Whether what the image has of the path, if anything, is directories.
Result<bool> can_be_directory(const Tree& image, const std::string& path) {
  std::shared_ptr<const MergedDir> here = image.root();
  for (const std::string& name : split(path, '/')) {
    if (name.empty()) continue;
    const std::optional<MergedDir::Entry> entry = TRY(here->find(name));
    if (!entry) return true;
    if (!S_ISDIR(entry->info.st_mode)) return false;
    here = TRY(here->child(name));
  }
  return true;
}

Result<store::SnapshotId> snapshot_of(const solver::StepResult& result) {
  if (const auto id = store::snapshot_of_result(result.id)) return *id;
  return make_error(ErrorCode::Internal, "mount: unknown input \"{}\"", result.id);
}

}  // namespace

Result<std::unique_ptr<ExecMounts>> ExecMounts::prepare(
    const ExecSources& sources, const graph::ExecOp& op,
    const std::vector<solver::StepResult>& inputs, TempDir directory, std::stop_token stop) {
  std::unique_ptr<ExecMounts> mounts(
      new ExecMounts(sources, std::move(directory), std::move(stop)));
  TRY(mounts->add(op, inputs));
  return mounts;
}

Status ExecMounts::add(const graph::ExecOp& op, const std::vector<solver::StepResult>& inputs) {
  std::vector<Planned> planned;
  std::optional<Planned> root;
  for (const graph::Mount& mount : op.mounts) {
    if (mount.input != kNone &&
        (mount.input < 0 || static_cast<size_t>(mount.input) >= inputs.size())) {
      return make_error(ErrorCode::InvalidInput, "mount {}: there is no input {}", mount.dest,
                        mount.input);
    }
    const solver::StepResult* input =
        mount.input == kNone ? nullptr : &inputs[static_cast<size_t>(mount.input)];
    Planned plan{&mount, destination_of(mount, op.cwd), input};
    if (plan.destination == "/") {
      root = plan;
    } else {
      planned.push_back(std::move(plan));
    }
  }
  if (!root || root->mount->type != graph::MountType::Bind) {
    return make_error(ErrorCode::InvalidInput, "run: the step has no root file system");
  }
  // Outer mounts before those inside them.
  std::ranges::stable_sort(planned, {}, &Planned::destination);
  TRY(acquire_caches(op, *root, planned));
  for (const Planned& plan : planned) {
    TRY(add_mount(plan).context("mount " + plan.destination));
  }
  // Last: by now it is known which mount points it needs.
  return add_root(*root->mount, root->input);
}

Result<std::filesystem::path> ExecMounts::mount_point() {
  std::filesystem::path path = directory_.path() / std::to_string(next_mount_point_++);
  TRY(make_directories(path));
  return path;
}

void ExecMounts::note_mount_point(const executor::ContainerMount& mount) {
  const auto is_directory = [](const executor::BindMount& bind) {
    struct stat info;
    return ::stat(bind.source.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  };
  std::visit(
      [&](const auto& m) {
        using Kind = std::decay_t<decltype(m)>;
        bool directory = std::is_same_v<Kind, executor::TmpfsMount>;
        if constexpr (std::is_same_v<Kind, executor::BindMount>) directory = is_directory(m);
        (directory ? mount_points_.directories : mount_points_.files).insert(m.destination);
      },
      mount);
  mounts_.push_back(mount);
}

Status ExecMounts::add_root(const graph::Mount& mount, const solver::StepResult* input) {
  MountedTree tree;
  tree.output = mount.output;
  store::SnapshotId parent;
  if (input != nullptr) {
    tree.keep_alive = input->keep_alive;
    parent = TRY(snapshot_of(*input));
  }
  tree.active = TRY(sources_.store.snapshotter().prepare(parent));
  store::OverlayLayers layers = tree.active->layers();
  layers.lower.push_back(TRY(sources_.stubs.layer(mount_points_)));
  if (overlays_.has_places()) {
    const std::vector<std::filesystem::path> caches = overlays_.layers();
    layers.lower.insert(layers.lower.begin(), caches.begin(), caches.end());
    layers.refer_to_lower = true;
  }
  rootfs_ = TRY(mount_point());
  tree.mount = TRY(sources_.store.snapshotter().mount(layers, rootfs_));
  root_ = tree.active.get();
  root_lower_ = std::move(layers.lower);
  readonly_root_ = mount.readonly;
  trees_.push_back(std::move(tree));
  return overlays_.offer(sources_.hosts, rootfs_);
}

// A context or a snapshot that caches start from stays pinned by a tree of its own.
Status ExecMounts::acquire_caches(const graph::ExecOp& op, const Planned& root,
                                  std::vector<Planned>& planned) {
  std::vector<ExecCache> caches;
  for (Planned& plan : planned) {
    const graph::Mount& mount = *plan.mount;
    if (mount.type != graph::MountType::Cache) continue;
    if (!mount.cache) {
      return make_error(ErrorCode::InvalidInput, "mount {}: it has no cache options", mount.dest);
    }
    // A privileged step can make a mount writable.
    const bool readonly = mount.readonly && op.security != graph::SecurityMode::Insecure;
    ExecCache cache{*mount.cache, false, {}, mount.selector, readonly, {}};
    if (plan.input != nullptr) {
      const solver::StepResult source = TRY(as_snapshot(*plan.input, mount.selector));
      cache.has_initial = true;
      cache.initial = TRY(snapshot_of(source));
      MountedTree tree;
      tree.keep_alive = source.keep_alive;
      tree.output = mount.output;
      if (mount.output != kNone) tree.unchanged = *plan.input;
      trees_.push_back(std::move(tree));
    }
    plan.cache = caches.size();
    caches.push_back(std::move(cache));
  }
  if (caches.empty()) return {};
  TRY(find_places(op, root, planned));
  for (const Planned& plan : planned) {
    if (plan.mount->type == graph::MountType::Cache) caches[plan.cache].place = plan.place;
  }
  return caches_.acquire(caches, stop_);
}

// Where caches can lie in the overlay of the root: what a step mounts there itself is not in the
// way, the image has directories there or nothing, and the step is no privileged one, which may
// make what overlayfs would take for its own.
Status ExecMounts::find_places(const graph::ExecOp& op, const Planned& root,
                               std::vector<Planned>& planned) {
  if (root.mount->readonly || op.security == graph::SecurityMode::Insecure) return {};
  if (!TRY(sources_.store.snapshotter().can_refer())) return {};
  store::OverlayLayers layers;
  if (root.input != nullptr) {
    layers = TRY(sources_.store.snapshotter().view(TRY(snapshot_of(*root.input))));
  }
  image_ = TRY(Tree::open(layers, {}));
  std::vector<std::string> taken = {"/proc", "/dev", "/sys"};
  std::vector<std::string> resolved;
  for (const Planned& plan : planned) {
    resolved.push_back(TRY(image_->resolve(plan.destination, true)));
  }
  for (size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].mount->type != graph::MountType::Cache || planned[i].mount->readonly) continue;
    const auto is_in = [&](const std::string& outer) { return lies_in(resolved[i], outer); };
    bool free = std::ranges::none_of(taken, is_in) && resolved[i] != "/";
    for (size_t other = 0; other < planned.size(); ++other) {
      if (other != i && is_in(resolved[other])) free = false;
    }
    if (free && TRY(can_be_directory(*image_, resolved[i]))) planned[i].place = resolved[i];
  }
  return {};
}

Status ExecMounts::add_cache(const Planned& planned) {
  store::CacheMountLease* const lease = caches_.lease(planned.cache);
  const bool below = lease != nullptr && lease->use() == store::CacheMountUse::Below;
  if (below && lease->linkable()) {
    return overlays_.place(*lease, caches_.name(planned.cache), *image_, planned.place);
  }
  std::filesystem::path source = caches_.path(planned.cache);
  if (below) {
    const auto [known, added] = apart_.try_emplace(lease);
    if (added) known->second = TRY(overlays_.mount_apart(*lease));
    source = known->second;
  }
  note_mount_point(executor::BindMount{source, planned.destination, planned.mount->readonly});
  return {};
}

Status ExecMounts::add_mount(const Planned& planned) {
  const graph::Mount& mount = *planned.mount;
  const std::string& destination = planned.destination;
  switch (mount.type) {
    case graph::MountType::Bind:
      return add_bind(mount, destination, planned.input);
    case graph::MountType::Cache:
      return add_cache(planned);
    case graph::MountType::Secret:
      return add_secret(mount, destination);
    case graph::MountType::Ssh:
      return add_ssh(mount, destination);
    case graph::MountType::Tmpfs: {
      const int64_t size = mount.tmpfs ? mount.tmpfs->size : 0;
      if (destination == "/dev/shm" && size > 0) {
        shm_size_ = size;  // how --shm-size arrives: every container has one there already
        mount_points_.directories.insert(destination);
      } else {
        note_mount_point(executor::TmpfsMount{destination, size});
      }
      return {};
    }
  }
  __builtin_unreachable();
}

// Contexts become snapshots of what is selected of them.
Result<solver::StepResult> ExecMounts::as_snapshot(const solver::StepResult& input,
                                                   const std::string& selector) {
  const std::string path = selector.starts_with('/') ? selector : "/" + selector;
  const auto copy = TRY(sources_.contexts.copy(input, path, stop_));
  return copy ? *copy : input;
}

Status ExecMounts::mount_bind(const std::filesystem::path& tree, const graph::Mount& mount,
                              const std::string& destination) {
  const RootDir root = TRY(RootDir::open(tree));
  const std::string inside = TRY(root.canonical("/" + mount.selector));
  if (!TRY(root.stat_at(inside, false))) {
    return make_error(ErrorCode::NotFound, "\"{}\": not found", mount.selector);
  }
  note_mount_point(executor::BindMount{tree / inside.substr(1), destination, mount.readonly});
  return {};
}

Status ExecMounts::add_bind(const graph::Mount& mount, const std::string& destination,
                            const solver::StepResult* input) {
  MountedTree tree;
  store::SnapshotId snapshot;
  if (input != nullptr) {
    const solver::StepResult source = TRY(as_snapshot(*input, mount.selector));
    snapshot = TRY(snapshot_of(source));
    tree.keep_alive = source.keep_alive;
  }
  tree.output = mount.output;
  store::OverlayLayers layers;
  if (mount.readonly && input != nullptr) {
    layers = TRY(sources_.store.snapshotter().view(snapshot));
    if (mount.output != kNone) tree.unchanged = *input;
  } else {
    // What is written here is an output, or discarded.
    tree.active = TRY(sources_.store.snapshotter().prepare(snapshot));
    layers = tree.active->layers();
  }
  const std::filesystem::path target = TRY(mount_point());
  tree.mount = TRY(sources_.store.snapshotter().mount(layers, target));
  trees_.push_back(std::move(tree));
  return mount_bind(target, mount, destination);
}

Status ExecMounts::add_secret(const graph::Mount& mount, const std::string& destination) {
  if (!mount.secret || mount.secret->id.empty()) {
    return make_error(ErrorCode::InvalidInput, "the secret mount has no id");
  }
  const graph::SecretOpt& option = *mount.secret;
  std::optional<std::string> content = TRY(sources_.secrets.secret(option.id));
  if (!content) {
    if (option.optional) return {};
    return make_error(ErrorCode::NotFound, "secret {}: not found", option.id)
        .with_hint(fmt::format("give it to the build: --secret id={},src=FILE", option.id));
  }
  note_mount_point(executor::FileMount{destination, *std::move(content), option.uid, option.gid,
                                       option.mode & 0777});
  return {};
}

Status ExecMounts::add_ssh(const graph::Mount& mount, const std::string& destination) {
  if (!mount.ssh) return make_error(ErrorCode::InvalidInput, "the ssh mount has no options");
  const graph::SshOpt& option = *mount.ssh;
  const std::string id = option.id.empty() ? "default" : option.id;
  const std::optional<std::filesystem::path> socket = TRY(sources_.agents.agent_socket(id));
  if (!socket) {
    if (option.optional) return {};
    return make_error(ErrorCode::NotFound, "no SSH key \"{}\" forwarded to the build", id)
        .with_hint(fmt::format("give the build your agent: --ssh {}", id));
  }
  note_mount_point(
      executor::SocketMount{destination, *socket, option.uid, option.gid, option.mode & 0777});
  return {};
}

void ExecMounts::fill(executor::ProcessSpec& spec) const {
  spec.rootfs = rootfs_;
  spec.readonly_rootfs = readonly_root_;
  spec.mounts = mounts_;
  if (shm_size_) spec.shm_size = *shm_size_;
}

// Caches keep what a step wrote however it ended.
ExecMounts::~ExecMounts() {
  (void)finish_caches().has_value();
}

Status ExecMounts::finish_caches() {
  if (std::exchange(caches_are_finished_, true)) return {};
  overlays_.close();
  for (MountedTree& tree : trees_) {
    if (tree.mount) TRY(tree.mount->unmount());
  }
  TRY(overlays_.finish(root_, root_lower_));
  caches_.release();
  return {};
}

Result<std::vector<solver::StepResult>> ExecMounts::commit() {
  TRY(finish_caches());
  std::ranges::sort(trees_, {}, &MountedTree::output);
  std::vector<solver::StepResult> results;
  for (MountedTree& tree : trees_) {
    if (tree.output == kNone) continue;
    if (tree.unchanged) {
      results.push_back(*tree.unchanged);
      continue;
    }
    const store::SnapshotId id = TRY(tree.active->commit());
    std::shared_ptr<const void> pin = TRY(sources_.store.snapshotter().pin(id));
    results.push_back({store::to_result_id(id), std::move(pin)});
  }
  trees_.clear();
  return results;
}

}  // namespace slipway::ops
