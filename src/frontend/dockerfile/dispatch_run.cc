// RUN: an exec op with its mounts.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/heredoc.h"
#include "frontend/dockerfile/path_rules.h"
#include "frontend/dockerfile/run_mount.h"

namespace slipway::dockerfile {

namespace {

// A mount before the order of mounts, and so of inputs, is known.
struct PlannedMount {
  graph::Mount mount;
  std::optional<Output> source;
};

PendingOp scratch_file(graph::FileMkfile mkfile) {
  PendingOp op;
  op.op = graph::FileOp{{{graph::kNone, graph::kNone, 0, std::move(mkfile)}}};
  op.metadata = named("[internal] preparing inline document");
  op.metadata.caps["file.base"] = true;
  return op;
}

// The first line of a heredoc, for the step's name.
std::string summary(std::string_view document) {
  document = trim(document);
  const size_t end = document.find('\n');
  if (end == std::string_view::npos) return std::string(document);
  std::string_view line = document.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line) + "...";
}

class RunConverter {
 public:
  RunConverter(ConvertContext& context, StageState& stage, const RunInstruction& run,
               const std::vector<StageState*>& sources, const CheckedExpander& expander)
      : context_(context),
        stage_(stage),
        run_(run),
        sources_(sources),
        expander_(expander),
        shown_(run.info.source) {}

  Status convert() {
    stage_.paths_of_base().insert("/");  // a process may read anything
    exec_.args = TRY(command_args());
    TRY(add_mounts());
    fill_exec();
    const std::string history = "RUN " + history_args() + " # buildkit";

    PendingOp op;
    op.metadata = metadata();
    op.platform = stage_.state.platform;
    order_mounts(op);
    op.op = std::move(exec_);
    stage_.state.output = context_.graph.add(std::move(op));
    add_history(context_, stage_, history, true);
    return {};
  }

 private:
  // What is executed; heredocs become part of the shell's script, or a file that is run.
  Result<std::vector<std::string>> command_args() {
    std::vector<std::string> args = run_.command.args;
    if (!run_.command.files.empty()) {
      if (args.size() != 1 || !run_.command.prepend_shell) {
        return make_error(ErrorCode::InvalidInput, "parsing produced an invalid run command: {}",
                          join(args, " "));
      }
      if (TRY(parse_heredoc_word(args[0]))) {
        args = {script_of(run_.command.files.front())};
        shown_ += fmt::format(" ({})", summary(run_.command.files.front().data));
      } else {
        for (const InlineFile& file : run_.command.files) {
          args[0] += "\n" + file.data + file.name;
        }
      }
    }
    if (!run_.command.prepend_shell) return args;
    std::vector<std::string> shell = shell_of(stage_.image);
    shell.push_back(join(args, " "));
    return shell;
  }

  // The heredoc's text, or, when it starts with #!, the path of a file that holds it.
  std::string script_of(const InlineFile& file) {
    std::string data = file.chomp ? chomp_heredoc(file.data) : file.data;
    if (stage_.image.platform.os == "windows" || !data.starts_with("#!")) return data;
    graph::FileMkfile mkfile;
    mkfile.path = action_path("/", file.name, false);
    mkfile.mode = 0755;
    mkfile.data = std::move(data);
    graph::Mount mount;
    mount.dest = "/dev/pipes/";
    mount.selector = "/";
    mount.readonly = true;
    mounts_.push_back({std::move(mount), context_.graph.add(scratch_file(std::move(mkfile)))});
    return join_path("/dev/pipes/", file.name);
  }

