#include "source/git_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/child_process.h"
#include "base/file_io.h"
#include "base/text.h"
#include "base/url_password.h"
#include "base/values.h"

namespace slipway::source {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "git://";

bool is_commit(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return (text.size() == 40 || text.size() == 64) && std::ranges::all_of(text, is_hex);
}

// What is passed on to git must not read as an option or hold a line end.
Status check_argument(std::string_view what, std::string_view text) {
  const bool bad = text.starts_with('-') ||
                   std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!bad) return {};
  return make_error(ErrorCode::InvalidInput, "{} \"{}\" is not possible", what, text);
}

// For the image: who fetched it is nobody's business.
std::string without_user(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return url;
  const size_t end = url.find('/', start + 3);
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string::npos || at < start) return url;
  return url.substr(0, start + 3) + url.substr(at + 1);
}

std::string host_of(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return {};
  const std::string authority =
      url.substr(start + 3, url.find_first_of("/?#", start + 3) - start - 3);
  const size_t at = authority.rfind('@');
  return at == std::string::npos ? authority : authority.substr(at + 1);
}

// The branch or tag that `ref` means among the lines of ls-remote: exact names first, branches
// before tags, of an annotated tag the commit. Empty when there is none.
std::string choose_commit(const std::string& listing, const std::string& ref, bool tag_object) {
  std::map<std::string, std::string> refs;
  for (const std::string& line : split(listing, '\n')) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) refs[line.substr(tab + 1)] = line.substr(0, tab);
  }
  const auto find = [&](const std::string& name) {
    const auto found = refs.find(name);
    return found == refs.end() ? std::string() : found->second;
  };
  const std::string short_name = ref.starts_with("refs/") ? ref.substr(5) : ref;
  for (const std::string& name :
       {ref == "HEAD" ? ref : "refs/" + short_name, "refs/heads/" + ref, "refs/tags/" + ref}) {
    const std::string peeled = find(name + "^{}");
    if (!peeled.empty() && !tag_object) return peeled;
    const std::string commit = find(name);
    if (!commit.empty()) return commit;
  }
  return {};
}

// Gives everything below `root` the permissions that git keeps (the umask of whoever started us
// does not count) and, when asked, one time. Removes the ".git" files that submodules leave.
class TreeFinisher {
 public:
  TreeFinisher(bool remove_git_files, std::optional<int64_t> mtime)
      : remove_git_files_(remove_git_files), mtime_(mtime) {}

  Status finish(const fs::path& root) {
    std::error_code error;
    std::vector<fs::path> directories = {root};
    std::vector<fs::path> git_files;
    for (fs::recursive_directory_iterator at(root, error), end; !error && at != end;
         at.increment(error)) {
      if (remove_git_files_ && at->path().filename() == ".git" && !at->is_directory()) {
        git_files.push_back(at->path());
        continue;
      }
      if (at->is_symlink()) {
        TRY(set_time(at->path()));
      } else if (at->is_directory()) {
        directories.push_back(at->path());
      } else {
        TRY(set_mode(at->path(), false));
        TRY(set_time(at->path()));
      }
    }
    if (error) return Error::from_errno(error.value(), fmt::format("read {}", root.string()));
    for (const fs::path& path : git_files) {
      if (::unlink(path.c_str()) != 0) return errno_error("remove {}", path.string());
    }
    // Last and from below: their times change with what is in them.
    for (auto path = directories.rbegin(); path != directories.rend(); ++path) {
      TRY(set_mode(*path, true));
      TRY(set_time(*path));
    }
    return {};
  }

 private:
  static Status set_mode(const fs::path& path, bool directory) {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0) return errno_error("stat {}", path.string());
    const mode_t mode = directory || (info.st_mode & S_IXUSR) != 0 ? 0755 : 0644;
    if (::chmod(path.c_str(), mode) != 0) return errno_error("chmod {}", path.string());
    return {};
  }
  Status set_time(const fs::path& path) const {
    if (!mtime_) return {};
    const timespec times[2] = {{*mtime_, 0}, {*mtime_, 0}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("set time of {}", path.string());
    }
    return {};
  }

  bool remove_git_files_;
  std::optional<int64_t> mtime_;
};

