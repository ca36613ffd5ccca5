#include "graph/proto_ops.h"

#include <type_traits>

#include "base/check.h"

namespace slipway::graph {

namespace {

template <typename Repeated, typename Strings>
void assign(Repeated* repeated, const Strings& strings) {
  repeated->Assign(strings.begin(), strings.end());
}
template <typename Repeated>
std::vector<std::string> strings(const Repeated& repeated) {
  return {repeated.begin(), repeated.end()};
}

// ---- exec

template <typename Opt, typename Wire>
void access_to_wire(const Opt& opt, Wire& wire) {
  wire.set_id(opt.id);
  wire.set_uid(opt.uid);
  wire.set_gid(opt.gid);
  wire.set_mode(opt.mode);
  wire.set_optional(opt.optional);
}

void mount_to_wire(const Mount& mount, pb::Mount& wire) {
  wire.set_input(mount.input);
  wire.set_selector(mount.selector);
  wire.set_dest(mount.dest);
  wire.set_output(mount.output);
  wire.set_readonly(mount.readonly);
  wire.set_mounttype(static_cast<pb::MountType>(mount.type));
  if (mount.tmpfs) wire.mutable_tmpfsopt()->set_size(mount.tmpfs->size);
  if (mount.cache) {
    wire.mutable_cacheopt()->set_id(mount.cache->id);
    wire.mutable_cacheopt()->set_sharing(static_cast<pb::CacheSharingOpt>(mount.cache->sharing));
  }
  if (mount.secret) access_to_wire(*mount.secret, *wire.mutable_secretopt());
  if (mount.ssh) access_to_wire(*mount.ssh, *wire.mutable_sshopt());
  wire.set_resultid(mount.result_id);
  wire.set_contentcache(static_cast<pb::MountContentCache>(mount.content_cache));
}

Mount mount_from_wire(const pb::Mount& wire) {
  Mount mount;
  mount.input = wire.input();
  mount.selector = wire.selector();
  mount.dest = wire.dest();
  mount.output = wire.output();
  mount.readonly = wire.readonly();
  mount.type = static_cast<MountType>(wire.mounttype());
  if (wire.has_tmpfsopt()) mount.tmpfs = TmpfsOpt{wire.tmpfsopt().size()};
  if (wire.has_cacheopt()) {
    mount.cache =
        CacheOpt{wire.cacheopt().id(), static_cast<CacheSharing>(wire.cacheopt().sharing())};
  }
  if (wire.has_secretopt()) {
    const pb::SecretOpt& opt = wire.secretopt();
    mount.secret = SecretOpt{opt.id(), opt.uid(), opt.gid(), opt.mode(), opt.optional()};
  }
  if (wire.has_sshopt()) {
    const pb::SSHOpt& opt = wire.sshopt();
    mount.ssh = SshOpt{opt.id(), opt.uid(), opt.gid(), opt.mode(), opt.optional()};
  }
  mount.result_id = wire.resultid();
  mount.content_cache = static_cast<ContentCache>(wire.contentcache());
  return mount;
}

void to_wire(const ExecOp& exec, pb::ExecOp& wire) {
  pb::Meta& meta = *wire.mutable_meta();
  assign(meta.mutable_args(), exec.args);
  assign(meta.mutable_env(), exec.env);
  meta.set_cwd(exec.cwd);
  meta.set_user(exec.user);
  if (exec.proxy_env) {
    pb::ProxyEnv& proxy = *meta.mutable_proxy_env();
    proxy.set_http_proxy(exec.proxy_env->http_proxy);
    proxy.set_https_proxy(exec.proxy_env->https_proxy);
    proxy.set_ftp_proxy(exec.proxy_env->ftp_proxy);
    proxy.set_no_proxy(exec.proxy_env->no_proxy);
    proxy.set_all_proxy(exec.proxy_env->all_proxy);
  }
  for (const HostIp& host : exec.extra_hosts) {
    pb::HostIP& item = *meta.add_extrahosts();
    item.set_host(host.host);
    item.set_ip(host.ip);
  }
  meta.set_hostname(exec.hostname);
  for (const Ulimit& limit : exec.ulimit) {
    pb::Ulimit& item = *meta.add_ulimit();
    item.set_name(limit.name);
    item.set_soft(limit.soft);
    item.set_hard(limit.hard);
  }
  meta.set_cgroupparent(exec.cgroup_parent);
  meta.set_removemountstubsrecursive(exec.remove_mount_stubs_recursive);
  for (const int32_t code : exec.valid_exit_codes) meta.add_validexitcodes(code);
  for (const Mount& mount : exec.mounts) mount_to_wire(mount, *wire.add_mounts());
  wire.set_network(static_cast<pb::NetMode>(exec.network));
  wire.set_security(static_cast<pb::SecurityMode>(exec.security));
  for (const SecretEnv& secret : exec.secret_env) {
    pb::SecretEnv& item = *wire.add_secretenv();
    item.set_id(secret.id);
    item.set_name(secret.name);
    item.set_optional(secret.optional);
  }
  for (const CdiDevice& device : exec.cdi_devices) {
    pb::CDIDevice& item = *wire.add_cdidevices();
    item.set_name(device.name);
    item.set_optional(device.optional);
  }
}

ExecOp from_wire(const pb::ExecOp& wire) {
  const pb::Meta& meta = wire.meta();
  ExecOp exec;
  exec.args = strings(meta.args());
  exec.env = strings(meta.env());
  exec.cwd = meta.cwd();
  exec.user = meta.user();
  if (meta.has_proxy_env()) {
    const pb::ProxyEnv& proxy = meta.proxy_env();
    exec.proxy_env = ProxyEnv{proxy.http_proxy(), proxy.https_proxy(), proxy.ftp_proxy(),
                              proxy.no_proxy(), proxy.all_proxy()};
  }
  for (const pb::HostIP& host : meta.extrahosts()) {
    exec.extra_hosts.push_back({host.host(), host.ip()});
  }
  exec.hostname = meta.hostname();
  for (const pb::Ulimit& limit : meta.ulimit()) {
    exec.ulimit.push_back({limit.name(), limit.soft(), limit.hard()});
  }
  exec.cgroup_parent = meta.cgroupparent();
  exec.remove_mount_stubs_recursive = meta.removemountstubsrecursive();
  exec.valid_exit_codes.assign(meta.validexitcodes().begin(), meta.validexitcodes().end());
  for (const pb::Mount& mount : wire.mounts()) exec.mounts.push_back(mount_from_wire(mount));
  exec.network = static_cast<NetMode>(wire.network());
  exec.security = static_cast<SecurityMode>(wire.security());
  for (const pb::SecretEnv& secret : wire.secretenv()) {
    exec.secret_env.push_back({secret.id(), secret.name(), secret.optional()});
  }
  for (const pb::CDIDevice& device : wire.cdidevices()) {
    exec.cdi_devices.push_back({device.name(), device.optional()});
  }
  return exec;
}

// ---- file

void user_to_wire(const UserOpt& user, pb::UserOpt& wire) {
  if (const UserOpt::Id* id = std::get_if<UserOpt::Id>(&user.value)) {
    wire.set_byid(*id);
    return;
  }
  const UserOpt::Name& name = std::get<UserOpt::Name>(user.value);
  wire.mutable_byname()->set_name(name.name);
  wire.mutable_byname()->set_input(name.input);
}

std::optional<UserOpt> user_from_wire(const pb::UserOpt& wire) {
  if (wire.has_byname()) {
    return UserOpt{UserOpt::Name{wire.byname().name(), wire.byname().input()}};
  }
  return UserOpt{UserOpt::Id{wire.byid()}};
}

template <typename Action, typename Wire>
void owner_to_wire(const Action& action, Wire& wire) {
  if (!action.owner) return;
  pb::ChownOpt& owner = *wire.mutable_owner();
  if (action.owner->user) user_to_wire(*action.owner->user, *owner.mutable_user());
  if (action.owner->group) user_to_wire(*action.owner->group, *owner.mutable_group());
}

template <typename Wire>
std::optional<ChownOpt> owner_from_wire(const Wire& wire) {
  if (!wire.has_owner()) return std::nullopt;
  ChownOpt owner;
  if (wire.owner().has_user()) owner.user = user_from_wire(wire.owner().user());
  if (wire.owner().has_group()) owner.group = user_from_wire(wire.owner().group());
  return owner;
}

void to_wire(const FileCopy& copy, pb::FileAction& action) {
  pb::FileActionCopy& wire = *action.mutable_copy();
  wire.set_src(copy.src);
  wire.set_dest(copy.dest);
  owner_to_wire(copy, wire);
  wire.set_mode(copy.mode);
  wire.set_followsymlink(copy.follow_symlink);
  wire.set_dircopycontents(copy.dir_copy_contents);
  wire.set_attemptunpackdockercompatibility(copy.attempt_unpack);
  wire.set_createdestpath(copy.create_dest_path);
  wire.set_allowwildcard(copy.allow_wildcard);
  wire.set_allowemptywildcard(copy.allow_empty_wildcard);
  wire.set_timestamp(copy.timestamp);
  assign(wire.mutable_include_patterns(), copy.include_patterns);
  assign(wire.mutable_exclude_patterns(), copy.exclude_patterns);
  wire.set_alwaysreplaceexistingdestpaths(copy.always_replace_existing_dest_paths);
  wire.set_modestr(copy.mode_str);
  assign(wire.mutable_required_paths(), copy.required_paths);
}

void to_wire(const FileMkfile& mkfile, pb::FileAction& action) {
  pb::FileActionMkFile& wire = *action.mutable_mkfile();
  wire.set_path(mkfile.path);
  wire.set_mode(mkfile.mode);
  wire.set_data(mkfile.data);
  owner_to_wire(mkfile, wire);
  wire.set_timestamp(mkfile.timestamp);
}

void to_wire(const FileMkdir& mkdir, pb::FileAction& action) {
  pb::FileActionMkDir& wire = *action.mutable_mkdir();
  wire.set_path(mkdir.path);
  wire.set_mode(mkdir.mode);
  wire.set_makeparents(mkdir.make_parents);
  owner_to_wire(mkdir, wire);
  wire.set_timestamp(mkdir.timestamp);
}

void to_wire(const FileRm& rm, pb::FileAction& action) {
  pb::FileActionRm& wire = *action.mutable_rm();
  wire.set_path(rm.path);
  wire.set_allownotfound(rm.allow_not_found);
  wire.set_allowwildcard(rm.allow_wildcard);
}

void to_wire(const FileSymlink& symlink, pb::FileAction& action) {
  pb::FileActionSymlink& wire = *action.mutable_symlink();
  wire.set_oldpath(symlink.oldpath);
  wire.set_newpath(symlink.newpath);
  owner_to_wire(symlink, wire);
  wire.set_timestamp(symlink.timestamp);
}

FileCopy from_wire(const pb::FileActionCopy& wire) {
  FileCopy copy;
  copy.src = wire.src();
  copy.dest = wire.dest();
  copy.owner = owner_from_wire(wire);
  copy.mode = wire.mode();
  copy.mode_str = wire.modestr();
  copy.follow_symlink = wire.followsymlink();
  copy.dir_copy_contents = wire.dircopycontents();
  copy.attempt_unpack = wire.attemptunpackdockercompatibility();
  copy.create_dest_path = wire.createdestpath();
  copy.allow_wildcard = wire.allowwildcard();
  copy.allow_empty_wildcard = wire.allowemptywildcard();
  copy.timestamp = wire.timestamp();
  copy.include_patterns = strings(wire.include_patterns());
  copy.exclude_patterns = strings(wire.exclude_patterns());
  copy.always_replace_existing_dest_paths = wire.alwaysreplaceexistingdestpaths();
  copy.required_paths = strings(wire.required_paths());
  return copy;
}

Result<FileAction> from_wire(const pb::FileAction& wire) {
  FileAction action{wire.input(), wire.secondaryinput(), wire.output(), {}};
  switch (wire.action_case()) {
    case pb::FileAction::kCopy:
      action.action = from_wire(wire.copy());
      return action;
    case pb::FileAction::kMkfile:
      action.action = FileMkfile{wire.mkfile().path(), wire.mkfile().mode(), wire.mkfile().data(),
                                 owner_from_wire(wire.mkfile()), wire.mkfile().timestamp()};
      return action;
    case pb::FileAction::kMkdir:
      action.action =
          FileMkdir{wire.mkdir().path(), wire.mkdir().mode(), wire.mkdir().makeparents(),
                    owner_from_wire(wire.mkdir()), wire.mkdir().timestamp()};
      return action;
    case pb::FileAction::kRm:
      action.action =
          FileRm{wire.rm().path(), wire.rm().allownotfound(), wire.rm().allowwildcard()};
      return action;
    case pb::FileAction::kSymlink:
      action.action = FileSymlink{wire.symlink().oldpath(), wire.symlink().newpath(),
                                  owner_from_wire(wire.symlink()), wire.symlink().timestamp()};
      return action;
    case pb::FileAction::ACTION_NOT_SET:
      break;
  }
  return make_error(ErrorCode::Unsupported, "a file action of an unknown kind");
}

// ---- indices and enum values of untrusted ops

Status check_index(int64_t index, int64_t limit, std::string_view what) {
  if (index >= kNone && index < limit) return {};
  return make_error(ErrorCode::InvalidInput, "{} {} of an op with {} inputs", what, index, limit);
}

Status check_exec(const pb::ExecOp& exec, int64_t inputs) {
  for (const pb::Mount& mount : exec.mounts()) {
    TRY(check_index(mount.input(), inputs, "mount input"));
    if (!pb::MountType_IsValid(mount.mounttype()) ||
        !pb::CacheSharingOpt_IsValid(mount.cacheopt().sharing()) ||
        !pb::MountContentCache_IsValid(mount.contentcache()) || mount.output() < kNone) {
      return make_error(ErrorCode::Unsupported, "mount {} of an unknown kind", mount.dest());
    }
  }
  if (!pb::NetMode_IsValid(exec.network()) || !pb::SecurityMode_IsValid(exec.security())) {
    return make_error(ErrorCode::Unsupported, "exec op with an unknown network or security mode");
  }
  return {};
}

Status check_owner(const pb::ChownOpt& owner, int64_t inputs) {
  for (const pb::UserOpt* user : {&owner.user(), &owner.group()}) {
    if (user->has_byname()) TRY(check_index(user->byname().input(), inputs, "owner input"));
  }
  return {};
}

Status check_file(const pb::FileOp& file, int64_t inputs) {
  int64_t known = inputs;  // inputs, then results of the actions so far
  for (const pb::FileAction& action : file.actions()) {
    TRY(check_index(action.input(), known, "file action input"));
    TRY(check_index(action.secondaryinput(), known, "file action input"));
    TRY(check_owner(action.copy().owner(), known));
    TRY(check_owner(action.mkfile().owner(), known));
    TRY(check_owner(action.mkdir().owner(), known));
    TRY(check_owner(action.symlink().owner(), known));
    ++known;
  }
  return {};
}

}  // namespace

void platform_to_wire(const Platform& platform, pb::Platform& wire) {
  wire.set_architecture(platform.architecture);
  wire.set_os(platform.os);
  wire.set_variant(platform.variant);
  wire.set_osversion(platform.os_version);
  assign(wire.mutable_osfeatures(), platform.os_features);
}

Platform platform_from_wire(const pb::Platform& wire) {
  return {wire.os(), wire.architecture(), wire.variant(), wire.osversion(),
          strings(wire.osfeatures())};
}

void op_to_wire(const Op& op, pb::Op& wire) {
  if (const SourceOp* source = std::get_if<SourceOp>(&op)) {
    wire.mutable_source()->set_identifier(source->identifier);
    for (const auto& [key, value] : source->attrs) {
      (*wire.mutable_source()->mutable_attrs())[key] = value;
    }
  } else if (const ExecOp* exec = std::get_if<ExecOp>(&op)) {
    to_wire(*exec, *wire.mutable_exec());
  } else if (const FileOp* file = std::get_if<FileOp>(&op)) {
    wire.mutable_file();
    for (const FileAction& action : file->actions) {
      pb::FileAction& item = *wire.mutable_file()->add_actions();
      item.set_input(action.input);
      item.set_secondaryinput(action.secondary_input);
      item.set_output(action.output);
      std::visit([&](const auto& kind) { to_wire(kind, item); }, action.action);
    }
  } else if (const MergeOp* merge = std::get_if<MergeOp>(&op)) {
    wire.mutable_merge();
    for (const int64_t input : merge->inputs) {
      wire.mutable_merge()->add_inputs()->set_input(input);
    }
  } else if (const DiffOp* diff = std::get_if<DiffOp>(&op)) {
    wire.mutable_diff()->mutable_lower()->set_input(diff->lower);
    wire.mutable_diff()->mutable_upper()->set_input(diff->upper);
  } else {
    const BuildOp& build = std::get<BuildOp>(op);
    wire.mutable_build()->set_builder(build.builder);
    for (const auto& [name, input] : build.inputs) {
      (*wire.mutable_build()->mutable_inputs())[name].set_input(input);
    }
    if (!build.definition.empty()) {
      CHECK(wire.mutable_build()->mutable_def()->ParseFromString(build.definition));
    }
    for (const auto& [key, value] : build.attrs) {
      (*wire.mutable_build()->mutable_attrs())[key] = value;
    }
  }
}

Result<Op> op_from_wire(const pb::Op& wire) {
  const int64_t inputs = wire.inputs_size();
  switch (wire.op_case()) {
    case pb::Op::kSource:
      return Op(SourceOp{wire.source().identifier(),
                         {wire.source().attrs().begin(), wire.source().attrs().end()}});
    case pb::Op::kExec:
      TRY(check_exec(wire.exec(), inputs));
      return Op(from_wire(wire.exec()));
    case pb::Op::kFile: {
      TRY(check_file(wire.file(), inputs));
      FileOp file;
      for (const pb::FileAction& action : wire.file().actions()) {
        file.actions.push_back(TRY(from_wire(action)));
      }
      return Op(std::move(file));
    }
    case pb::Op::kMerge: {
      MergeOp merge;
      for (const pb::MergeInput& input : wire.merge().inputs()) {
        TRY(check_index(input.input(), inputs, "merge input"));
        merge.inputs.push_back(input.input());
      }
      return Op(std::move(merge));
    }
    case pb::Op::kDiff:
      TRY(check_index(wire.diff().lower().input(), inputs, "diff input"));
      TRY(check_index(wire.diff().upper().input(), inputs, "diff input"));
      return Op(DiffOp{wire.diff().lower().input(), wire.diff().upper().input()});
    case pb::Op::kBuild: {
      BuildOp build{wire.build().builder(), {}, {}, {}};
      for (const auto& [name, input] : wire.build().inputs()) {
        TRY(check_index(input.input(), inputs, "build input"));
        build.inputs[name] = input.input();
      }
      if (wire.build().has_def()) build.definition = wire.build().def().SerializeAsString();
      build.attrs.insert(wire.build().attrs().begin(), wire.build().attrs().end());
      return Op(std::move(build));
    }
    case pb::Op::kPassthrough:
      return make_error(ErrorCode::Unsupported, "passthrough ops are not supported");
    case pb::Op::OP_NOT_SET:
      break;
  }
  return make_error(ErrorCode::Unsupported, "an op of an unknown kind");
}

}  // namespace slipway::graph