  Status add_mounts() {
    std::vector<RunMount> mounts = TRY(parse_mounts(
        run_, [&](std::string_view word) { return expander_.word(context_.lexer, word); }));
    for (size_t i = 0; i < mounts.size(); ++i) {
      RunMount& mount = mounts[i];
      // A stage may have that name.
      if (mount.type == graph::MountType::Cache && mount.from.empty()) mount.from = "scratch";
      if (!mount.from.empty() && !sources_.at(i)->is_dispatched) {
        return make_error(ErrorCode::InvalidInput,
                          "cannot mount from stage \"{}\" to \"{}\", stage needs to be defined "
                          "before current command",
                          mount.from, mount.target);
      }
      if (mount.type == graph::MountType::Secret) {
        TRY(add_secret(mount));
      } else if (mount.type == graph::MountType::Ssh) {
        TRY(add_ssh(mount));
      } else {
        TRY(add_files(mount, sources_.at(i)));
      }
    }
    if (context_.options.shm_size > 0) {
      graph::Mount shm;
      shm.dest = "/dev/shm";
      shm.type = graph::MountType::Tmpfs;
      shm.tmpfs = graph::TmpfsOpt{context_.options.shm_size};
      mounts_.push_back({std::move(shm), std::nullopt});
    }
    return {};
  }

  // bind, cache, tmpfs
  Status add_files(const RunMount& mount, StageState* source) {
    const bool is_cache = mount.type == graph::MountType::Cache;
    const bool is_tmpfs = mount.type == graph::MountType::Tmpfs;
    const bool of_context = mount.from.empty();
    PlannedMount planned;
    planned.source = of_context ? context_.main_context : source->state.output;
    planned.mount.type = mount.type;
    planned.mount.readonly = mount.readonly;
    if (is_tmpfs) {
      planned.source = std::nullopt;
      planned.mount.tmpfs = graph::TmpfsOpt{mount.size_limit};
    }
    if (is_cache) {
      const std::string id = mount.id.empty() ? clean_path(mount.target) : mount.id;
      planned.mount.cache = graph::CacheOpt{context_.options.cache_namespace + "/" + id,
                                            mount.sharing.value_or(graph::CacheSharing::Shared)};
    }
    planned.mount.dest = mount.target;
    if (!clean_path(mount.target).starts_with('/')) {
      planned.mount.dest = join_path(join_path("/", stage_.state.dir), mount.target);
    }
    if (planned.mount.dest == "/") {
      return make_error(ErrorCode::InvalidInput, "invalid mount target \"/\"");
    }
    const std::string selector = join_path("/", mount.source);
    if (selector != "/") {
      planned.mount.selector = selector;
    } else if (mount.uid || mount.gid || mount.mode) {
      if (is_tmpfs) {
        return make_error(ErrorCode::InvalidInput, "tmpfs mounts must use scratch");
      }
      planned.source = owned_directory(mount, planned.source);
      planned.mount.selector = "/cache";
    }
    mounts_.push_back(std::move(planned));
    (of_context ? stage_.context_paths : source->paths_of_base()).insert(selector);
    return {};
  }

  // A new mount with an owner or mode starts as a directory that has them.
  Output owned_directory(const RunMount& mount, const std::optional<Output>& base) {
    graph::FileMkdir mkdir;
    mkdir.path = "/cache";
    mkdir.mode = static_cast<int32_t>(mount.mode.value_or(0755) & 0777);
    mkdir.owner = graph::ChownOpt{graph::UserOpt{graph::UserOpt::Id{mount.uid.value_or(0)}},
                                  graph::UserOpt{graph::UserOpt::Id{mount.gid.value_or(0)}}};
    PendingOp op;
    op.op = graph::FileOp{{{base ? 0 : graph::kNone, graph::kNone, 0, std::move(mkdir)}}};
    if (base) op.inputs.push_back(*base);
    op.metadata = named("[internal] setting cache mount permissions");
    op.metadata.caps["file.base"] = true;
    return context_.graph.add(std::move(op));
  }

