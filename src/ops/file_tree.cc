#include "ops/file_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/check.h"
#include "base/directory_entries.h"
#include "base/file_io.h"
#include "base/overlayfs.h"
#include "base/text.h"
#include "layer/xattr.h"

namespace slipway::ops {
namespace {

constexpr int kMaxSymlinks = 255;  // as containerd's RootPath
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

}  // namespace

FileStamp FileStamp::of(const struct stat& info) {
  const auto nanoseconds = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return {info.st_ino, static_cast<uint64_t>(info.st_size), nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

Result<bool> MergedDir::is_opaque(int fd) const {
  if (!rules_.overlay) return false;
  const Result<std::string> value = layer::get_xattr(fd, opaque_xattr(rules_.user_xattrs));
  if (value) return *value == "y";
  const int why = value.error().errno_value();
  if (why == ENODATA || why == EOPNOTSUPP) return false;
  return value.error();
}

// The index of the layer that decides what `name` is.
Result<std::optional<size_t>> MergedDir::layer_of(const std::string& name, struct stat& info,
                                                  size_t first) const {
  for (size_t i = first; i < layers_.size(); ++i) {
    if (::fstatat(layers_[i].get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return errno_error("stat /{}", path_of(name));
    }
    if (rules_.overlay && is_whiteout(info)) return std::optional<size_t>();
    if (rules_.plain_owner) info.st_uid = info.st_gid = 0;
    return std::optional<size_t>(i);
  }
  return std::optional<size_t>();
}

Status MergedDir::read_listing() {
  if (rules_.listing) listing_ = TRY(rules_.listing(path_));
  return {};
}

Result<std::optional<MergedDir::Entry>> MergedDir::find_known(const std::string& name) const {
  const auto found = std::ranges::lower_bound(listing_, name, {}, &KnownEntry::name);
  if (found == listing_.end() || found->name != name) return std::optional<Entry>();
  Entry entry;
  entry.info = found->info;
  if (rules_.plain_owner) entry.info.st_uid = entry.info.st_gid = 0;
  entry.known = FileStamp::of(found->info);
  entry.digest = found->digest;
  return std::optional<Entry>(entry);
}

Result<std::optional<MergedDir::Entry>> MergedDir::find(const std::string& name) const {
  if (rules_.listing) return find_known(name);
  Entry entry;
  const std::optional<size_t> layer = TRY(layer_of(name, entry.info));
  if (!layer) return std::optional<Entry>();
  entry.in_upper = has_upper_ && *layer == 0;
  entry.layer = depths_[*layer];
  entry.directory = layers_[*layer].get();
  return std::optional<Entry>(entry);
}

Result<bool> MergedDir::lower_has(const std::string& name) const {
  struct stat info;
  return TRY(layer_of(name, info, has_upper_ ? 1 : 0)).has_value();
}

Result<std::vector<std::string>> MergedDir::names() const {
  std::set<std::string> seen;
  std::vector<std::string> result;
  if (rules_.listing) {
    for (const KnownEntry& entry : listing_) result.push_back(entry.name);
    return result;
  }
  const bool simple = layers_.size() == 1 && !rules_.overlay;
  for (const UniqueFd& layer : layers_) {
    // Reading moves a descriptor's position, which threads would share.
    const UniqueFd own = TRY(open_file_at(layer.get(), ".", kDirectoryFlags));
    std::vector<std::string> names =
        TRY(directory_entries(own.get()).context("read directory /" + path_));
    if (simple) return names;
    for (std::string& name : names) {
      if (!seen.insert(name).second) continue;
      struct stat info;
      if (::fstatat(layer.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno_error("stat /{}", path_of(name));
      }
      if (is_whiteout(info)) continue;
      result.push_back(std::move(name));
    }
  }
  std::ranges::sort(result);
  return result;
}

Result<std::shared_ptr<const MergedDir>> MergedDir::child(const std::string& name) const {
  const std::shared_ptr<MergedDir> found(new MergedDir(rules_, path_of(name)));
  for (size_t i = 0; i < layers_.size(); ++i) {
    Result<UniqueFd> fd = open_file_at(layers_[i].get(), name, kDirectoryFlags);
    if (!fd) {
      const int why = fd.error().errno_value();
      if (why == ENOENT) continue;
      if (why == ENOTDIR || why == ELOOP) break;  // hides what is below
      return std::move(fd).error().context("open directory /" + path_of(name));
    }
    if (i == 0 && has_upper_) found->has_upper_ = true;
    found->layers_.push_back(*std::move(fd));
    found->depths_.push_back(depths_[i]);
    const bool more_below = i + 1 < layers_.size();
    if (more_below && TRY(is_opaque(found->layers_.back().get()))) break;
  }
  if (found->layers_.empty()) {
    return Error::from_errno(ENOTDIR, "open directory /" + path_of(name));
  }
  TRY(found->read_listing());
  return std::shared_ptr<const MergedDir>(found);
}

Result<UniqueFd> MergedDir::open_file(const std::string& name) const {
  struct stat info;
  const std::optional<size_t> layer = TRY(layer_of(name, info));
  if (!layer) return Error::from_errno(ENOENT, "open /" + path_of(name));
  return open_file_at(layers_[*layer].get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

Result<std::string> MergedDir::read_link(const std::string& name) const {
  struct stat info;
  const std::optional<size_t> layer = TRY(layer_of(name, info));
  if (!layer) return Error::from_errno(ENOENT, "read link /" + path_of(name));
  return slipway::read_link(layers_[*layer].get(), name);
}

Status MergedDir::link(const std::string& name, int target_fd,
                       const std::string& target_name) const {
  struct stat info;
  const std::optional<size_t> layer = TRY(layer_of(name, info));
  if (!layer) return Error::from_errno(ENOENT, "link /" + path_of(name));
  if (::linkat(layers_[*layer].get(), name.c_str(), target_fd, target_name.c_str(), 0) != 0) {
    return errno_error("link /{}", path_of(name));
  }
  return {};
}

Result<Tree> Tree::open(const store::OverlayLayers& layers, TreeRules rules) {
  Tree tree;
  tree.rules_ = std::make_unique<TreeRules>(std::move(rules));
  const std::shared_ptr<MergedDir> root(new MergedDir(*tree.rules_, ""));
  if (!layers.upper.empty()) {
    root->layers_.push_back(TRY(open_file(layers.upper, kDirectoryFlags)));
    root->has_upper_ = true;
  }
  for (const std::filesystem::path& lower : layers.lower) {
    root->layers_.push_back(TRY(slipway::open_file(lower, kDirectoryFlags)));
  }
  for (size_t i = 0; i < root->layers_.size(); ++i) root->depths_.push_back(i);
  tree.root_ = root;
  return tree;
}

Result<Tree> Tree::open_directory(const std::filesystem::path& path, TreeRules rules) {
  Tree tree;
  tree.rules_ = std::make_unique<TreeRules>(std::move(rules));
  const std::shared_ptr<MergedDir> root(new MergedDir(*tree.rules_, ""));
  root->layers_.push_back(TRY(slipway::open_file(path, O_RDONLY | O_DIRECTORY)));
  root->depths_.push_back(0);
  TRY(root->read_listing());
  tree.root_ = root;
  return tree;
}

Result<std::string> Tree::resolve(const std::string& path, bool follow_last) const {
  return resolve_below("/", path, follow_last);
}

Result<std::string> Tree::resolve_below(const std::string& base, const std::string& path,
                                        bool follow_last) const {
  std::deque<std::string> todo;
  const auto push = [&todo](const std::string& text) {
    std::vector<std::string> names = split(text, '/');
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (!name->empty() && *name != ".") todo.push_front(std::move(*name));
    }
  };
  push(path);
  std::vector<std::string> real;
  // The directories of `real`; shorter than it once something is not there.
  std::vector<std::shared_ptr<const MergedDir>> directories = {root_};
  const auto enter = [&](const std::string& name,
                         const std::optional<MergedDir::Entry>& entry) -> Status {
    if (entry && S_ISDIR(entry->info.st_mode)) {
      directories.push_back(TRY(directories.back()->child(name)));
    }
    real.push_back(name);
    return {};
  };
  const auto look_up = [&](const std::string& name) -> Result<std::optional<MergedDir::Entry>> {
    const bool known = directories.size() == real.size() + 1;
    return known ? directories.back()->find(name) : std::optional<MergedDir::Entry>();
  };
  for (const std::string& name : split(base, '/')) {
    if (name.empty()) continue;
    const std::optional<MergedDir::Entry> entry = TRY(look_up(name));
    TRY(enter(name, entry));
  }
  const size_t top = real.size();
  const auto go_up_to = [&](size_t depth) {
    real.resize(depth);
    if (directories.size() > depth + 1) directories.resize(depth + 1);
  };
  int symlinks = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == "..") {
      if (real.size() > top) go_up_to(real.size() - 1);
      continue;
    }
    const std::optional<MergedDir::Entry> entry = TRY(look_up(name));
    if (entry && S_ISLNK(entry->info.st_mode) && (follow_last || !todo.empty())) {
      if (++symlinks > kMaxSymlinks) return Error::from_errno(ELOOP, "look up " + path);
      const std::string target = TRY(directories.back()->read_link(name));
      if (target.starts_with('/')) go_up_to(top);
      push(target);
      continue;
    }
    TRY(enter(name, entry));
  }
  return "/" + join(real, "/");
}

Result<std::shared_ptr<const MergedDir>> Tree::directory(const std::string& resolved) const {
  std::shared_ptr<const MergedDir> here = root_;
  for (const std::string& name : split(resolved, '/')) {
    if (name.empty()) continue;
    const std::optional<MergedDir::Entry> entry = TRY(here->find(name));
    if (!entry || !S_ISDIR(entry->info.st_mode)) return std::shared_ptr<const MergedDir>();
    here = TRY(here->child(name));
  }
  return here;
}

Result<std::optional<struct stat>> Tree::stat(const std::string& resolved) const {
  const PathParts parts = split_last(resolved);
  const std::shared_ptr<const MergedDir> parent = TRY(directory(parts.parent));
  if (!parent) return std::optional<struct stat>();
  if (parts.name.empty()) {
    struct stat info{};
    info.st_mode = S_IFDIR | 0755;
    if (parent->has_upper() || parent->has_lower()) {
      if (::fstat(parent->descriptor(), &info) != 0) return errno_error("stat /");
      if (rules_->plain_owner) info.st_uid = info.st_gid = 0;
    }
    return std::optional<struct stat>(info);
  }
  const std::optional<MergedDir::Entry> entry = TRY(parent->find(parts.name));
  if (!entry) return std::optional<struct stat>();
  return std::optional<struct stat>(entry->info);
}

Result<std::optional<std::string>> Tree::read_file(const std::string& path,
                                                   size_t max_bytes) const {
  const PathParts parts = split_last(TRY(resolve(path, true)));
  const std::shared_ptr<const MergedDir> parent = TRY(directory(parts.parent));
  if (!parent || parts.name.empty()) return std::optional<std::string>();
  const std::optional<MergedDir::Entry> entry = TRY(parent->find(parts.name));
  // A file of a skeleton (layer/skeleton.h).
  if (entry && S_ISSOCK(entry->info.st_mode)) {
    return make_error(ErrorCode::Unsupported, "read {}: its content is not here", path);
  }
  if (!entry || !S_ISREG(entry->info.st_mode)) return std::optional<std::string>();
  const UniqueFd fd = TRY(parent->open_file(parts.name));
  return std::optional<std::string>(TRY(read_fd(fd.get(), max_bytes).context("read " + path)));
}

PathParts split_last(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"/", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string join_path(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

}  // namespace slipway::ops
