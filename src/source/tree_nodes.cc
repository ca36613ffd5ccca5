#include "source/tree_nodes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/text.h"

namespace slipway::source {
namespace {

constexpr int kMaxSymlinks = 255;  // as BuildKit

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The record of getdents64(2); glibc's readdir would cost an allocation and a copy per directory.
struct RawEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t record_size;
  uint8_t type;
  char name[1];
};

}  // namespace

FileAttributes attributes_of(const struct stat& info, bool normalize_owner) {
  FileAttributes attributes;
  attributes.mode = info.st_mode;
  attributes.uid = normalize_owner ? 0 : info.st_uid;
  attributes.gid = normalize_owner ? 0 : info.st_gid;
  attributes.links = static_cast<uint32_t>(info.st_nlink);
  attributes.size = static_cast<uint64_t>(info.st_size);
  attributes.device = info.st_dev;
  attributes.inode = info.st_ino;
  attributes.rdev = info.st_rdev;
  attributes.mtime = nanoseconds(info.st_mtim);
  attributes.ctime = nanoseconds(info.st_ctim);
  return attributes;
}

TreeNodes::TreeNodes(RootDir root, Node root_node, PatternMatcher ignore, bool normalize_owner,
                     ThreadPool* pool)
    : root_(std::move(root)),
      ignore_(std::move(ignore)),
      normalize_owner_(normalize_owner),
      pool_(pool),
      root_node_(root_node) {
  root_node_.directory = &directories_.emplace_back();
}

Status TreeNodes::read_directory(Directory& directory) const {
  const UniqueFd fd = TRY(root_.open_at(directory.path.empty() ? "." : directory.path,
                                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  alignas(RawEntry) std::array<char, 32768> buffer;
  for (;;) {
    const long got = ::syscall(SYS_getdents64, fd.get(), buffer.data(), buffer.size());
    if (got < 0) return errno_error("list {}", directory.path);
    if (got == 0) break;
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const RawEntry*>(buffer.data() + at);
      at += entry->record_size;
      const char* name = entry->name;
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      struct stat info;
      if (::fstatat(fd.get(), name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return errno_error("stat {}/{}", directory.path, name);
      }
      Node node;
      node.name_offset = static_cast<uint32_t>(directory.names.size());
      node.name_size = static_cast<uint32_t>(std::strlen(name));
      node.attributes = attributes_of(info, normalize_owner_);
      directory.names.append(name, node.name_size);
      directory.nodes.push_back(node);
    }
  }
  std::ranges::sort(directory.nodes, {}, [&](const Node& node) { return directory.name(node); });
  return {};
}

// Whether the entry exists for the build; its matches are handed to what is below it.
bool TreeNodes::admit(Directory& directory, std::string_view name, Node& node,
                      PatternMatcher::ParentMatches& below) const {
  const std::string path = directory.path.empty()
                               ? std::string(name)
                               : directory.path.substr(1) + "/" + std::string(name);
  PatternMatcher::Answer answer = ignore_.matches_below(path, directory.ignore);
  below = std::move(answer.here);
  if (!answer.matches) return true;
  node.left_out = S_ISDIR(node.attributes.mode) && ignore_.may_take_back_below(path);
  return node.left_out;
}

void TreeNodes::link_subdirectories(Directory& directory) {
  std::vector<Node> admitted;
  if (!ignore_.empty()) admitted.reserve(directory.nodes.size());
  for (Node& node : directory.nodes) {
    PatternMatcher::ParentMatches below;
    if (!ignore_.empty() && !admit(directory, directory.name(node), node, below)) continue;
    if (S_ISDIR(node.attributes.mode)) {
      Directory& child = directories_.emplace_back();
      child.path = directory.path_of(node);
      child.ignore = std::move(below);
      node.directory = &child;
    }
    if (!ignore_.empty()) admitted.push_back(node);
  }
  if (!ignore_.empty()) directory.nodes = std::move(admitted);
  directory.scanned = true;
}

Status TreeNodes::scan(Directory& directory) {
  if (directory.scanned) return {};
  TRY(read_directory(directory));
  link_subdirectories(directory);
  return {};
}

Status TreeNodes::scan_tree(Directory& directory, std::stop_token stop) {
  // Level by level: directories of one level are read in parallel.
  std::vector<Directory*> level = {&directory};
  while (!level.empty()) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "read tree: cancelled");
    std::vector<Status> results(level.size());
    const auto read_one = [&](size_t i) {
      if (!level[i]->scanned) results[i] = read_directory(*level[i]);
    };
    if (pool_ != nullptr && level.size() > 1) {
      pool_->parallel_for(level.size(), read_one);
    } else {
      for (size_t i = 0; i < level.size(); ++i) read_one(i);
    }
    std::vector<Directory*> next;
    for (size_t i = 0; i < level.size(); ++i) {
      TRY(std::move(results[i]));
      if (!level[i]->scanned) link_subdirectories(*level[i]);
      for (const Node& node : level[i]->nodes) {
        if (node.directory != nullptr) next.push_back(node.directory);
      }
    }
    level = std::move(next);
  }
  return {};
}

Result<Node*> TreeNodes::child(Directory& directory, std::string_view name) {
  TRY(scan(directory));
  const auto found = std::ranges::lower_bound(
      directory.nodes, name, {}, [&](const Node& node) { return directory.name(node); });
  if (found == directory.nodes.end() || directory.name(*found) != name) {
    return static_cast<Node*>(nullptr);
  }
  return &*found;
}

Result<bool> TreeNodes::holds_anything(Directory& directory) {
  TRY(scan(directory));
  for (const Node& node : directory.nodes) {
    if (!node.left_out || TRY(holds_anything(*node.directory))) return true;
  }
  return false;
}

Result<std::optional<TreeNodes::Place>> TreeNodes::resolve(std::string_view path, bool follow) {
  std::deque<std::string> todo;
  const auto push = [&todo](std::string_view text) {
    std::vector<std::string> names = split(text, '/');
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (!name->empty() && *name != ".") todo.push_front(std::move(*name));
    }
  };
  push(path);
  std::vector<Place> stack = {root()};
  int symlinks = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == "..") {
      if (stack.size() > 1) stack.pop_back();
      continue;
    }
    Directory* const here = stack.back().node->directory;
    if (here == nullptr) return std::optional<Place>();
    Node* const node = TRY(child(*here, name));
    if (node == nullptr) return std::optional<Place>();
    const bool symlink = S_ISLNK(node->attributes.mode);
    if (!symlink || (todo.empty() && !follow)) {
      stack.push_back({here, node});
      continue;
    }
    if (++symlinks > kMaxSymlinks) return Error::from_errno(ELOOP, "look up " + std::string(path));
    const std::string target = TRY(root_.read_link(here->path_of(*node)));
    if (target.starts_with('/')) stack.resize(1);
    push(target);
  }
  const Place place = stack.back();
  if (place.node->left_out && !TRY(holds_anything(*place.node->directory))) {
    return std::optional<Place>();
  }
  return std::optional<Place>(place);
}

}  // namespace slipway::source