  Status add_secret(const RunMount& mount) {
    std::string id = mount.source.empty() ? mount.id : mount.source;
    if (id.empty()) {
      if (mount.target.empty()) {
        return make_error(ErrorCode::InvalidInput, "one of source, target required");
      }
      id = base_name(mount.target);
    }
    stage_.inputs.secrets.try_emplace(id, OutlineMount{id, mount.required, run_.info.span});
    if (mount.env) {
      const std::string& name = mount.env->empty() ? id : *mount.env;
      exec_.secret_env.push_back({id, name, !mount.required});
      masked_.push_back(name);
      // An environment variable replaces the file unless one is asked for as well.
      if (mount.target.empty()) return {};
    }
    graph::Mount secret;
    secret.type = graph::MountType::Secret;
    secret.output = 0;
    secret.dest =
        mount.target.empty() ? "/run/secrets/" + std::string(base_name(id)) : mount.target;
    secret.secret = graph::SecretOpt{id, mount.uid.value_or(0), mount.gid.value_or(0),
                                     mount.mode.value_or(0400), !mount.required};
    secrets_.push_back(std::move(secret));
    return {};
  }

  Status add_ssh(const RunMount& mount) {
    if (!mount.source.empty()) {
      return make_error(ErrorCode::InvalidInput, "ssh does not support source");
    }
    const std::string id = mount.id.empty() ? "default" : mount.id;
    stage_.inputs.ssh.try_emplace(id, OutlineMount{id, mount.required, run_.info.span});
    graph::Mount ssh;
    ssh.type = graph::MountType::Ssh;
    ssh.output = 0;
    ssh.dest = mount.target.empty() ? fmt::format("/run/buildkit/ssh_agent.{}", ssh_.size())
                                    : mount.target;
    ssh.ssh = graph::SshOpt{mount.id, mount.uid.value_or(0), mount.gid.value_or(0),
                            mount.mode.value_or(0600), !mount.required};
    ssh_.push_back(std::move(ssh));
    return {};
  }

  void fill_exec() {
    const ConvertOptions& options = context_.options;
    const BuildState& state = stage_.state;
    exec_.env = state.env.to_strings();
    if (!ssh_.empty() && state.env.find("SSH_AUTH_SOCK") == nullptr) {
      exec_.env.push_back("SSH_AUTH_SOCK=" + ssh_.front().dest);
    }
    exec_.cwd = state.dir;
    exec_.user = state.user;
    exec_.hostname = state.hostname;
    exec_.proxy_env = context_.proxy;
    exec_.extra_hosts = options.extra_hosts;
    exec_.ulimit = options.ulimits;
    exec_.cgroup_parent = options.cgroup_parent;
    exec_.remove_mount_stubs_recursive = true;
    exec_.network = state.network;
    if (run_.network == RunNetwork::None) exec_.network = graph::NetMode::None;
    if (run_.network == RunNetwork::Host) exec_.network = graph::NetMode::Host;
    if (run_.security == RunSecurity::Insecure) exec_.security = graph::SecurityMode::Insecure;
    exec_.cdi_devices = options.devices;
    for (const RunDevice& device : run_.devices) {
      exec_.cdi_devices.push_back({device.name, !device.required});
    }
  }

  // Mounts are sorted by where they go; secrets and agents come after, as written.
  void order_mounts(PendingOp& op) {
    PlannedMount root;
    root.mount.dest = "/";
    root.mount.output = 0;
    root.source = stage_.state.output;
    mounts_.insert(mounts_.begin(), std::move(root));
    std::ranges::stable_sort(mounts_, {}, [](const PlannedMount& m) { return m.mount.dest; });
    for (PlannedMount& planned : mounts_) {
      if (planned.source) {
        planned.mount.input = static_cast<int64_t>(op.inputs.size());
        op.inputs.push_back(*planned.source);
      }
      exec_.mounts.push_back(std::move(planned.mount));
    }
    std::ranges::move(secrets_, std::back_inserter(exec_.mounts));
    std::ranges::move(ssh_, std::back_inserter(exec_.mounts));
  }

