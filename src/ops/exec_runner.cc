#include "ops/exec_runner.h"

#include <algorithm>

#include "base/check.h"
#include "base/file_io.h"
#include "base/text.h"
#include "ops/exec_cache_map.h"
#include "ops/exec_mounts.h"
#include "ops/file_run.h"
#include "source/file_tree.h"
#include "source/snapshot_tree.h"
#include "store/disk_space.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

constexpr char kDefaultPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const graph::ExecOp& op_of(const solver::StepContext& context) {
  const auto* op = std::get_if<graph::ExecOp>(&context.vertex.op);
  CHECK(op != nullptr);
  return *op;
}

// Each in both spellings, as programs look for either.
void add_proxy(std::vector<std::string>& env, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  env.push_back(fmt::format("{}={}", name, value));
  env.push_back(fmt::format("{}={}", to_lower(name), value));
}

// As Go's %q does for what occurs in commands.
std::string go_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        result += '\\';
        result += c;
        break;
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\r':
        result += "\\r";
        break;
      default:
        result += c;
    }
  }
  return result + "\"";
}

std::string failure_text(const graph::ExecOp& op) {
  return fmt::format("process {} did not complete successfully", go_quoted(join(op.args, " ")));
}

bool is_valid(const graph::ExecOp& op, int code) {
  if (op.valid_exit_codes.empty()) return code == 0;
  return std::ranges::find(op.valid_exit_codes, code) != op.valid_exit_codes.end();
}

// The part of a context that a step mounts, copied by the code of COPY.
Result<solver::StepResult> copy_of_context(const ExecRunner::Parts& parts,
                                           std::shared_ptr<source::FileTree> context,
                                           const std::string& path, std::stop_token stop) {
  graph::FileCopy copy;
  copy.src = path;
  copy.dest = path;
  copy.dir_copy_contents = true;
  copy.follow_symlink = true;
  copy.create_dest_path = true;
  graph::FileAction action;
  action.secondary_input = 0;
  action.output = 0;
  action.action = std::move(copy);
  FileInput input;
  input.context = std::move(context);
  const FileRunOptions options{parts.store, parts.pool, parts.rootless};
  std::vector<FileOutput> outputs =
      TRY(run_file_op(graph::FileOp{{std::move(action)}}, {std::move(input)}, options, stop));
  CHECK(outputs.size() == 1);
  return solver::StepResult{store::to_result_id(outputs[0].snapshot), std::move(outputs[0].pin)};
}

}  // namespace

Result<std::unique_ptr<ExecRunner>> ExecRunner::create(const Parts& parts,
                                                       const ExecOptions& options) {
  TempDir stubs = TRY(parts.store.scratch_directory("stubs-"));
  TempDir probes = TRY(parts.store.scratch_directory("probes-"));
  return std::unique_ptr<ExecRunner>(
      new ExecRunner(parts, options, std::move(stubs), std::move(probes)));
}

ExecRunner::ExecRunner(const Parts& parts, const ExecOptions& options, TempDir stubs,
                       TempDir probes)
    : parts_(parts),
      options_(options),
      context_copies_(parts.contexts,
                      [this](std::shared_ptr<source::FileTree> context, const std::string& path,
                             std::stop_token stop) {
                        return copy_of_context(parts_, std::move(context), path, stop);
                      }),
      stubs_(std::move(stubs)),
      platforms_(std::move(probes)) {}

// The devices that a step gets are in its key, not those that it asks for: a step that ran without
// an optional one runs again where there is one. (As BuildKit has it for devices allowed by name.)
Result<solver::CacheMap> ExecRunner::cache_map(const solver::StepContext& context) {
  const graph::ExecOp& op = op_of(context);
  if (op.cdi_devices.empty()) return exec_cache_map(context.vertex);
  graph::ExecOp resolved = op;
  resolved.cdi_devices.clear();
  const std::vector<std::string> names = TRY(devices_of(op.cdi_devices));
  for (const std::string& name : names) resolved.cdi_devices.push_back({name, false});
  graph::Vertex vertex = context.vertex;
  vertex.op = std::move(resolved);
  return exec_cache_map(vertex);
}

Result<std::vector<std::string>> ExecRunner::devices_of(
    const std::vector<graph::CdiDevice>& requests) const {
  if (requests.empty()) return std::vector<std::string>();
  const executor::CdiDevices none;
  return devices_for(requests, parts_.devices ? parts_.devices() : none, options_.devices);
}

Result<executor::CdiEdits> ExecRunner::device_edits(
    const std::vector<graph::CdiDevice>& requests) const {
  const std::vector<std::string> names = TRY(devices_of(requests));
  if (names.empty()) return executor::CdiEdits();
  return parts_.devices().edits_of(names);
}

Status ExecRunner::check_devices(const std::vector<graph::CdiDevice>& requests) const {
  TRY(device_edits(requests));
  return {};
}

