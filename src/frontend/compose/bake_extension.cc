#include "frontend/compose/bake_extension.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/values.h"
#include "frontend/bake/spec.h"

namespace slipway::compose {
namespace {

template <typename... Args>
Error invalid(const Value& where, fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...).at(where.span);
}

class ExtensionReader {
 public:
  ExtensionReader(std::string path, const ContextReader& context, bake::TargetDefinition& target)
      : path_(std::move(path)), context_(context), target_(target) {}

  Status read(const Value& extension) {
    if (!extension.is_map()) return invalid(extension, "{} must be a mapping", path_);
    for (const auto& [key, value] : extension.members) {
      if (value.is_null()) continue;
      Status read = read_key(key, value);
      if (!read && read.error().spans().empty()) return std::move(read).error().at(value.span);
      TRY(std::move(read));
    }
    return {};
  }

 private:
  // A list, or one text of words.
  static Result<std::vector<std::string>> words(const Value& value, std::string_view key) {
    std::vector<std::string> result;
    if (value.is_scalar()) {
      std::string_view rest = trim(value.text);
      while (!rest.empty()) {
        const size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
        result.emplace_back(rest.substr(0, end));
        rest = trim(rest.substr(end));
      }
      return result;
    }
    if (!value.is_list()) return invalid(value, "x-bake.{} must be a string or a list", key);
    for (const Value& item : value.items) {
      if (!item.is_scalar()) return invalid(item, "x-bake.{} entries must be strings", key);
      result.push_back(scalar_text(item));
    }
    return result;
  }

  template <typename T>
  static void add_entries(std::optional<std::vector<T>>& mine, std::vector<T> more) {
    if (more.empty()) return;
    if (!mine) mine.emplace();
    for (T& entry : more) mine->push_back(std::move(entry));
    *mine = bake::merged(std::move(*mine));
  }

  static void add_texts(std::optional<std::vector<std::string>>& mine,
                        const std::vector<std::string>& more) {
    if (more.empty()) return;
    if (!mine) mine.emplace();
    for (const std::string& text : more) {
      if (std::find(mine->begin(), mine->end(), text) == mine->end()) mine->push_back(text);
    }
  }

  Status read_key(const std::string& key, const Value& value) {
    if (key == "tags") {
      add_texts(target_.tags, TRY(words(value, key)));
    } else if (key == "platforms") {
      add_texts(target_.platforms, TRY(words(value, key)));
    } else if (key == "no-cache-filter") {
      add_texts(target_.no_cache_filter, TRY(words(value, key)));
    } else if (key == "cache-from") {
      add_entries(target_.cache_from, TRY(bake::parse_caches(TRY(words(value, key)))));
    } else if (key == "cache-to") {
      add_entries(target_.cache_to, TRY(bake::parse_caches(TRY(words(value, key)))));
    } else if (key == "secret") {
      add_entries(target_.secrets, TRY(bake::parse_secrets(TRY(words(value, key)))));
    } else if (key == "ssh") {
      add_entries(target_.ssh, bake::parse_ssh_list(TRY(words(value, key))));
      if (target_.ssh) std::sort(target_.ssh->begin(), target_.ssh->end());
    } else if (key == "output") {
      add_entries(target_.outputs, TRY(bake::parse_outputs(TRY(words(value, key)))));
    } else if (key == "pull") {
      target_.pull = TRY(parse_bool(value.text));
    } else if (key == "no-cache") {
      target_.no_cache = TRY(parse_bool(value.text));
    } else if (key == "contexts") {
      for (const auto& [name, path] : value.members) {
        target_.contexts.emplace(name, TRY(context_(path)));
      }
    } else {
      return invalid(
          value, "{}: unknown key '{}'{}", path_, key,
          did_you_mean(key, {"tags", "platforms", "no-cache-filter", "cache-from", "cache-to",
                             "secret", "ssh", "output", "pull", "no-cache", "contexts"}));
    }
    return {};
  }

  std::string path_;
  const ContextReader& context_;
  bake::TargetDefinition& target_;
};

}  // namespace

Status add_bake_extension(const Value& extension, const std::string& path,
                          const ContextReader& context, bake::TargetDefinition& target) {
  return ExtensionReader(path, context, target).read(extension);
}

}  // namespace slipway::compose
