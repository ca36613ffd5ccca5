// The operations of a build: BuildKit's LLB (moby/buildkit solver/pb/ops.proto) as plain values.
// proto.h turns them into protobuf bytes and back; field meanings follow BuildKit's documentation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oci/digest.h"
#include "oci/platform.h"

namespace slipway::graph {

// docker-image://, oci-layout://, local://, git://, http(s)://
struct SourceOp {
  std::string identifier;
  std::map<std::string, std::string> attrs;
  bool operator==(const SourceOp&) const = default;
};

enum class NetMode { Unset = 0, Host = 1, None = 2 };  // Unset is the sandbox
enum class SecurityMode { Sandbox = 0, Insecure = 1 };
enum class MountType { Bind = 0, Secret = 1, Ssh = 2, Cache = 3, Tmpfs = 4 };
enum class CacheSharing { Shared = 0, Private = 1, Locked = 2 };
enum class ContentCache { Default = 0, On = 1, Off = 2 };

// Index of "no input" and of "no output" in a Mount or FileAction.
inline constexpr int64_t kNone = -1;

struct CacheOpt {
  std::string id;
  CacheSharing sharing = CacheSharing::Shared;
  bool operator==(const CacheOpt&) const = default;
};
struct SecretOpt {
  std::string id;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0;
  bool optional = false;
  bool operator==(const SecretOpt&) const = default;
};
struct SshOpt {
  std::string id;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0;
  bool optional = false;
  bool operator==(const SshOpt&) const = default;
};
struct TmpfsOpt {
  int64_t size = 0;  // bytes; 0: no limit
  bool operator==(const TmpfsOpt&) const = default;
};

struct Mount {
  int64_t input = kNone;  // index into the vertex's inputs
  std::string selector;   // path inside the input
  std::string dest;
  int64_t output = kNone;
  bool readonly = false;
  MountType type = MountType::Bind;
  std::optional<TmpfsOpt> tmpfs;
  std::optional<CacheOpt> cache;
  std::optional<SecretOpt> secret;
  std::optional<SshOpt> ssh;
  std::string result_id;
  ContentCache content_cache = ContentCache::Default;
  bool operator==(const Mount&) const = default;
};

struct HostIp {
  std::string host;
  std::string ip;
  bool operator==(const HostIp&) const = default;
};
struct Ulimit {
  std::string name;
  int64_t soft = 0;
  int64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};
struct ProxyEnv {
  std::string http_proxy, https_proxy, ftp_proxy, no_proxy, all_proxy;
  bool operator==(const ProxyEnv&) const = default;
};
struct SecretEnv {
  std::string id;
  std::string name;
  bool optional = false;
  bool operator==(const SecretEnv&) const = default;
};
struct CdiDevice {
  std::string name;
  bool optional = false;
  bool operator==(const CdiDevice&) const = default;
};

struct ExecOp {
  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=value
  std::string cwd;
  std::string user;
  std::optional<ProxyEnv> proxy_env;
  std::vector<HostIp> extra_hosts;
  std::string hostname;
  std::vector<Ulimit> ulimit;
  std::string cgroup_parent;
  bool remove_mount_stubs_recursive = false;
  std::vector<int32_t> valid_exit_codes;
  std::vector<Mount> mounts;
  NetMode network = NetMode::Unset;
  SecurityMode security = SecurityMode::Sandbox;
  std::vector<SecretEnv> secret_env;
  std::vector<CdiDevice> cdi_devices;
  bool operator==(const ExecOp&) const = default;
};

struct UserOpt {
  // By name, looked up in the /etc/passwd and /etc/group of input `input`, or by id.
  struct Name {
    std::string name;
    int64_t input = kNone;
    bool operator==(const Name&) const = default;
  };
  using Id = uint32_t;
  std::variant<Name, Id> value;
  bool operator==(const UserOpt&) const = default;
};
struct ChownOpt {
  std::optional<UserOpt> user;
  std::optional<UserOpt> group;
  bool operator==(const ChownOpt&) const = default;
};

struct FileCopy {
  std::string src;
  std::string dest;
  std::optional<ChownOpt> owner;
  int32_t mode = -1;     // -1: as in the source
  std::string mode_str;  // symbolic chmod, or empty
  bool follow_symlink = false;
  bool dir_copy_contents = false;
  bool attempt_unpack = false;
  bool create_dest_path = false;
  bool allow_wildcard = false;
  bool allow_empty_wildcard = false;
  int64_t timestamp = -1;  // nanoseconds since the epoch; -1: as in the source
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
  bool always_replace_existing_dest_paths = false;
  std::vector<std::string> required_paths;
  bool operator==(const FileCopy&) const = default;
};
struct FileMkfile {
  std::string path;
  int32_t mode = 0;
  std::string data;
  std::optional<ChownOpt> owner;
  int64_t timestamp = -1;
  bool operator==(const FileMkfile&) const = default;
};
struct FileMkdir {
  std::string path;
  int32_t mode = 0;
  bool make_parents = false;
  std::optional<ChownOpt> owner;
  int64_t timestamp = -1;
  bool operator==(const FileMkdir&) const = default;
};
struct FileRm {
  std::string path;
  bool allow_not_found = false;
  bool allow_wildcard = false;
  bool operator==(const FileRm&) const = default;
};
struct FileSymlink {
  std::string oldpath;
  std::string newpath;
  std::optional<ChownOpt> owner;
  int64_t timestamp = -1;
  bool operator==(const FileSymlink&) const = default;
};

// Input indices count the vertex's inputs first, then the results of earlier actions.
struct FileAction {
  int64_t input = kNone;
  int64_t secondary_input = kNone;
  int64_t output = kNone;
  std::variant<FileCopy, FileMkfile, FileMkdir, FileRm, FileSymlink> action;
  bool operator==(const FileAction&) const = default;
};
struct FileOp {
  std::vector<FileAction> actions;
  bool operator==(const FileOp&) const = default;
};

struct MergeOp {
  std::vector<int64_t> inputs;
  bool operator==(const MergeOp&) const = default;
};
struct DiffOp {
  int64_t lower = kNone;
  int64_t upper = kNone;
  bool operator==(const DiffOp&) const = default;
};
struct BuildOp {
  int64_t builder = kNone;
  std::map<std::string, int64_t> inputs;
  std::string definition;  // a marshalled pb.Definition, or empty
  std::map<std::string, std::string> attrs;
  bool operator==(const BuildOp&) const = default;
};

using Op = std::variant<SourceOp, ExecOp, FileOp, MergeOp, DiffOp, BuildOp>;

}  // namespace slipway::graph
