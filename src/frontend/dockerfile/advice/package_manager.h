// Package managers in RUN: which commands download, where they cache, what turns the cache off.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/dockerfile/advice/shell_script.h"

namespace slipway::dockerfile {

struct PackageManager {
  std::string_view name;  // "pip"; a cache mount with it in its path is meant for it
  // Where it caches: "~" is the user's home. The first is what advice names.
  std::vector<std::string_view> caches;
  std::vector<std::string_view> cache_variables;  // move the cache elsewhere
  std::vector<std::string_view> cache_flags;      // the same: "--cache-dir"
  std::vector<std::string_view> no_cache_flags;
  std::string_view no_cache_variable;
  std::string_view mount_options;  // what its cache mount needs: ",sharing=locked"
};

// A command that downloads packages.
struct Install {
  const PackageManager* manager = nullptr;  // of a table that lives as long as the program
  bool from_manifest = false;               // what it installs stands in files: a lock, a list
  std::string cache_turned_off_by;          // the flag or variable; empty: the cache is used
  std::optional<std::string> cache;         // where it was told to cache
};

// nullopt: no such command. `environment`: what ENV and the command set.
std::optional<Install> install_of(const ShellCommand& command,
                                  const std::map<std::string, std::string>& environment);

}  // namespace slipway::dockerfile
