#include "frontend/dockerfile/run_mount.h"

#include <charconv>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"

namespace slipway::dockerfile {
namespace {

using graph::CacheSharing;
using graph::MountType;

struct TypeName {
  std::string_view name;
  MountType type;
};
constexpr TypeName kTypes[] = {
    {"bind", MountType::Bind},     {"cache", MountType::Cache}, {"tmpfs", MountType::Tmpfs},
    {"secret", MountType::Secret}, {"ssh", MountType::Ssh},
};

struct SharingName {
  std::string_view name;
  CacheSharing sharing;
};
constexpr SharingName kSharings[] = {
    {"shared", CacheSharing::Shared},
    {"private", CacheSharing::Private},
    {"locked", CacheSharing::Locked},
};

std::string_view name_of(MountType type) {
  for (const TypeName& each : kTypes) {
    if (each.type == type) return each.name;
  }
  return "";
}

Result<MountType> type_of(const std::string& value) {
  std::vector<std::string> names;
  for (const TypeName& each : kTypes) {
    if (each.name == to_lower(value)) return each.type;
    names.emplace_back(each.name);
  }
  return invalid_input("unsupported mount type {}{}", go_quote(value), did_you_mean(value, names));
}

Result<CacheSharing> sharing_of(const std::string& value) {
  std::vector<std::string> names;
  for (const SharingName& each : kSharings) {
    if (each.name == to_lower(value)) return each.sharing;
    names.emplace_back(each.name);
  }
  return invalid_input("unsupported sharing value {}{}", go_quote(value),
                       did_you_mean(value, names));
}

Result<bool> bool_of(std::string_view key, const std::string& value) {
  const Result<bool> parsed = parse_bool(value);
  if (!parsed) return invalid_input("invalid value for {}: {}", key, value);
  return *parsed;
}

Result<uint32_t> number_of(std::string_view key, const std::string& value, int base) {
  uint32_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number, base);
  if (read.ec != std::errc() || read.ptr != value.data() + value.size()) {
    return invalid_input("invalid value {} for {}", value, key);
  }
  return number;
}

// The options of one mount, in the order they come: what an option may mean depends on the type,
// which has to be named before.
class MountReader {
 public:
  Status take_word(const std::string& key, const std::string& field) {
    if (key == "readonly" || key == "ro" || key == "readwrite" || key == "rw") {
      readonly_ = key.starts_with("reado") || key == "ro";
      return {};
    }
    if (key == "required") {
      TRY(check_required());
      mount_.required = true;
      return {};
    }
    return invalid_input("invalid field '{}' must be a key=value pair", field);
  }

  Status take(const std::string& key, const std::string& value, const std::string& field) {
    if (key == "type") {
      mount_.type = TRY(type_of(value));
    } else if (key == "from") {
      mount_.from = value;
    } else if (key == "source" || key == "src") {
      mount_.source = value;
    } else if (key == "target" || key == "dst" || key == "destination") {
      mount_.target = value;
    } else if (key == "readonly" || key == "ro") {
      readonly_ = TRY(bool_of(key, value));
    } else if (key == "readwrite" || key == "rw") {
      readonly_ = !TRY(bool_of(key, value));
    } else if (key == "required") {
      TRY(check_required());
      mount_.required = TRY(bool_of(key, value));
    } else if (key == "size") {
      if (mount_.type != MountType::Tmpfs) return unexpected(key);
      const Result<int64_t> size = parse_size(value);
      if (!size) return invalid_input("invalid value for {}: {}", key, value);
      mount_.size_limit = *size;
    } else if (key == "id") {
      mount_.id = value;
    } else if (key == "sharing") {
      mount_.sharing = TRY(sharing_of(value));
    } else if (key == "mode") {
      mount_.mode = TRY(number_of(key, value, 8));
    } else if (key == "uid") {
      mount_.uid = TRY(number_of(key, value, 10));
    } else if (key == "gid") {
      mount_.gid = TRY(number_of(key, value, 10));
    } else if (key == "env") {
      mount_.env = value;
    } else {
      return invalid_input(
          "unexpected key '{}' in '{}'{}", key, field,
          did_you_mean(key, {"type", "from", "source", "src", "target", "dst", "destination",
                             "readonly", "ro", "readwrite", "rw", "id", "sharing", "required",
                             "size", "mode", "uid", "gid", "env"}));
    }
    return {};
  }

  Result<RunMount> finish() {
    const std::string_view type = name_of(mount_.type);
    const bool owned = mount_.type == MountType::Secret || mount_.type == MountType::Ssh ||
                       mount_.type == MountType::Cache;
    if (!owned && mount_.mode) return not_allowed("mode", type);
    if (!owned && mount_.uid) return not_allowed("uid", type);
    if (!owned && mount_.gid) return not_allowed("gid", type);
    mount_.readonly =
        readonly_.value_or(mount_.type != MountType::Cache && mount_.type != MountType::Tmpfs);
    if (mount_.type == MountType::Secret) TRY(check_secret());
    if (mount_.sharing && mount_.type != MountType::Cache) {
      return invalid_input("invalid cache sharing set for {} mount", type);
    }
    return std::move(mount_);
  }

 private:
  Error unexpected(std::string_view key) const {
    return invalid_input("unexpected key '{}' for mount type '{}'", key, name_of(mount_.type));
  }
  static Error not_allowed(std::string_view key, std::string_view type) {
    return invalid_input("{} not allowed for \"{}\" type mounts", key, type);
  }

  Status check_required() const {
    if (mount_.type == MountType::Secret || mount_.type == MountType::Ssh) return {};
    return unexpected("required");
  }

  Status check_secret() const {
    if (!mount_.from.empty()) return invalid_input("secret mount should not have a from");
    if (mount_.sharing) return invalid_input("secret mount should not define sharing");
    if (mount_.source.empty() && mount_.target.empty() && mount_.id.empty()) {
      return invalid_input("invalid secret mount. one of source, target required");
    }
    if (!mount_.source.empty() && !mount_.id.empty()) {
      return invalid_input("both source and id can't be set");
    }
    return {};
  }

  RunMount mount_;
  std::optional<bool> readonly_;
};

Result<RunMount> parse_mount(std::string_view text, const WordExpander& expander) {
  MountReader reader;
  for (const std::string& field : TRY(parse_csv_line(text).context("failed to parse csv mounts"))) {
    const size_t equals = field.find('=');
    const std::string key = to_lower(field.substr(0, equals));
    if (equals == std::string::npos) {
      TRY(reader.take_word(key, field));
    } else {
      const std::string value = TRY(expander(std::string_view(field).substr(equals + 1)));
      TRY(reader.take(key, value, field));
    }
  }
  return reader.finish();
}

}  // namespace

Result<std::vector<RunMount>> parse_mounts(const RunInstruction& run,
                                           const WordExpander& expander) {
  std::vector<RunMount> mounts;
  for (const std::string& text : run.mounts) mounts.push_back(TRY(parse_mount(text, expander)));
  return mounts;
}

Status check_mount(std::string_view value) {
  for (const std::string& field :
       TRY(parse_csv_line(value).context("failed to parse csv mounts"))) {
    const size_t equals = field.find('=');
    if (equals == std::string::npos || to_lower(field.substr(0, equals)) != "from") continue;
    const std::string_view from = std::string_view(field).substr(equals + 1);
    const size_t dollar = from.find('$');
    if (dollar != std::string_view::npos && dollar + 1 != from.size()) {
      return Error(ErrorCode::InvalidInput,
                   "'from' doesn't support variable expansion, define alias stage instead");
    }
  }
  return {};
}

}  // namespace slipway::dockerfile