Result<Digest> ExecRunner::content_digest(const solver::StepContext& context, size_t index,
                                          const solver::StepResult& input) {
  const std::shared_ptr<source::FileTree> local = parts_.contexts.find_result(input.id);
  const std::optional<store::SnapshotId> snapshot = store::snapshot_of_result(input.id);
  if (!local && !snapshot) {
    return make_error(ErrorCode::Internal, "run: unknown input \"{}\"", input.id);
  }
  std::vector<source::Selection> selections;
  for (std::string& path : exec_selectors(context.vertex, index)) {
    source::Selection& selection = selections.emplace_back();
    selection.path = std::move(path);
    selection.follow_links = true;
  }
  if (selections.empty()) selections.emplace_back();
  std::vector<std::string> digests;
  for (const source::Selection& selection : selections) {
    const Digest digest = local ? TRY(local->digest(selection, context.stop))
                                : TRY(source::snapshot_digest(parts_.store, *snapshot, selection,
                                                              &parts_.pool, context.stop));
    digests.push_back(digest.str());
  }
  return Digest::sha256_of(join(digests, std::string_view("\0", 1)));
}

Status ExecRunner::add_secret_environment(const graph::ExecOp& op,
                                          executor::ProcessSpec& spec) const {
  for (const graph::SecretEnv& secret : op.secret_env) {
    const std::optional<std::string> value = TRY(parts_.secrets.secret(secret.id));
    if (value) {
      spec.env.push_back(fmt::format("{}={}", secret.name, *value));
    } else if (!secret.optional) {
      return make_error(ErrorCode::NotFound, "secret {}: not found", secret.id)
          .with_hint(fmt::format("give it to the build: --secret id={},env=VARIABLE", secret.id));
    }
  }
  return {};
}

Result<executor::ProcessSpec> ExecRunner::process_of(const graph::ExecOp& op) const {
  executor::ProcessSpec spec;
  spec.args = op.args;
  spec.env = op.env;
  if (op.proxy_env) {
    add_proxy(spec.env, "HTTP_PROXY", op.proxy_env->http_proxy);
    add_proxy(spec.env, "HTTPS_PROXY", op.proxy_env->https_proxy);
    add_proxy(spec.env, "FTP_PROXY", op.proxy_env->ftp_proxy);
    add_proxy(spec.env, "NO_PROXY", op.proxy_env->no_proxy);
    add_proxy(spec.env, "ALL_PROXY", op.proxy_env->all_proxy);
  }
  if (std::ranges::none_of(spec.env, [](const auto& v) { return v.starts_with("PATH="); })) {
    spec.env.push_back(kDefaultPath);
  }
  TRY(add_secret_environment(op, spec));
  if (!op.cwd.empty()) spec.cwd = op.cwd.starts_with('/') ? op.cwd : "/" + op.cwd;
  spec.user = op.user;
  if (!op.hostname.empty()) spec.hostname = op.hostname;
  for (const graph::HostIp& host : op.extra_hosts) spec.extra_hosts.push_back({host.host, host.ip});
  for (const graph::Ulimit& limit : op.ulimit) {
    spec.rlimits.push_back({limit.name, limit.soft, limit.hard});
  }
  spec.network = op.network == graph::NetMode::Host   ? executor::Network::Host
                 : op.network == graph::NetMode::None ? executor::Network::None
                                                      : executor::Network::Private;
  spec.insecure = op.security == graph::SecurityMode::Insecure;
  spec.devices = TRY(device_edits(op.cdi_devices));
  return spec;
}

Result<std::vector<solver::StepResult>> ExecRunner::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  const graph::ExecOp& op = op_of(context);
  if (op.security == graph::SecurityMode::Insecure && !options_.allow_insecure) {
    return make_error(ErrorCode::PermissionDenied, "security.insecure is not allowed")
        .with_hint("allow it: --allow security.insecure");
  }
  if (op.network == graph::NetMode::Host && !options_.allow_host_network) {
    return make_error(ErrorCode::PermissionDenied, "network.host is not allowed")
        .with_hint("allow it: --allow network.host");
  }
  if (context.vertex.platform) TRY(platforms_.check(*context.vertex.platform));
  executor::ProcessSpec spec = TRY(process_of(op));
  const ExecSources sources{parts_.store,  parts_.pool,     parts_.rootless, parts_.secrets,
                            parts_.agents, context_copies_, stubs_,          cache_hosts_};
  TempDir mount_points = TRY(parts_.store.scratch_directory("exec-"));
  const std::unique_ptr<ExecMounts> mounts =
      TRY(ExecMounts::prepare(sources, op, inputs, std::move(mount_points), context.stop));
  mounts->fill(spec);
  Result<ExitStatus> status = parts_.executor.run(
      spec, [&context](int stream, std::string_view data) { context.progress.log(stream, data); },
      context.stop);
  if (!status) {
    if (status.error().code() != ErrorCode::StepFailed) return std::move(status).error();
    return std::move(status).context(failure_text(op)).error();
  }
  if (!is_valid(op, status->shell_code())) {
    // Looked at now: what the step has written goes with its failure.
    const std::filesystem::path& root = parts_.store.layout().root();
    const Result<store::DiskSpace> disk = store::disk_space(root);
    return make_error(ErrorCode::StepFailed, "{}: exit code: {}", failure_text(op),
                      status->shell_code())
        .with_hint(disk && disk->full ? store::full_disk_hint(root) : "");
  }
  return mounts->commit();
}

}  // namespace slipway::ops
