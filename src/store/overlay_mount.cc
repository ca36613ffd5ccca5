#include "store/overlay_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"

namespace slipway::store {
namespace {

// An option string of mount(2) must fit in a page; a string of fsconfig(2) in 256 bytes.
constexpr size_t kPageLimit = 4095;
constexpr size_t kStringLimit = 255;

struct Option {
  std::string key;
  std::string value;  // empty: a flag
};

std::vector<Option> common_options(const OverlayLayers& layers, bool user_xattrs) {
  // index: hard links of lower files would need an index directory, and a layer used under two
  // stacks would be refused. nofollow: an unpacked layer may carry hostile redirect attributes.
  // (With references, redirects are followed in every layer: unpacking never writes them.)
  std::vector<Option> options = {{"index", "off"},
                                 {"metacopy", layers.refer_to_lower ? "on" : "off"},
                                 {"redirect_dir", layers.refer_to_lower ? "on" : "nofollow"},
                                 {"xino", "off"}};
  if (user_xattrs) options.push_back({"userxattr", ""});
  if (!layers.upper.empty()) options.push_back({"volatile", ""});
  return options;
}

unsigned long mount_flags(const OverlayLayers& layers) {
  return layers.upper.empty() ? MS_RDONLY : 0;
}

// fsconfig takes one layer at a time ("lowerdir+", Linux 6.7), up to 500 of them. nullopt: this
// kernel cannot do it.
Result<std::optional<Mount>> mount_by_fsconfig(const OverlayLayers& layers,
                                               const std::filesystem::path& target,
                                               const std::vector<Option>& options) {
  UniqueFd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return std::optional<Mount>();
  const auto set = [&](const char* key, const std::string& value) {
    if (value.empty()) return ::fsconfig(context.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) == 0;
    return value.size() <= kStringLimit &&
           ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0;
  };
  bool accepted = set("source", "overlay");
  for (const Option& option : options) {
    accepted = accepted && set(option.key.c_str(), option.value);
  }
  for (const std::filesystem::path& lower : layers.lower) {
    accepted = accepted && set("lowerdir+", lower.string());
  }
  if (!layers.upper.empty()) {
    accepted =
        accepted && set("upperdir", layers.upper.string()) && set("workdir", layers.work.string());
  }
  if (!accepted) return std::optional<Mount>();
  if (layers.upper.empty()) {
    accepted = ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) == 0;
  }
  if (!accepted || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return errno_error("mount overlay of {} layers on {}", layers.lower.size(), target.string());
  }
  const UniqueFd mounted(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, layers.upper.empty() ? MOUNT_ATTR_RDONLY : 0));
  if (!mounted ||
      ::move_mount(mounted.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return errno_error("mount overlay on {}", target.string());
  }
  return std::optional<Mount>(Mount::adopt(target));
}

// Overlayfs's option parser gives ':', ',' and '\' a meaning in paths.
std::string escaped(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string option_string(const OverlayLayers& layers, const std::vector<Option>& options,
                          const std::filesystem::path& base) {
  const auto name = [&base](const std::filesystem::path& path) {
    const std::filesystem::path relative = path.lexically_relative(base);
    const bool below = !relative.empty() && *relative.begin() != "..";
    return escaped(below ? relative.string() : path.string());
  };
  std::string text = "lowerdir=";
  for (const std::filesystem::path& lower : layers.lower) {
    if (!text.ends_with('=')) text += ':';
    text += name(lower);
  }
  if (!layers.upper.empty()) {
    text += ",upperdir=" + name(layers.upper) + ",workdir=" + name(layers.work);
  }
  for (const Option& option : options) {
    text += "," + option.key + (option.value.empty() ? "" : "=" + option.value);
  }
  return text;
}

Result<Mount> mount_by_option_string(const OverlayLayers& layers,
                                     const std::filesystem::path& target,
                                     const std::vector<Option>& options,
                                     const std::filesystem::path& base) {
  const std::string text = option_string(layers, options, base);
  if (text.size() > kPageLimit) {
    return make_error(ErrorCode::Unsupported,
                      "mount overlay of {} layers: too many for this kernel (Linux 6.7 takes 500)",
                      layers.lower.size());
  }
  // The short names are relative, and a working directory belongs to the whole process unless a
  // thread unshares it.
  Result<Mount> result = make_error(ErrorCode::Internal, "mount thread did not run");
  std::thread([&] {
    if (::unshare(CLONE_FS) != 0 || ::chdir(base.c_str()) != 0) {
      result = errno_error("enter {}", base.string());
    } else {
      result = Mount::create("overlay", target, "overlay", mount_flags(layers), text);
    }
  }).join();
  return result;
}

Result<Mount> mount_read_only(const std::filesystem::path& source,
                              const std::filesystem::path& target) {
  Mount mount = TRY(Mount::create(source, target, "", MS_BIND, ""));
  if (::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
    return errno_error("mount {} read-only", target.string());
  }
  return mount;
}

}  // namespace

Result<Mount> mount_overlay(const OverlayLayers& layers, const std::filesystem::path& target,
                            const OverlayMountOptions& options) {
  CHECK(target.is_absolute());
  if (layers.lower.empty() && !layers.upper.empty()) {
    return Mount::create(layers.upper, target, "", MS_BIND, "");
  }
  if (layers.lower.empty()) return mount_read_only(options.empty_layer, target);
  OverlayLayers stack = layers;
  // Never a bind mount of a single read-only layer: its whiteouts would show as device nodes.
  if (stack.upper.empty() && stack.lower.size() == 1) stack.lower.push_back(options.empty_layer);
  std::vector<Option> settings = common_options(stack, options.user_xattrs);
  if (!options.classic_only) {
    std::optional<Mount> mount = TRY(mount_by_fsconfig(stack, target, settings));
    if (mount) return *std::move(mount);
  }
  Result<Mount> mount = mount_by_option_string(stack, target, settings, options.base);
  if (mount || mount.error().errno_value() != EINVAL || stack.upper.empty()) return mount;
  // "volatile" came with Linux 5.10.
  std::erase_if(settings, [](const Option& option) { return option.key == "volatile"; });
  return mount_by_option_string(stack, target, settings, options.base);
}

}  // namespace slipway::store
