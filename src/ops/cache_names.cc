#include "ops/cache_names.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "layer/overlay_entry.h"

namespace slipway::ops {
namespace {

// Paths of lower layers, seen through an upper directory. Remembers the last directory: files that
// were moved come from few.
class Visibility {
 public:
  explicit Visibility(int root) : root_(root) {}

  // Whether what the lower layers have there shows.
  Result<bool> shows(const std::string& directory, const std::string& name) {
    if (directory != directory_) TRY(look_into(directory));
    if (state_ != State::Merged) return state_ == State::Lower;
    return !TRY(find(name));
  }

 private:
  enum class State {
    Merged,  // upper has the directory, and it is not opaque
    Lower,   // upper does not have it
    Hidden,
  };

  Status look_into(const std::string& directory) {
    directory_ = directory;
    state_ = State::Merged;
    here_ = TRY(open_file_at(root_, ".", O_RDONLY | O_DIRECTORY));
    for (const std::string& name : split(directory, '/')) {
      if (name.empty()) continue;
      const std::optional<struct stat> info = TRY(find(name));
      if (!info || !S_ISDIR(info->st_mode)) {
        state_ = info ? State::Hidden : State::Lower;
        return {};
      }
      here_ = TRY(open_file_at(here_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      if (TRY(entries_.is_opaque(here_.get()))) {
        state_ = State::Hidden;
        return {};
      }
    }
    return {};
  }

  Result<std::optional<struct stat>> find(const std::string& name) const {
    struct stat info;
    if (::fstatat(here_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      return std::optional<struct stat>(info);
    }
    if (errno == ENOENT) return std::optional<struct stat>();
    return errno_error("stat {}", name);
  }

  const int root_;
  const layer::OverlayEntries entries_{false};
  std::optional<std::string> directory_;
  State state_ = State::Hidden;
  UniqueFd here_;
};

}  // namespace

void CacheNames::note_path(size_t cache, size_t length) {
  outcomes_[cache].longest_path = std::max(outcomes_[cache].longest_path, length);
}

Status CacheNames::add_outside(size_t cache) {
  if (std::exchange(outcomes_[cache].linked_outside, true)) return {};
  return expect_links_(cache);
}

void CacheNames::add_lower(size_t cache, ino_t file, const std::string& directory,
                           const std::string& name) {
  const auto [known, added] = lower_by_inode_.try_emplace(file, lower_.size());
  if (added) {
    lower_.push_back({cache, directory, name});
  } else {
    ++lower_[known->second].added;
  }
}

bool CacheNames::add_upper(size_t cache, ino_t file, nlink_t links) {
  UpperFile& known = upper_.try_emplace(file, UpperFile{cache, links}).first->second;
  if (known.cache != cache) return false;
  ++known.names;
  return true;
}

void CacheNames::remove_upper(ino_t file) {
  if (const auto known = upper_.find(file); known != upper_.end()) --known->second.links;
}

Status CacheNames::judge_lower(int root) {
  Visibility visibility(root);
  for (const LowerFile& file : lower_) {
    bool& linked_inside = outcomes_[file.cache].linked_inside;
    if (linked_inside) continue;
    linked_inside = file.added > 1 || TRY(visibility.shows(file.directory, file.name));
  }
  return {};
}

Status CacheNames::judge_upper() {
  for (const auto& [inode, file] : upper_) {
    if (file.names < file.links) TRY(add_outside(file.cache));
    if (file.names > 1) add_inside(file.cache);
  }
  return {};
}

Result<std::vector<store::CacheMountOutcome>> CacheNames::judge(int root) {
  TRY(judge_lower(root));
  TRY(judge_upper());
  return std::move(outcomes_);
}

}  // namespace slipway::ops
