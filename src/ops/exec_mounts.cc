#include "ops/exec_mounts.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/file_io.h"
#include "base/root_dir.h"
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
  TRY(acquire_caches(planned));
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
  Tree tree;
  tree.output = mount.output;
  store::SnapshotId parent;
  if (input != nullptr) {
    tree.keep_alive = input->keep_alive;
    parent = TRY(snapshot_of(*input));
  }
  tree.active = TRY(sources_.store.snapshotter().prepare(parent));
  store::OverlayLayers layers = tree.active->layers();
  layers.lower.push_back(TRY(sources_.stubs.layer(mount_points_)));
  rootfs_ = TRY(mount_point());
  tree.mount = TRY(sources_.store.snapshotter().mount(layers, rootfs_));
  readonly_root_ = mount.readonly;
  trees_.push_back(std::move(tree));
  return {};
}

// A context or a snapshot that caches start from stays pinned by a tree of its own.
Status ExecMounts::acquire_caches(std::vector<Planned>& planned) {
  std::vector<ExecCache> caches;
  for (Planned& plan : planned) {
    const graph::Mount& mount = *plan.mount;
    if (mount.type != graph::MountType::Cache) continue;
    if (!mount.cache) {
      return make_error(ErrorCode::InvalidInput, "mount {}: it has no cache options", mount.dest);
    }
    ExecCache cache{*mount.cache, false, {}, mount.selector};
    if (plan.input != nullptr) {
      const solver::StepResult source = TRY(as_snapshot(*plan.input, mount.selector));
      cache.has_initial = true;
      cache.initial = TRY(snapshot_of(source));
      Tree tree;
      tree.keep_alive = source.keep_alive;
      tree.output = mount.output;
      if (mount.output != kNone) tree.unchanged = *plan.input;
      trees_.push_back(std::move(tree));
    }
    plan.cache = caches.size();
    caches.push_back(std::move(cache));
  }
  return caches_.acquire(caches, stop_);
}

Status ExecMounts::add_mount(const Planned& planned) {
  const graph::Mount& mount = *planned.mount;
  const std::string& destination = planned.destination;
  switch (mount.type) {
    case graph::MountType::Bind:
      return add_bind(mount, destination, planned.input);
    case graph::MountType::Cache:
      note_mount_point(
          executor::BindMount{caches_.path(planned.cache), destination, mount.readonly});
      return {};
    case graph::MountType::Secret:
      return add_secret(mount, destination);
    case graph::MountType::Ssh:
      return add_ssh(mount, destination);
    case graph::MountType::Tmpfs: {
      const int64_t size = mount.tmpfs ? mount.tmpfs->size : 0;
      if (destination == "/dev/shm" && size > 0) {
        shm_size_ = size;  // how --shm-size arrives: every container has one there already
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
  Tree tree;
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

Result<std::vector<solver::StepResult>> ExecMounts::commit() {
  caches_.release();
  for (Tree& tree : trees_) {
    if (tree.mount) TRY(tree.mount->unmount());
  }
  std::ranges::sort(trees_, {}, &Tree::output);
  std::vector<solver::StepResult> results;
  for (Tree& tree : trees_) {
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
