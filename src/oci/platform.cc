#include "oci/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace slipway {
namespace {

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

constexpr std::array<std::string_view, 17> kSystems = {
    "aix",   "android", "darwin", "dragonfly", "freebsd", "hurd",    "illumos", "ios", "js",
    "linux", "nacl",    "netbsd", "openbsd",   "plan9",   "solaris", "windows", "zos"};
constexpr std::array<std::string_view, 24> kArchitectures = {
    "386",     "amd64",   "amd64p32", "arm",    "armbe",  "arm64",    "arm64be",   "ppc64",
    "ppc64le", "loong64", "mips",     "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le",
    "ppc",     "riscv",   "riscv64",  "s390",   "s390x",  "sparc",    "sparc64",   "wasm"};

template <typename List>
bool is_one_of(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool consists_of(std::string_view text, std::string_view more_characters) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return kLetters.contains(c) || more_characters.contains(c); });
}

std::string normalized_os(std::string_view os) {
  const std::string lower = to_lower(os);
  return lower == "macos" ? "darwin" : lower;
}

// The architecture under its usual name; a variant that is the default goes away.
void normalize_architecture(std::string& architecture, std::string& variant) {
  architecture = to_lower(architecture);
  variant = to_lower(variant);
  if (architecture == "i386") {
    architecture = "386";
    variant = "";
  } else if (architecture == "x86_64" || architecture == "x86-64" || architecture == "amd64") {
    architecture = "amd64";
    if (variant == "v1") variant = "";
  } else if (architecture == "aarch64" || architecture == "arm64") {
    architecture = "arm64";
    if (variant == "8" || variant == "v8" || variant == "v8.0") variant = "";
    if (variant == "9" || variant == "9.0" || variant == "v9.0") variant = "v9";
  } else if (architecture == "armhf") {
    architecture = "arm";
    variant = "v7";
  } else if (architecture == "armel") {
    architecture = "arm";
    variant = "v6";
  } else if (architecture == "arm") {
    if (variant.empty() || variant == "7") variant = "v7";
    if (variant == "5" || variant == "6" || variant == "8") variant = "v" + variant;
  }
}

// "%2B" and its like in an OS version or feature.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    if (i + 2 >= text.size()) return std::nullopt;
    const size_t high = kHex.find(to_lower(text.substr(i + 1, 1)));
    const size_t low = kHex.find(to_lower(text.substr(i + 2, 1)));
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    constexpr std::string_view kSpecial = "%+()/";
    constexpr std::array<std::string_view, 5> kCodes = {"%25", "%2B", "%28", "%29", "%2F"};
    const size_t special = kSpecial.find(c);
    if (special == std::string_view::npos) {
      result += c;
    } else {
      result += kCodes[special];
    }
  }
  return result;
}

// "linux", "windows(10.0.17763)", "windows(10.0.1+feature)".
bool read_os(std::string_view text, Platform& platform) {
  const size_t parenthesis = std::min(text.find('('), text.size());
  const std::string_view os = text.substr(0, parenthesis);
  if (os.empty() || !consists_of(os, "_-")) return false;
  platform.os = normalized_os(os);
  text.remove_prefix(parenthesis);
  if (text.empty()) return true;
  if (!text.ends_with(')') || text.size() < 2) return false;
  const std::vector<std::string> options = split(text.substr(1, text.size() - 2), '+');
  for (size_t i = 0; i < options.size(); ++i) {
    auto value = decoded(options[i]);
    if (!consists_of(options[i], "_.%-") || !value) return false;
    if (i == 0) {
      platform.os_version = *std::move(value);
    } else if (value->empty()) {
      return false;
    } else {
      platform.os_features.push_back(*std::move(value));
    }
  }
  return true;
}

Error invalid(std::string_view text, std::string_view what) {
  return make_error(ErrorCode::InvalidInput, "\"{}\": {}: invalid argument", text, what);
}

std::string format(std::string os, const Platform& platform) {
  if (!platform.architecture.empty()) os += "/" + platform.architecture;
  if (!platform.variant.empty()) os += "/" + platform.variant;
  return os;
}

// The number of "v7" or "v8.2" times ten; 0 for none.
int variant_level(std::string_view variant) {
  if (variant.starts_with('v')) variant.remove_prefix(1);
  int level = 0;
  bool after_dot = false;
  for (const char c : variant) {
    if (c == '.') {
      after_dot = true;
    } else if (c >= '0' && c <= '9' && level < 1000) {
      level = after_dot ? level + (c - '0') : level * 10 + (c - '0') * 10;
    } else {
      return 0;
    }
  }
  return level;
}

