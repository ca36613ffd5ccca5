// GitSource: commits of git repositories (build contexts and ADD), fetched by the git program.
// Thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "progress/sink.h"
#include "registry/options.h"
#include "source/image_unpacker.h"
#include "store/store.h"

namespace slipway::source {

struct GitSpec {
  std::string remote;    // what git is given: https://..., ssh://..., git@host:path
  std::string ref;       // branch, tag, full ref or commit; empty: the default branch
  std::string subdir;    // only this directory, as the root
  std::string checksum;  // the commit must start with this; empty: any
  bool keep_git_dir = false;
  bool skip_submodules = false;
  bool commit_mtime = false;  // files get the commit's time instead of now
  // Names of secrets to try, each also as "NAME.HOST".
  std::string token_secret;
  std::string header_secret;

  // From the identifier ("git://host/path#ref:subdir") and the "git.*" attributes of a source op.
  // Unsupported names an attribute that would be ignored.
  static Result<GitSpec> parse(const std::string& identifier,
                               const std::map<std::string, std::string>& attributes);
};

class GitSource {
 public:
  struct Options {
    registry::ProxyOptions proxy;
    std::string ca_file;
    // The socket of the ssh agent; nullopt when there is none. Asked when git runs.
    std::function<Result<std::optional<std::filesystem::path>>()> ssh_agent;
    std::string known_hosts_file;  // of ssh; empty: a host's key is believed
    // The value of a secret; nullopt when there is none of that name.
    std::function<std::optional<std::string>(const std::string& name)> secret;
    bool allow_file_protocol = false;
  };
  // The store must outlive it.
  GitSource(store::Store& store, Options options) : store_(store), options_(std::move(options)) {}

  // The commit that the spec stands for now; asked once per remote and ref in the life of this
  // object. NotFound when there is no such ref.
  Result<std::string> resolve(const GitSpec& spec, std::stop_token stop);
  // When that commit was made, in seconds.
  Result<int64_t> commit_time(const GitSpec& spec, std::stop_token stop);
  // Everything that decides the snapshot's content, for cache keys.
  static std::string cache_key(const GitSpec& spec, const std::string& commit);
  // The files of the commit, submodules included.
  Result<UnpackedImage> snapshot(const GitSpec& spec, progress::VertexReporter& reporter,
                                 std::stop_token stop);

 private:
  // One lookup; `mutex` is held while it is under way.
  struct Lookup {
    std::mutex mutex;
    std::optional<std::string> commit;
  };

  Result<std::string> find_commit(const GitSpec& spec, std::stop_token stop);
  // Runs git with `arguments`; its output. Errors carry what it said, without passwords.
  Result<std::string> git(const GitSpec& spec, std::vector<std::string> arguments,
                          std::stop_token stop) const;
  Result<std::vector<std::string>> environment(const GitSpec& spec) const;
  std::optional<std::string> authorization(const GitSpec& spec) const;
  // Makes the repository that `in_repository` (options of git) names, with this commit.
  Status fetch(const GitSpec& spec, const std::string& commit,
               const std::vector<std::string>& in_repository, std::stop_token stop) const;
  Result<int64_t> time_of(const GitSpec& spec, const std::string& commit,
                          const std::vector<std::string>& in_repository,
                          std::stop_token stop) const;

  store::Store& store_;
  Options options_;
  // Lookups are co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Lookup>>> lookups_;
};

}  // namespace slipway::source