  graph::VertexMetadata metadata() {
    const BuildState& state = stage_.state;
    // The name shows values, but not those of secrets.
    Environment shown_env = state.env.map();
    for (const std::string& name : masked_) shown_env[name] = "****";
    const ShellLexer lexer(
        {.escape = context_.escape, .raw_quotes = true, .raw_escapes = true, .skip_unset = true});
    graph::VertexMetadata metadata =
        named(step_name(context_, stage_, shown_command(lexer, shown_, shown_env),
                        state.platform ? &*state.platform : nullptr, &state.env));
    metadata.description[graph::kDockerfileCommand] = run_.info.source;
    metadata.ignore_cache = stage_.ignores_cache;
    metadata.linux_resources = context_.options.resources;
    metadata.caps = caps();
    add_location(metadata, run_.info.span);
    return metadata;
  }

  std::map<std::string, bool> caps() const {
    std::map<std::string, bool> caps = {{"exec.meta.base", true},
                                        {"exec.meta.setsdefaultpath", true}};
    const auto need = [&](bool needed, const char* cap) {
      if (needed) caps[cap] = true;
    };
    need(!exec_.ulimit.empty(), "exec.meta.ulimit");
    need(context_.options.resources.has_value(), "exec.meta.linux.resources");
    need(exec_.network != graph::NetMode::Unset, "exec.meta.network");
    need(exec_.security == graph::SecurityMode::Insecure, "exec.meta.security");
    need(exec_.proxy_env.has_value(), "exec.meta.proxyenv");
    need(!exec_.cdi_devices.empty(), "exec.meta.cdi");
    need(stage_.state.output.has_value(), "exec.mount.bind");
    for (const PlannedMount& planned : mounts_) {
      const graph::Mount& mount = planned.mount;
      need(!mount.selector.empty(), "exec.mount.selector");
      need(mount.cache.has_value(), "exec.mount.cache");
      need(mount.cache.has_value(), "exec.mount.cache.sharing");
      need(mount.tmpfs.has_value(), "exec.mount.tmpfs");
      need(mount.tmpfs && mount.tmpfs->size > 0, "exec.mount.tmpfs.size");
      need(!mount.cache && !mount.tmpfs && planned.source, "exec.mount.bind");
    }
    need(!secrets_.empty() || !exec_.secret_env.empty(), "exec.mount.secret");
    need(!exec_.secret_env.empty(), "exec.secretenv");
    need(!ssh_.empty(), "exec.mount.ssh");
    return caps;
  }

  // "|2 A=1 B=2 /bin/sh -c make": build arguments that the command could see come first.
  std::string history_args() const {
    std::vector<std::string> parts;
    std::map<std::string, size_t> known;
    for (const ArgDefinition& arg : stage_.args) {
      const std::string* set = stage_.state.env.find(arg.key);
      const std::string part = arg.key + "=" + (set != nullptr ? *set : arg.value.value_or(""));
      const auto [position, is_new] = known.try_emplace(arg.key, parts.size());
      if (is_new) {
        parts.push_back(part);
      } else {
        parts[position->second] = part;
      }
    }
    if (!parts.empty()) parts.insert(parts.begin(), fmt::format("|{}", parts.size()));
    // The command without its shell where it has none; exec_.args still is what was written here.
    parts.insert(parts.end(), exec_.args.begin(), exec_.args.end());
    return join(parts, " ");
  }

  ConvertContext& context_;
  StageState& stage_;
  const RunInstruction& run_;
  const std::vector<StageState*>& sources_;
  const CheckedExpander& expander_;
  std::string shown_;
  graph::ExecOp exec_;
  std::vector<PlannedMount> mounts_;
  std::vector<graph::Mount> secrets_;
  std::vector<graph::Mount> ssh_;
  std::vector<std::string> masked_;
};

}  // namespace

Status dispatch_run(ConvertContext& context, StageState& stage, const RunInstruction& run,
                    const std::vector<StageState*>& sources, const CheckedExpander& expander) {
  return RunConverter(context, stage, run, sources, expander).convert();
}

}  // namespace slipway::dockerfile
