#include "ops/file_keys.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/base64.h"
#include "base/text.h"
#include "oci/json_writer.h"
#include "ops/file_copy.h"

namespace slipway::ops {
namespace {

void write_user(JsonWriter& json, const graph::UserOpt& user) {
  json.begin_object().key("User").begin_object();
  if (const auto* name = std::get_if<graph::UserOpt::Name>(&user.value)) {
    json.key("byName").begin_object();
    json.optional("name", name->name).optional("input", name->input);
    json.end_object();
  } else {
    json.optional("byId", int64_t{std::get<graph::UserOpt::Id>(user.value)});
  }
  json.end_object().end_object();
}

void write_owner(JsonWriter& json, const std::optional<graph::ChownOpt>& owner) {
  if (!owner) return;
  json.key("owner").begin_object();
  if (owner->user) {
    json.key("user");
    write_user(json, *owner->user);
  }
  if (owner->group) {
    json.key("group");
    write_user(json, *owner->group);
  }
  json.end_object();
}

void write_flag(JsonWriter& json, std::string_view name, bool value) {
  if (value) json.key(name).boolean(true);
}

// The members of an action as Go's encoding/json writes its protobuf struct.
class ActionJson {
 public:
  // `src_is_input`: what lies at src is keyed by its content, so only its last name counts here.
  static std::string of(const graph::FileAction& action, bool src_is_input) {
    ActionJson writer;
    writer.json_.begin_object();
    if (const auto* copy = std::get_if<graph::FileCopy>(&action.action)) {
      writer.write(*copy, src_is_input ? std::string(base_name(copy->src)) : copy->src);
    } else {
      std::visit([&writer](const auto& other) { writer.write(other); }, action.action);
    }
    writer.json_.end_object();
    return writer.json_.take();
  }

 private:
  void write(const graph::FileCopy& copy, const std::string& src) {
    json_.optional("src", src).optional("dest", copy.dest);
    write_owner(json_, copy.owner);
    json_.optional("mode", int64_t{copy.mode});
    write_flag(json_, "followSymlink", copy.follow_symlink);
    write_flag(json_, "dirCopyContents", copy.dir_copy_contents);
    write_flag(json_, "attemptUnpackDockerCompatibility", copy.attempt_unpack);
    write_flag(json_, "createDestPath", copy.create_dest_path);
    write_flag(json_, "allowWildcard", copy.allow_wildcard);
    write_flag(json_, "allowEmptyWildcard", copy.allow_empty_wildcard);
    json_.optional("timestamp", copy.timestamp);
    json_.optional("include_patterns", copy.include_patterns);
    json_.optional("exclude_patterns", copy.exclude_patterns);
    write_flag(json_, "alwaysReplaceExistingDestPaths", copy.always_replace_existing_dest_paths);
    json_.optional("modeStr", copy.mode_str);
    json_.optional("required_paths", copy.required_paths);
  }
  void write(const graph::FileCopy& copy) { write(copy, copy.src); }
  void write(const graph::FileMkfile& file) {
    json_.optional("path", file.path).optional("mode", int64_t{file.mode});
    json_.optional("data", encode_base64(file.data));
    write_owner(json_, file.owner);
    json_.optional("timestamp", file.timestamp);
  }
  void write(const graph::FileMkdir& directory) {
    json_.optional("path", directory.path).optional("mode", int64_t{directory.mode});
    write_flag(json_, "makeParents", directory.make_parents);
    write_owner(json_, directory.owner);
    json_.optional("timestamp", directory.timestamp);
  }
  void write(const graph::FileSymlink& link) {
    json_.optional("oldpath", link.oldpath).optional("newpath", link.newpath);
    write_owner(json_, link.owner);
    json_.optional("timestamp", link.timestamp);
  }
  void write(const graph::FileRm& rm) {
    json_.optional("path", rm.path);
    write_flag(json_, "allowNotFound", rm.allow_not_found);
    write_flag(json_, "allowWildcard", rm.allow_wildcard);
  }

