// Package: something that a package manager has installed in a file system.
#pragma once

#include <string>
#include <vector>

namespace slipway::packages {

enum class PackageKind { Deb, Apk, Rpm, Python, Npm };

struct Package {
  PackageKind kind = PackageKind::Deb;
  std::string name;
  std::string version;  // as the manager writes it: "1:2.3-4"
  std::string architecture;
  std::string license;  // as the package says it, often no SPDX expression
  std::string source;   // the source package that it was built from, where that has another name
  std::string supplier;
  std::string file;  // of the file system: where it is written down

  auto operator<=>(const Package&) const = default;
};

// What an image is a version of: /etc/os-release.
struct Distribution {
  std::string id;       // "debian"; empty: not known
  std::string version;  // "12"
  std::string name;     // "Debian GNU/Linux 12 (bookworm)"
};

// All that a file system has, sorted, each once.
struct Inventory {
  Distribution distribution;
  std::vector<Package> packages;
  // What could not be read and is missing here.
  std::vector<std::string> warnings;
};

}  // namespace slipway::packages
