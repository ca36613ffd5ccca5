#include "cli/bake_access.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/remote_bake.h"
#include "cli/target_files.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

std::string field(const bake::Fields& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

bool is_inside(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first ==
         directory.end();
}

// Where a path leads to, symlinks followed as far as there is something.
fs::path real_path(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : real;
}

class AccessCheck {
 public:
  explicit AccessCheck(const BakeAccessOptions& options) : options_(options) {}

  Status read_allowed() {
    readable_.push_back(real_path(options_.working_directory));
    writable_ = readable_;
    for (const std::string& text : options_.allow) {
      const size_t equals = text.find('=');
      const std::string key = text.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
      if (key == "fs" || key == "fs.read") readable_.push_back(absolute(value));
      if (key == "fs" || key == "fs.write") writable_.push_back(absolute(value));
      if (key.starts_with("fs")) continue;
      if (key != "ssh" && key != "network.host" && key != "security.insecure" && key != "device") {
        return make_error(ErrorCode::InvalidInput, "--allow {}: this is not known", text)
            .with_hint(
                "there are fs, fs.read, fs.write (=PATH), ssh, network.host, "
                "security.insecure and device[=NAME]");
      }
      allowed_.insert(text);
    }
    return {};
  }

  void check(const bake::Target& target) {
    if (!is_remote_context(target.context)) read(target.context);
    if (target.dockerfile.starts_with(kHere)) read(target.dockerfile.substr(kHere.size()));
    if (target.dockerfile.starts_with('/')) read(target.dockerfile);
    for (const auto& [name, source] : target.contexts) check_context(source);
    for (const bake::Fields& secret : target.secrets) {
      if (!field(secret, "env").empty()) continue;
      read(field(secret, "src").empty() ? field(secret, "id") : field(secret, "src"));
    }
    for (const std::string& ssh : target.ssh) check_ssh(ssh);
    for (const bake::Fields& cache : target.cache_from) read(field(cache, "src"));
    for (const bake::Fields& cache : target.cache_to) write(field(cache, "dest"));
    for (const bake::Fields& output : target.outputs) write(field(output, "dest"));
    for (const std::string& entitlement : target.entitlements) need(entitlement);
  }

  Status result() const {
    if (wanted_.empty()) return {};
    std::vector<std::string> flags;
    for (const std::string& flag : wanted_) flags.push_back("--allow " + flag);
    return make_error(ErrorCode::PermissionDenied,
                      "this definition from elsewhere asks for what is not allowed: {}",
                      join({wanted_.begin(), wanted_.end()}, ", "))
        .with_hint("if you trust it: " + join(flags, " "));
  }

 private:
  fs::path absolute(const std::string& path) const {
    return real_path(options_.working_directory / path);
  }

  void check_context(const std::string& source) {
    constexpr std::string_view kLayout = "oci-layout://";
    if (source.starts_with("target:") || source.starts_with("docker-image:")) return;
    if (source.starts_with(kLayout)) {
      read(source.substr(kLayout.size()));
    } else if (!is_remote_context(source)) {
      read(source);
    }
  }

  // "default", "ID" or "ID=PATH,PATH".
  void check_ssh(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      need("ssh");
      return;
    }
    for (const std::string& path : split(text.substr(equals + 1), ',')) read(path);
  }

  void need(const std::string& entitlement) {
    const std::string key = entitlement.substr(0, entitlement.find('='));
    if (!allowed_.contains(entitlement) && !allowed_.contains(key)) wanted_.insert(entitlement);
  }
  void read(const std::string& path) { need_path("fs.read=", path, readable_); }
  void write(const std::string& path) { need_path("fs.write=", path, writable_); }

  void need_path(const char* flag, const std::string& path, const std::vector<fs::path>& allowed) {
    if (path.empty() || path == "-" || options_.any_file) return;
    const fs::path real = absolute(path);
    const bool is_allowed = std::ranges::any_of(
        allowed, [&](const fs::path& directory) { return is_inside(real, directory); });
    if (!is_allowed) wanted_.insert(flag + real.string());
  }

  const BakeAccessOptions& options_;
  std::vector<fs::path> readable_;
  std::vector<fs::path> writable_;
  std::set<std::string> allowed_;  // what is no path
  std::set<std::string> wanted_;   // what is missing, as --allow has it
};

}  // namespace

Status check_access(const std::vector<bake::Target>& targets, const BakeAccessOptions& options) {
  AccessCheck check(options);
  TRY(check.read_allowed());
  for (const bake::Target& target : targets) check.check(target);
  return check.result();
}

}  // namespace slipway::cli
