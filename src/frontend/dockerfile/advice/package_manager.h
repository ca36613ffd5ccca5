// Package managers in RUN: which commands download, where they cache, what turns the cache off.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/dockerfile/advice/shell_script.h"

namespace slipway::dockerfile {

// Where a cache mount belongs: "~" is the user's home.
struct CachePlace {
  std::string_view path;
  std::string_view image = {};  // only where the base image's name has it; "!x": where it has not
};

// A variable that moves the cache: to its value, or to a directory below it.
struct CacheVariable {
  std::string_view name;
  std::string_view below;
};

// Whether later commands read packages out of the cache itself, so that a step without the mount
// would lack them.
enum class CacheUse { Downloads, Library };

struct PackageManager {
  std::string_view name;                 // "pip"; a cache mount with it in its path is meant for it
  std::vector<std::string_view> caches;  // where it may cache: mounts there are meant for it
  std::vector<CachePlace> places;        // where a mount should be; empty: it has no use for one
  std::vector<CacheVariable> cache_variables;
  std::vector<std::string_view> cache_flags;  // move the cache, too: "--cache-dir"
  std::vector<std::string_view> no_cache_flags;
  std::string_view no_cache_variable;
  std::string_view mount_options;  // what its cache mount needs: ",sharing=locked"
  CacheUse use = CacheUse::Downloads;
  // Flags of an install that leave the project itself out: "--no-install-project".
  std::string_view dependencies_only;
};

// A command that downloads packages.
struct Install {
  const PackageManager* manager = nullptr;  // of a table that lives as long as the program
  std::string_view command;                 // "install", "pip sync"; of the same table
  std::vector<std::string> words;           // "pip", "install", ... also of "python -m pip install"
  bool from_manifest = false;               // what it installs stands in files: a lock, a list
  std::string cache_turned_off_by;          // the flag or variable; empty: the cache is used
  std::optional<std::string> cache;         // where it was told to cache
};

// Where cache mounts for the install belong; empty: it has no use for any. `home`: of who runs;
// `image`: the name of the stage's base image.
std::vector<std::string> cache_places(const Install& install, const std::string& home,
                                      std::string_view image);

// nullopt: no such command. `environment`: what ENV and the command set.
std::optional<Install> install_of(const ShellCommand& command,
                                  const std::map<std::string, std::string>& environment);

}  // namespace slipway::dockerfile