// Moves what is in the directory `subdir` of `tree` to `to`. A symlink on the way would lead out of
// the repository and is refused.
Status move_subdir(const fs::path& tree, const std::string& subdir, const fs::path& to) {
  fs::path from = tree;
  for (const std::string& part : split(subdir, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return make_error(ErrorCode::InvalidInput, "subdir {} has \"..\"", subdir);
    from /= part;
    struct stat info;
    if (::lstat(from.c_str(), &info) != 0) return errno_error("open subdir {}", subdir);
    if (!S_ISDIR(info.st_mode)) {
      return make_error(ErrorCode::InvalidInput, "subdir {} is not a directory", subdir);
    }
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    fs::rename(entry.path(), to / entry.path().filename(), error);
    if (error) break;
  }
  if (error) return Error::from_errno(error.value(), fmt::format("move subdir {}", subdir));
  return {};
}

// Removes a directory of ours when its user is done.
class Scratch {
 public:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  ~Scratch() { (void)remove_tree(path_).has_value(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Result<GitSpec> GitSpec::parse(const std::string& identifier,
                               const std::map<std::string, std::string>& attributes) {
  GitSpec spec;
  const size_t hash = identifier.find('#');
  spec.remote = identifier.substr(0, hash);
  if (hash != std::string::npos) {
    const std::string fragment = identifier.substr(hash + 1);
    const size_t colon = fragment.find(':');
    spec.ref = fragment.substr(0, colon);
    if (colon != std::string::npos) spec.subdir = fragment.substr(colon + 1);
  }
  if (spec.remote.starts_with(kScheme)) {
    spec.remote = "https://" + spec.remote.substr(kScheme.size());
  }
  for (const auto& [name, value] : attributes) {
    if (name == "git.fullurl") {
      spec.remote = value.substr(0, value.find('#'));
    } else if (name == "git.keepgitdir") {
      spec.keep_git_dir = TRY(parse_bool(value));
    } else if (name == "git.checksum") {
      spec.checksum = value;
    } else if (name == "git.skipsubmodules") {
      spec.skip_submodules = TRY(parse_bool(value));
    } else if (name == "git.mtime") {
      if (value != "commit" && value != "checkout") {
        return make_error(ErrorCode::InvalidInput, "git.mtime must be commit or checkout, not {}",
                          value);
      }
      spec.commit_mtime = value == "commit";
    } else if (name == "git.authtokensecret") {
      spec.token_secret = value;
    } else if (name == "git.authheadersecret") {
      spec.header_secret = value;
    } else if (name == "git.mountsshsock" || name == "git.knownsshhosts" ||
               name == "git.fetchbycommit") {
      // The agent and known hosts are Options'; a commit is fetched as such in any case.
    } else if (name.starts_with("git.")) {
      return make_error(ErrorCode::Unsupported, "{}: attribute {} is not supported", identifier,
                        name);
    }
  }
  TRY(check_argument("the repository", spec.remote));
  TRY(check_argument("the ref", spec.ref));
  TRY(check_argument("the checksum", spec.checksum));
  return spec;
}

std::optional<std::string> GitSource::authorization(const GitSpec& spec) const {
  if (!options_.secret) return std::nullopt;
  const std::string host = host_of(spec.remote);
  for (const std::string& suffix : {"." + host, std::string()}) {
    if (!spec.header_secret.empty()) {
      if (auto header = options_.secret(spec.header_secret + suffix)) return header;
    }
    if (!spec.token_secret.empty()) {
      if (auto token = options_.secret(spec.token_secret + suffix)) {
        return "basic " + encode_base64("x-access-token:" + *token);
      }
    }
  }
  return std::nullopt;
}

Result<std::vector<std::string>> GitSource::environment(const GitSpec& spec) const {
  // None of the user's settings: the same repository gives the same files everywhere.
  std::vector<std::string> variables = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/nonexistent",
      "LC_ALL=C",
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_ASKPASS=/bin/false",
      std::string("GIT_ALLOW_PROTOCOL=http:https:ssh:git") +
          (options_.allow_file_protocol ? ":file" : ""),
  };
  const bool check_host = !options_.known_hosts_file.empty();
  variables.push_back(
      fmt::format("GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking={} "
                  "-o UserKnownHostsFile={}",
                  check_host ? "yes" : "no", check_host ? options_.known_hosts_file : "/dev/null"));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) variables.push_back(fmt::format("{}={}", name, value));
  };
  const bool uses_ssh = !spec.remote.starts_with("http");
  if (uses_ssh && options_.ssh_agent) {
    if (const auto socket = TRY(options_.ssh_agent())) add("SSH_AUTH_SOCK", socket->string());
  }
  add("http_proxy", options_.proxy.http);
  add("https_proxy", options_.proxy.https);
  add("no_proxy", options_.proxy.none);
  add("GIT_SSL_CAINFO", options_.ca_file);
  if (const std::optional<std::string> header = authorization(spec)) {
    // By the environment: the arguments of a process are for everybody to see.
    const std::string scheme = spec.remote.substr(0, spec.remote.find("://"));
    variables.push_back("GIT_CONFIG_COUNT=1");
    variables.push_back(
        fmt::format("GIT_CONFIG_KEY_0=http.{}://{}/.extraheader", scheme, host_of(spec.remote)));
    variables.push_back("GIT_CONFIG_VALUE_0=Authorization: " + *header);
  }
  return variables;
}

Result<std::string> GitSource::git(const GitSpec& spec, std::vector<std::string> arguments,
                                   std::stop_token stop) const {
  ProcessOptions options;
  options.argv = {"git", "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=master"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.environment = TRY(environment(spec));
  const CommandOutput ran = TRY(run_command(options, {}, stop).context("run git"));
  if (ran.status.success()) return ran.stdout_text;
  // Of submodules too, whose URLs are often made from the repository's.
  const std::string said = without_passwords(trim(ran.stderr_text));
  return make_error(ErrorCode::Unavailable, "{}: {}", without_passwords(spec.remote),
                    said.size() > 2000 ? said.substr(said.size() - 2000) : said);
}

Result<std::string> GitSource::find_commit(const GitSpec& spec, std::stop_token stop) {
  std::string commit = spec.ref;
  if (!is_commit(spec.ref)) {
    const std::string ref = spec.ref.empty() ? "HEAD" : spec.ref;
    const std::string listing =
        TRY(git(spec, {"ls-remote", "--", spec.remote, ref, ref + "^{}"}, stop));
    commit = choose_commit(listing, ref, false);
    if (!is_commit(commit)) {
      return make_error(ErrorCode::NotFound, "{} has no ref {}", without_passwords(spec.remote),
                        ref);
    }
    // A checksum may be that of the tag itself.
    if (!spec.checksum.empty() && choose_commit(listing, ref, true).starts_with(spec.checksum)) {
      return commit;
    }
  }
  if (!commit.starts_with(spec.checksum)) {
    return make_error(ErrorCode::InvalidInput, "{}: expected checksum to match {}, got {}",
                      without_passwords(spec.remote), spec.checksum, commit);
  }
  return commit;
}

Result<std::string> GitSource::resolve(const GitSpec& spec, std::stop_token stop) {
  std::shared_ptr<Lookup> lookup;
  {
    auto lookups = lookups_.lock();
    std::shared_ptr<Lookup>& slot =
        (*lookups)[fmt::format("{} {} {}", spec.checksum, spec.ref, spec.remote)];
    if (!slot) slot = std::make_shared<Lookup>();
    lookup = slot;
  }
  const std::lock_guard lock(lookup->mutex);
  if (!lookup->commit) lookup->commit = TRY(find_commit(spec, stop));
  return *lookup->commit;
}

// As BuildKit forms it: builds through either share their caches.
std::string GitSource::cache_key(const GitSpec& spec, const std::string& commit) {
  std::string key = commit;
  if (spec.keep_git_dir) {
    key += ".git";
    if (!spec.ref.empty()) key += "#" + spec.ref;
  }
  if (!spec.subdir.empty()) key += ":" + spec.subdir;
  if (spec.skip_submodules) key += "(skip-submodules)";
  if (spec.commit_mtime) key += "(mtime=commit)";
  return key;
}

Status GitSource::fetch(const GitSpec& spec, const std::string& commit,
                        const std::vector<std::string>& in_repository, std::stop_token stop) const {
  const auto run = [&](std::vector<std::string> arguments) -> Result<std::string> {
    arguments.insert(arguments.begin(), in_repository.begin(), in_repository.end());
    return git(spec, std::move(arguments), stop);
  };
  TRY(run({"init", "-q", "--template=",
           fmt::format("--object-format={}", commit.size() == 64 ? "sha256" : "sha1")}));
  TRY(run({"remote", "add", "origin", spec.remote}));
  const auto has_commit = [&] { return run({"cat-file", "-e", commit + "^{commit}"}).has_value(); };
  // Most servers give a commit by its name; others only what a ref points to; the last resort is
  // everything.
  Result<std::string> fetched = run({"fetch", "-q", "--depth=1", "--no-tags", "origin", commit});
  if (!fetched && fetched.error().code() == ErrorCode::Cancelled) return std::move(fetched).error();
  if (!has_commit() && !is_commit(spec.ref)) {
    fetched = run(
        {"fetch", "-q", "--depth=1", "--no-tags", "origin", spec.ref.empty() ? "HEAD" : spec.ref});
  }
  if (!has_commit()) {
    fetched = run({"fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"});
  }
  if (!fetched) return std::move(fetched).error();
  if (has_commit()) return {};
  return make_error(ErrorCode::NotFound, "{} has no commit {}", without_passwords(spec.remote),
                    commit);
}

Result<int64_t> GitSource::time_of(const GitSpec& spec, const std::string& commit,
                                   const std::vector<std::string>& in_repository,
                                   std::stop_token stop) const {
  std::vector<std::string> show = in_repository;
  show.insert(show.end(), {"show", "-s", "--format=%ct", commit});
  const std::string time = TRY(git(spec, std::move(show), stop));
  return std::strtoll(time.c_str(), nullptr, 10);
}

Result<int64_t> GitSource::commit_time(const GitSpec& spec, std::stop_token stop) {
  const std::string commit = TRY(resolve(spec, stop));
  const Scratch scratch(TRY(store_.scratch_path("git-")));
  const std::vector<std::string> in_repository = {"--git-dir=" + scratch.path().string()};
  TRY(fetch(spec, commit, in_repository, stop));
  return time_of(spec, commit, in_repository, stop);
}

Result<UnpackedImage> GitSource::snapshot(const GitSpec& spec, progress::VertexReporter& reporter,
                                          std::stop_token stop) {
  const std::string commit = TRY(resolve(spec, stop));
  const Scratch scratch(TRY(store_.scratch_path("git-")));
  TRY(make_directories(scratch.path(), 0700));
  const std::unique_ptr<store::ActiveSnapshot> active =
      TRY(store_.snapshotter().prepare(store::SnapshotId{}));
  const fs::path& upper = active->layers().upper;

  const bool whole = trim(spec.subdir).find_first_not_of("/.") == std::string_view::npos;
  const fs::path tree = whole ? upper : scratch.path() / "tree";
  const bool keep = spec.keep_git_dir && whole;
  const fs::path git_dir = keep ? tree / ".git" : scratch.path() / "git";
  TRY(make_directories(tree, 0755));
  const std::vector<std::string> in_repository = {
      "--git-dir=" + git_dir.string(), "--work-tree=" + tree.string(), "-C", tree.string()};
  const auto run = [&](std::vector<std::string> arguments) -> Result<std::string> {
    arguments.insert(arguments.begin(), in_repository.begin(), in_repository.end());
    return git(spec, std::move(arguments), stop);
  };

  const progress::Time started = std::chrono::system_clock::now();
  const std::string status = "fetching " + commit;
  reporter.status(status, 0, 0, started, false);
  TRY(fetch(spec, commit, in_repository, stop));
  TRY(run({"checkout", "-q", "--force", "--detach", commit}));
  if (!spec.skip_submodules) {
    TRY(run({"submodule", "-q", "update", "--init", "--recursive", "--depth=1"}));
  }
  std::optional<int64_t> mtime;
  if (spec.commit_mtime) mtime = TRY(time_of(spec, commit, in_repository, stop));
  if (keep) {
    TRY(run({"remote", "set-url", "origin", without_user(spec.remote)}));
    // Their URLs are kept as well, with what came from the repository's.
    if (!spec.skip_submodules) TRY(run({"submodule", "-q", "sync", "--recursive"}));
    TRY(run({"reflog", "expire", "--all", "--expire=now"}));
    (void)::unlink((git_dir / "FETCH_HEAD").c_str());
  }
  if (!whole) {
    TRY(move_subdir(tree, spec.subdir, upper));
  }
  TRY(TreeFinisher(!keep, mtime).finish(upper));
  reporter.status(status, 0, 0, started, true);

  UnpackedImage result;
  result.snapshot = TRY(active->commit());
  result.pin = TRY(store_.snapshotter().pin(result.snapshot));
  return result;
}

}  // namespace slipway::source