// Whether a processor of variant `mine` runs code for variant `theirs`.
bool runs_variant(std::string_view architecture, std::string_view mine, std::string_view theirs) {
  if (mine == theirs) return true;
  if (architecture == "amd64") {
    return std::max(variant_level(theirs), 10) <= std::max(variant_level(mine), 10);
  }
  if (architecture == "arm") {
    const int level = variant_level(theirs);
    return level >= 50 && level <= variant_level(mine);
  }
  if (architecture == "arm64") {
    const int my_level = std::max(variant_level(mine), 80);
    const int their_level = std::max(variant_level(theirs), 80);
    // v9.N runs everything of v8.(N+5).
    const bool crosses = my_level >= 90 && their_level < 90;
    return their_level <= (crosses ? my_level - 5 : my_level);
  }
  return false;
}

// Windows images run on the same build of Windows; its revision does not matter.
bool same_windows_build(std::string_view mine, std::string_view theirs) {
  if (mine.empty() || theirs.empty()) return true;
  const auto build_of = [](std::string_view version) {
    std::vector<std::string> parts = split(version, '.');
    parts.resize(3);
    return parts;
  };
  return build_of(mine) == build_of(theirs);
}

}  // namespace

Result<Platform> Platform::parse(std::string_view text) {
  if (text.contains('*')) return invalid(text, "wildcards not yet supported");
  const std::vector<std::string> parts = split(text, '/');
  Platform platform;
  if (!read_os(parts[0], platform)) {
    return make_error(ErrorCode::InvalidInput,
                      "\"{}\" is an invalid OS component of \"{}\": invalid argument", parts[0],
                      text);
  }
  for (size_t i = 1; i < parts.size() && i < 3; ++i) {
    if (parts[i].empty() || !consists_of(parts[i], "_.-")) {
      return make_error(ErrorCode::InvalidInput,
                        "\"{}\" is an invalid component of \"{}\": invalid argument", parts[i],
                        text);
    }
  }
  if (parts.size() > 3) return invalid(text, "cannot parse platform specifier");
  if (parts.size() == 1) {
    const Platform here = host();
    if (is_one_of(kSystems, platform.os)) {
      platform.architecture = here.architecture;
      if (here.architecture == "arm" && here.variant != "v7") platform.variant = here.variant;
      return platform;
    }
    platform.architecture = parts[0];
    normalize_architecture(platform.architecture, platform.variant);
    if (platform.architecture == "arm" && platform.variant == "v7") platform.variant = "";
    if (!is_one_of(kArchitectures, platform.architecture)) {
      return invalid(text, "unknown operating system or architecture");
    }
    platform.os = here.os;
    return platform;
  }
  platform.architecture = parts[1];
  if (parts.size() == 3) platform.variant = parts[2];
  normalize_architecture(platform.architecture, platform.variant);
  if (parts.size() == 2 && platform.architecture == "arm" && platform.variant == "v7") {
    platform.variant = "";
  }
  if (parts.size() == 3 && platform.architecture == "arm64" && platform.variant.empty()) {
    platform.variant = "v8";
  }
  return platform;
}

Platform Platform::host() {
  Platform platform;
  platform.os = "linux";
  utsname name = {};
  uname(&name);
  platform.architecture = name.machine;
  const std::string_view machine = name.machine;
  if (machine.starts_with("armv")) {
    platform.architecture = "arm";
    platform.variant = machine.substr(3, 2);
  } else if (machine.size() == 4 && machine.starts_with('i') && machine.ends_with("86")) {
    platform.architecture = "386";
  } else if (machine == "loongarch64") {
    platform.architecture = "loong64";
  }
  normalize_architecture(platform.architecture, platform.variant);
  return platform;
}

std::string Platform::str() const {
  const Platform normal = normalized();
  return normal.os.empty() ? "unknown" : format(normal.os, normal);
}

std::string Platform::full_str() const {
  const Platform normal = normalized();
  if (normal.os.empty()) return "unknown";
  std::string options = encoded(normal.os_version);
  for (const std::string& feature : normal.os_features) {
    if (!feature.empty()) options += "+" + encoded(feature);
  }
  return format(options.empty() ? normal.os : normal.os + "(" + options + ")", normal);
}

Platform Platform::normalized() const {
  Platform normal = *this;
  normal.os = normalized_os(os);
  normalize_architecture(normal.architecture, normal.variant);
  std::vector<std::string>& features = normal.os_features;
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return normal;
}

bool Platform::matches(const Platform& image) const {
  const Platform mine = normalized();
  const Platform theirs = image.normalized();
  return mine.os == theirs.os && mine.architecture == theirs.architecture &&
         runs_variant(mine.architecture, mine.variant, theirs.variant) &&
         (mine.os != "windows" || same_windows_build(mine.os_version, theirs.os_version));
}

}  // namespace slipway
