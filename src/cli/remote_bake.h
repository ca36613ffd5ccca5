// RemoteBake: the files of a bake definition that is elsewhere: in a git repository, in an archive
// behind http(s), or alone behind http(s).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/context_reader.h"
#include "cli/environment.h"
#include "frontend/bake/resolve.h"
#include "frontend/bake/target.h"
#include "frontend/compose/compose.h"

namespace slipway::cli {

// A file name or context that begins with it is in the working directory, whatever else is not.
inline constexpr std::string_view kHere = "cwd://";

// The words of `bake [URL [URL]] TARGET...`.
struct BakeArguments {
  std::string url;                     // of the definition; empty: it is here
  std::string command_context{kHere};  // BAKE_CMD_CONTEXT
  std::vector<std::string> targets;
};
BakeArguments bake_arguments(const std::vector<std::string>& words);

class RemoteBake {
 public:
  // `reader` must outlive it.
  static Result<RemoteBake> open(ContextReader& reader, const std::string& url);

  // The files named, without names those of compose::kDefaultFiles that exist; behind a URL that is
  // one file, that file.
  Result<std::vector<compose::File>> files(const std::vector<std::string>& names) const;
  // A file that another one names.
  Result<std::string> read(const std::string& path) const;
  // Null behind a URL that is one file: its contexts are here.
  bake::Elsewhere elsewhere() const;

 private:
  RemoteBake(ContextReader& reader, std::string url) : reader_(&reader), url_(std::move(url)) {}
  Result<std::vector<std::optional<std::string>>> find(const std::vector<std::string>& paths) const;

  ContextReader* reader_;
  std::string url_;
  graph::Definition tree_;           // what makes the files, or
  std::optional<std::string> text_;  // the one file
};

// "https://host/repo.git#ref:a" and "b": "https://host/repo.git#ref:a/b".
Result<std::string> git_url_of_directory(const std::string& url, const std::string& directory);

// What git and http are given for `url`: tokens from BUILDX_BAKE_GIT_AUTH_TOKEN and _HEADER, keys
// from BUILDX_BAKE_GIT_SSH, else the agent; as a target's secrets and ssh.
Result<bake::Target> remote_access(const std::string& url, const Environment& environment);
// The targets, those whose context is on the definition's host with the same access.
std::vector<bake::Target> with_remote_access(const bake::Target& access, const std::string& url,
                                             std::vector<bake::Target> targets);

}  // namespace slipway::cli
