#include "packages/scan.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/root_dir.h"
#include "packages/databases.h"
#include "packages/rpm_database.h"

namespace slipway::packages {
namespace {

constexpr size_t kMaxDatabaseBytes = 128 << 20;
constexpr size_t kMaxMetadataBytes = 16 << 20;
constexpr size_t kMostWarnings = 1000;
// Deeper trees are no package manager's.
constexpr int kMaxDepth = 64;

constexpr char kNodeModules[] = "node_modules";

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

class Scan {
 public:
  Scan(const RootDir& root, std::stop_token stop) : root_(root), stop_(std::move(stop)) {}

  Result<Inventory> run() {
    for (const char* path : {"etc/os-release", "usr/lib/os-release"}) {
      const auto text = read(path, kMaxMetadataBytes);
      if (text && found_.distribution.id.empty()) found_.distribution = parse_os_release(*text);
    }
    read_dpkg();
    for (const char* path : {"lib/apk/db/installed", "usr/lib/apk/db/installed"}) {
      const auto text = read(path, kMaxDatabaseBytes);
      if (text && is_new(path)) add(parse_apk_installed(*text), path);
    }
    read_rpm();
    TRY(walk("", 0));
    std::ranges::sort(found_.packages);
    const auto repeated = std::ranges::unique(found_.packages);
    found_.packages.erase(repeated.begin(), repeated.end());
    return std::move(found_);
  }

 private:
  // A file of the image; nullopt when there is none, or (with a warning) none that can be read.
  std::optional<std::string> read(const std::string& path, size_t max_bytes) {
    const Result<std::optional<struct stat>> info = root_.stat_at(path, true);
    if (!info || !*info) return std::nullopt;
    if (!S_ISREG((*info)->st_mode)) return std::nullopt;  // a pipe would never end
    Result<std::string> text = root_.read_file(path, max_bytes);
    if (text) return *std::move(text);
    warn(path, text.error().message());
    return std::nullopt;
  }

  void warn(const std::string& path, std::string_view why) {
    if (found_.warnings.size() == kMostWarnings) return;
    found_.warnings.push_back(fmt::format("packages of /{} are missing: {}", path, why));
  }

  void add(std::vector<Package> packages, const std::string& file) {
    for (Package& package : packages) add(std::move(package), file);
  }
  void add(Package package, const std::string& file) {
    if (found_.packages.size() == kMostPackages) {
      if (!std::exchange(is_full_, true)) warn(file, "the image has too many");
      return;
    }
    package.file = "/" + file;
    found_.packages.push_back(std::move(package));
  }

  void read_dpkg() {
    const std::string status = "var/lib/dpkg/status";
    if (const auto text = read(status, kMaxDatabaseBytes)) add(parse_dpkg_status(*text), status);
    const std::string directory = "var/lib/dpkg/status.d";
    for (const DirectoryEntry& entry : entries(directory)) {
      if (entry.is_directory || entry.name.ends_with(".md5sums")) continue;
      const std::string path = directory + "/" + entry.name;
      if (const auto text = read(path, kMaxMetadataBytes)) add(parse_dpkg_status(*text), path);
    }
  }

  void read_rpm() {
    for (const std::string directory : {"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"}) {
      const std::string path = directory + "/rpmdb.sqlite";
      if (exists(path)) {
        read_rpm_sqlite(path);
        continue;
      }
      for (const auto& [name, form] :
           {std::pair("Packages", "Berkeley DB"), std::pair("Packages.db", "ndb")}) {
        if (!exists(directory + "/" + name)) continue;
        warn(directory + "/" + name,
             fmt::format("rpm databases in the form of {} are not read, only rpmdb.sqlite", form));
      }
    }
  }

  // Whether a database is not one that was read already: of the places where it may lie, one is
  // often a symlink to another (/lib to /usr/lib).
  bool is_new(const std::string& path) {
    return databases_.insert(root_.canonical(path).value_or(path)).second;
  }

  void read_rpm_sqlite(const std::string& path) {
    if (!is_new(path)) return;
    const Result<UniqueFd> fd = root_.open_at(path, O_RDONLY | O_NONBLOCK);
    Status status = fd ? Status() : Status(fd.error());
    if (status) {
      status = read_rpm_database(
          fd->get(),
          [&](std::string_view header) {
            Result<Package> package = parse_rpm_header(header);
            // Keys of signers are packages too, without files.
            if (package && package->name != "gpg-pubkey") add(*std::move(package), path);
            if (!package) warn(path, package.error().message());
          },
          stop_);
    }
    if (!status) warn(path, status.error().message());
  }

  bool exists(const std::string& path) const {
    const Result<std::optional<struct stat>> info = root_.stat_at(path, true);
    return info && *info && S_ISREG((*info)->st_mode);
  }

  // Of a directory, sorted; none when it is no directory. Symlinks and devices are left out.
  std::vector<DirectoryEntry> entries(const std::string& path) const {
    std::vector<DirectoryEntry> found;
    Result<UniqueFd> fd =
        root_.open_at(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) return found;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd->get()), &::closedir);
    if (directory == nullptr) return found;
    fd->release();
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (entry->d_type == DT_DIR || entry->d_type == DT_REG) {
        found.push_back({name, entry->d_type == DT_DIR});
      }
    }
    std::ranges::sort(found, {}, &DirectoryEntry::name);
    return found;
  }

  Status walk(const std::string& path, int depth) {
    if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    for (const DirectoryEntry& entry : entries(path)) {
      const std::string below = path.empty() ? entry.name : path + "/" + entry.name;
      if (entry.is_directory && entry.name.ends_with(".dist-info")) {
        read_python(below + "/METADATA");
      } else if (entry.name.ends_with(".egg-info")) {
        read_python(entry.is_directory ? below + "/PKG-INFO" : below);
      } else if (!entry.is_directory && entry.name == "package.json" && is_npm_package(path)) {
        read_npm(below);
      }
      if (entry.is_directory && depth < kMaxDepth) TRY(walk(below, depth + 1));
    }
    return {};
  }

  // "…/node_modules/name" and "…/node_modules/@scope/name".
  static bool is_npm_package(const std::string& directory) {
    std::filesystem::path parent = std::filesystem::path(directory).parent_path();
    if (parent.filename().string().starts_with('@')) parent = parent.parent_path();
    return parent.filename() == kNodeModules;
  }

  void read_python(const std::string& path) {
    const auto text = read(path, kMaxMetadataBytes);
    if (!text) return;
    if (auto package = parse_python_metadata(*text)) add(*std::move(package), path);
  }

  void read_npm(const std::string& path) {
    const auto text = read(path, kMaxMetadataBytes);
    if (!text) return;
    Result<std::optional<Package>> package = parse_npm_package(*text);
    if (!package) warn(path, package.error().message());
    if (package && *package) add(**std::move(package), path);
  }

  const RootDir& root_;
  const std::stop_token stop_;
  Inventory found_;
  bool is_full_ = false;
  std::set<std::string> databases_;  // by their paths without symlinks
};

}  // namespace

Result<Inventory> scan_packages(const std::filesystem::path& root, std::stop_token stop) {
  const RootDir directory = TRY(RootDir::open(root));
  return Scan(directory, std::move(stop)).run();
}

}  // namespace slipway::packages