  JsonWriter json_;
};

using Indexes = std::vector<std::array<int64_t, 3>>;

// Actions that each start from the one before, with the last one's result as the only output: what
// Dockerfiles give. BuildKit leaves the indexes of those out of the key.
bool is_simple_chain(const Indexes& indexes) {
  if (indexes.empty()) return false;
  const auto count = static_cast<int64_t>(indexes.size());
  for (int64_t i = 0; i < count; ++i) {
    const auto& [input, secondary, output] = indexes[static_cast<size_t>(i)];
    if (input != (i == 0 ? 0 : count + i - 1)) return false;
    if (secondary != graph::kNone && secondary != 1) return false;
    if (output != (i == count - 1 ? 0 : graph::kNone)) return false;
  }
  return true;
}

const std::optional<graph::ChownOpt>* owner_of(const graph::FileAction& action) {
  return std::visit(
      [](const auto& a) -> const std::optional<graph::ChownOpt>* {
        if constexpr (requires { a.owner; }) return &a.owner;
        return nullptr;
      },
      action.action);
}

FileSelector user_file(const char* path) {
  FileSelector selector;
  selector.path = path;
  selector.follow_links = true;
  return selector;
}

void add_owner_selectors(const graph::ChownOpt& owner,
                         std::map<size_t, std::vector<FileSelector>>& selectors) {
  const auto add = [&selectors](const std::optional<graph::UserOpt>& user, const char* path) {
    if (!user) return;
    const auto* name = std::get_if<graph::UserOpt::Name>(&user->value);
    if (name == nullptr || name->input < 0) return;
    selectors[static_cast<size_t>(name->input)].push_back(user_file(path));
  };
  add(owner.user, "/etc/passwd");
  add(owner.group, "/etc/group");
}

bool is_input(int64_t index, size_t input_count) {
  return index >= 0 && static_cast<size_t>(index) < input_count;
}

// Those paths that lie in no other one, sorted.
std::vector<std::string> outermost(const std::set<std::string>& paths) {
  std::vector<std::string> kept;
  for (const std::string& path : paths) {
    const bool covered = std::ranges::any_of(paths, [&path](const std::string& other) {
      return other != path && path.starts_with(other.ends_with('/') ? other : other + "/");
    });
    if (!covered) kept.push_back(path);
  }
  return kept;
}

}  // namespace

std::map<size_t, std::vector<FileSelector>> file_selectors(const graph::FileOp& op,
                                                           size_t input_count) {
  std::map<size_t, std::vector<FileSelector>> selectors;
  for (const graph::FileAction& action : op.actions) {
    const std::optional<graph::ChownOpt>* owner = owner_of(action);
    if (owner != nullptr && *owner) add_owner_selectors(**owner, selectors);
    const auto* copy = std::get_if<graph::FileCopy>(&action.action);
    if (copy == nullptr || !is_input(action.secondary_input, input_count)) continue;
    selectors[static_cast<size_t>(action.secondary_input)].push_back(
        {copy->src, copy->allow_wildcard && has_wildcard(copy->src), copy->follow_symlink,
         copy->include_patterns, copy->exclude_patterns, copy->required_paths});
  }
  for (const graph::FileAction& action : op.actions) {
    if (action.input != graph::kNone) selectors.erase(static_cast<size_t>(action.input));
  }
  std::erase_if(selectors, [&](const auto& entry) { return entry.first >= input_count; });
  return selectors;
}

Result<solver::CacheMap> file_cache_map(const graph::FileOp& op, size_t input_count) {
  JsonWriter json;
  json.begin_object().key("Type").string("buildkit.file.v0");
  json.key("Actions").begin_array();
  Indexes indexes;
  for (const graph::FileAction& action : op.actions) {
    json.string(
        encode_base64(ActionJson::of(action, is_input(action.secondary_input, input_count))));
    indexes.push_back({action.input, action.secondary_input, action.output});
  }
  json.end_array();
  if (!is_simple_chain(indexes) && !indexes.empty()) {
    json.key("indexes").begin_array();
    for (const auto& triple : indexes) {
      json.begin_array();
      for (const int64_t index : triple) json.number(index);
      json.end_array();
    }
    json.end_array();
  }
  json.end_object();

  solver::CacheMap map;
  map.digest = Digest::sha256_of(json.take());
  map.inputs.resize(input_count);
  map.outputs = static_cast<size_t>(std::ranges::count_if(
      op.actions, [](const graph::FileAction& action) { return action.output != graph::kNone; }));
  for (const auto& [input, list] : file_selectors(op, input_count)) {
    std::vector<std::string> paths;
    for (const FileSelector& selector : list) paths.push_back(selector.path);
    std::ranges::sort(paths, std::greater<>());
    map.inputs[input].selector = Digest::sha256_of(join(paths, std::string_view("\0", 1)));
    map.inputs[input].by_content = true;
  }
  return map;
}

std::vector<FileSelector> without_covered(const std::vector<FileSelector>& selectors) {
  std::set<std::string> paths;
  std::set<std::string> followed;
  for (const FileSelector& selector : selectors) {
    if (!selector.has_filters()) (selector.follow_links ? followed : paths).insert(selector.path);
  }
  std::vector<FileSelector> result;
  for (const std::string& path : outermost(paths)) result.push_back({.path = path});
  for (const std::string& path : outermost(followed)) {
    result.push_back({.path = path, .follow_links = true});
  }
  for (const FileSelector& selector : selectors) {
    if (selector.has_filters()) result.push_back(selector);
  }
  std::ranges::stable_sort(result, {}, &FileSelector::path);
  return result;
}

}  // namespace slipway::ops
