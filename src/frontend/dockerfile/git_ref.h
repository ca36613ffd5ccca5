// Git references as BuildKit's Dockerfile frontend reads them: "https://host/repo.git#ref:subdir",
// "git@host:repo", "ssh://...", with options in the query ("?branch=x&subdir=y").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::dockerfile {

struct GitRef {
  std::string scheme;      // "http", "https", "ssh", "git"
  std::string host;        // with port
  std::string path;        // inside the host: "/moby/buildkit.git"
  std::string remote;      // what git is given: the URL without query and fragment
  std::string short_name;  // "buildkit"
  std::string ref;
  std::string checksum;  // commit
  std::string subdir;
  // "github.com/x/y": could as well be a directory; accepted as a build context only.
  bool looks_like_a_path = false;
  bool unencrypted = false;  // http:// and git://
  std::optional<bool> keep_git_dir;
  std::optional<bool> submodules;
  std::string mtime;  // "checkout", "commit" or empty
  bool fetch_by_commit = false;

  bool operator==(const GitRef&) const = default;
};

// nullopt: not a git reference at all. InvalidInput: one whose options are wrong.
Result<std::optional<GitRef>> parse_git_ref(std::string_view text);

}  // namespace slipway::dockerfile
