#include "ops/file_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/pattern_matcher.h"
#include "ops/exact_copy.h"
#include "ops/file_entry.h"
#include "ops/file_unpack.h"
#include "ops/job_group.h"

namespace slipway::ops {
namespace {

constexpr unsigned kDefaultDirectoryMode = 0755;

// "a//b/../c/" -> "/a/c/": clean, from the root, with the trailing "/" or "/." that Docker's rules
// look at.
std::string clean_copy_path(const std::string& path) {
  std::string clean = clean_path("/" + path);
  if (path.ends_with("/.")) return clean == "/" ? "/." : clean + "/.";
  if (path.ends_with('/') && clean != "/") clean += '/';
  return clean;
}

Result<std::optional<PatternMatcher>> matcher_of(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return std::optional<PatternMatcher>();
  return std::optional<PatternMatcher>(TRY(PatternMatcher::create(patterns)));
}

// Files of a directory tree that are copied by one job: enough to be worth handing over, few enough
// directories that descriptors stay few.
class Batch {
 public:
  void add(EntryCopy copy) {
    bytes_ += static_cast<uint64_t>(copy.entry.info.st_size);
    if (copies_.empty() || copies_.back().source != copy.source) ++directories_;
    copies_.push_back(std::move(copy));
  }
  bool is_full() const { return copies_.size() >= 64 || bytes_ >= (4 << 20) || directories_ >= 8; }
  std::vector<EntryCopy> take() {
    bytes_ = directories_ = 0;
    return std::exchange(copies_, {});
  }
  bool empty() const { return copies_.empty(); }

 private:
  std::vector<EntryCopy> copies_;
  uint64_t bytes_ = 0;
  size_t directories_ = 0;
};

class Copier {
 public:
  struct Settings {
    Overrides overrides;
    unsigned new_directory_mode = kDefaultDirectoryMode;
    std::optional<PatternMatcher> include;
    std::optional<PatternMatcher> exclude;
  };

  Copier(const graph::FileCopy& action, Settings settings, const Tree& source, FileTarget& target,
         ThreadPool& pool, LinkSources links, std::stop_token stop)
      : action_(action),
        settings_(std::move(settings)),
        source_(source),
        target_(target),
        link_sources_(links),
        stop_(std::move(stop)),
        jobs_(pool) {}

  // Copies one source path (of several, when it came from a wildcard).
  Status copy(const std::string& path, const std::string& destination) {
    TRY(make_new_directories(TRY(target_.tree().resolve(parent_to_make(destination), true))));
    std::string place = TRY(target_.tree().resolve(destination, true));
    const std::string real = TRY(source_.resolve(path, action_.follow_symlink));
    const std::optional<struct stat> info = TRY(source_.stat(real));
    if (!info) return Error::from_errno(ENOENT, "copy " + path);
    const bool is_directory = S_ISDIR(info->st_mode);

    const std::optional<struct stat> existing = TRY(target_.tree().stat(place));
    const bool into = is_directory ? !action_.dir_copy_contents && existing
                                   : existing && S_ISDIR(existing->st_mode);
    const std::string base = split_last(clean_path(path)).name;
    if (into && !base.empty() && base != ".") place = join_path(place, base);
    const bool makes_itself = is_directory && action_.dir_copy_contents && !existing;
    TRY(make_new_directories(makes_itself ? place : split_last(place).parent));

    if (is_directory) return copy_top_directory(real, *info, place);
    return copy_top_file(real, place);
  }

  // Waits for all copies and makes the hard links between them.
  Status finish() {
    TRY(flush());
    TRY(jobs_.wait());
    names_in_flight_.clear();
    for (const auto& [first, second] : links_) TRY(make_link(first, second));
    links_.clear();
    first_links_.clear();
    return {};
  }

 private:
  // A directory of the source that is being walked, and its counterpart.
  struct Level {
    Level* parent = nullptr;
    std::shared_ptr<const MergedDir> source;
    struct stat info;        // of the source
    std::string name;        // in the parent's target
    FileTarget::Dir target;  // nullptr: not needed so far
    bool fresh = false;      // the target has no entries but those this walk makes
  };

  static std::string parent_to_make(const std::string& destination) {
    const PathParts parts = split_last(destination);
    return parts.name.empty() || parts.name == "." ? destination : parts.parent;
  }

  Status make_new_directories(const std::string& resolved) {
    TRY(target_.make_directories(resolved, settings_.new_directory_mode, settings_.overrides.owner,
                                 settings_.overrides.time));
    return {};
  }

  timespec time_of(const struct stat& info) const {
    return settings_.overrides.time.value_or(info.st_mtim);
  }

  Status copy_top_file(const std::string& real, const std::string& place) {
    const PathParts from = split_last(real);
    const PathParts to = split_last(place);
    // Two files of the same name (COPY a/x b/x /dir/): the later one wins, so it has to wait.
    if (!names_in_flight_.insert(place).second) TRY(finish());
    const std::shared_ptr<const MergedDir> source = TRY(source_.directory(from.parent));
    const FileTarget::Dir target = TRY(target_.writable(to.parent));
    const std::optional<MergedDir::Entry> entry = TRY(source->find(from.name));
    if (!entry) return Error::from_errno(ENOENT, "copy " + real);
    if (to.name.empty()) return not_over_directory(place);
    TRY(copy_file(source, from.name, *entry, target, to.name, false));
    return {};
  }

  Status copy_top_directory(const std::string& real, const struct stat& info,
                            const std::string& place) {
    TRY(finish());
    Level top;
    top.source = TRY(source_.directory(real));
    top.info = info;
    const PathParts to = split_last(place);
    if (to.name.empty()) {
      top.target = target_.tree().root();
      target_.set_time("", time_of(info));
    } else {
      Level above;
      above.target = TRY(target_.writable(to.parent));
      top.parent = &above;
      top.name = to.name;
      if (TRY(find_directory(top))) {
        top.target = TRY(target_.writable_child(*above.target, to.name));
        target_.set_time(top.target->path(), time_of(info));
      } else {
        TRY(create(top));
      }
      top.parent = nullptr;
    }
    TRY(walk(top, "", {}, {}));
    return finish();
  }

  // Whether the level's directory is there already; something else in its place is an error, or
  // goes.
  Result<bool> find_directory(const Level& level) {
    if (level.parent->fresh) return false;
    const MergedDir& parent = *level.parent->target;
    const std::optional<MergedDir::Entry> entry = TRY(parent.find(level.name));
    if (!entry) return false;
    if (S_ISDIR(entry->info.st_mode)) return true;
    if (!action_.always_replace_existing_dest_paths) {
      return make_error(ErrorCode::InvalidInput, "cannot copy to non-directory: {}",
                        join_path("/" + parent.path(), level.name));
    }
    TRY(target_.remove(parent, level.name));
    return false;
  }

  Status create(Level& level) {
    level.target = TRY(target_.make_directory(*level.parent->target, level.name, 0755, {}));
    level.fresh = !level.target->has_lower();
    TRY(copy_directory_attributes(*level.source, level.info, level.target->descriptor(),
                                  settings_.overrides));
    target_.set_time(level.target->path(), time_of(level.info));
    return {};
  }

  // Makes sure that the level has a target. `selected`: the patterns chose the directory itself, so
  // one that is there takes its attributes; else it is only on the way to what they chose.
  Status need_target(Level& level, bool selected) {
    if (level.target) return {};
    TRY(need_target(*level.parent, false));
    if (!TRY(find_directory(level))) return create(level);
    level.target = TRY(target_.writable_child(*level.parent->target, level.name));
    if (!selected) {
      if (::fchmod(level.target->descriptor(), level.info.st_mode & 07777) != 0) {
        return errno_error("change mode of /{}", level.target->path());
      }
      return {};
    }
    TRY(copy_directory_attributes(*level.source, level.info, level.target->descriptor(),
                                  settings_.overrides));
    target_.set_time(level.target->path(), time_of(level.info));
    return {};
  }

  using Matches = PatternMatcher::ParentMatches;

  // `path` is relative to the copied directory, "" for itself.
  Status walk(Level& level, const std::string& path, const Matches& includes,
              const Matches& excludes) {
    for (const std::string& name : TRY(level.source->names())) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      TRY(visit(level, name, path.empty() ? name : path + "/" + name, includes, excludes));
    }
    return {};
  }

  Status visit(Level& level, const std::string& name, const std::string& path,
               const Matches& includes, const Matches& excludes) {
    PatternMatcher::Answer included{true, {}};
    PatternMatcher::Answer excluded{false, {}};
    if (settings_.include) included = settings_.include->matches_below(path, includes);
    if (settings_.exclude) excluded = settings_.exclude->matches_below(path, excludes);
    const bool selected = included.matches && !excluded.matches;
    const bool nothing_below =
        excluded.matches && !(settings_.exclude && settings_.exclude->has_exclusions());
    if (nothing_below) return {};

    const std::optional<MergedDir::Entry> entry = TRY(level.source->find(name));
    if (!entry) return {};  // the context leaves it out
    if (!S_ISDIR(entry->info.st_mode)) {
      if (!selected) return {};
      TRY(need_target(level, false));
      return copy_file(level.source, name, *entry, level.target, name, level.fresh);
    }
    Level below;
    below.parent = &level;
    below.source = TRY(level.source->child(name));
    below.info = entry->info;
    below.name = name;
    if (selected) TRY(need_target(below, true));
    return walk(below, path, included.here, excluded.here);
  }

  Error not_over_directory(const std::string& place) {
    return make_error(ErrorCode::InvalidInput, "cannot replace to directory {} with file", place);
  }

  Status copy_file(const std::shared_ptr<const MergedDir>& source, const std::string& source_name,
                   const MergedDir::Entry& entry, const FileTarget::Dir& target,
                   const std::string& target_name, bool fresh) {
    const std::string place = join_path("/" + target->path(), target_name);
    target_.touched(*target);
    if (!fresh) {
      const std::optional<MergedDir::Entry> existing = TRY(target->find(target_name));
      if (existing && S_ISDIR(existing->info.st_mode)) {
        if (!action_.always_replace_existing_dest_paths) return not_over_directory(place);
        TRY(target_.remove(*target, target_name));
      }
    }
    if (S_ISREG(entry.info.st_mode) && entry.info.st_nlink > 1) {
      const auto [first, inserted] =
          first_links_.try_emplace({entry.info.st_dev, entry.info.st_ino}, place);
      if (!inserted) {
        links_.emplace_back(first->second, place);
        return {};
      }
    }
    batch_.add(
        EntryCopy{source, source_name, entry, target, target_name, earlier_counterpart(target)});
    return batch_.is_full() ? flush() : Status();
  }

  CopyLinks::Directory earlier_counterpart(const FileTarget::Dir& target) {
    if (link_sources_.earlier == nullptr || target == counterpart_of_) return counterpart_;
    counterpart_of_ = target;
    counterpart_ = link_sources_.earlier->directory(target->path());
    return counterpart_;
  }

  Status flush() {
    if (batch_.empty()) return {};
    jobs_.add([this, copies = batch_.take()]() -> Status {
      for (const EntryCopy& copy : copies) {
        if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
        TRY(copy_entry(copy, settings_.overrides, link_sources_));
      }
      return {};
    });
    return {};
  }

  Status make_link(const std::string& first, const std::string& second) {
    const std::string what = fmt::format("link {} to {}", second, first);
    const RootDir::Parent from = TRY(target_.upper().open_parent(first).context(what));
    const RootDir::Parent to = TRY(target_.upper().open_parent(second).context(what));
    const auto link = [&]() -> Status {
      if (::linkat(from.directory.get(), from.name.c_str(), to.directory.get(), to.name.c_str(),
                   0) == 0) {
        return {};
      }
      if (errno != EMLINK) return errno_error("{}", what);
      const UniqueFd file =
          TRY(open_file_at(from.directory.get(), from.name, O_RDONLY | O_NOFOLLOW));
      return copy_open_file(file.get(), to.directory.get(), to.name).context(what);
    };
    Status made = link();
    if (made || made.error().errno_value() != EEXIST) return made;
    TRY(remove_entry(to.directory.get(), to.name));
    return link();
  }

  const graph::FileCopy& action_;
  const Settings settings_;
  const Tree& source_;
  FileTarget& target_;
  const LinkSources link_sources_;
  FileTarget::Dir counterpart_of_;  // counterpart_ is what the earlier copy made of it
  CopyLinks::Directory counterpart_;
  const std::stop_token stop_;
  Batch batch_;
  std::set<std::string> names_in_flight_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_links_;  // targets of sources with links
  std::vector<std::pair<std::string, std::string>> links_;
  JobGroup jobs_;  // last: its jobs use the rest
};

Result<Copier::Settings> settings_of(const graph::FileCopy& action,
                                     const std::optional<Owner>& owner) {
  Copier::Settings settings;
  settings.overrides.owner = owner;
  settings.overrides.time = to_time(action.timestamp);
  if (!action.mode_str.empty()) {
    settings.overrides.mode = TRY(ModeChange::parse(action.mode_str));
  } else if (action.mode != -1) {
    settings.overrides.mode = TRY(ModeChange::parse(fmt::format("{:o}", action.mode & 07777)));
    settings.new_directory_mode = static_cast<unsigned>(action.mode) & 0777;
  }
  settings.include = TRY(matcher_of(action.include_patterns));
  settings.exclude = TRY(matcher_of(action.exclude_patterns));
  return settings;
}

}  // namespace

std::optional<timespec> to_time(int64_t nanoseconds) {
  if (nanoseconds == -1) return std::nullopt;
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t rest = (nanoseconds % kSecond + kSecond) % kSecond;
  return timespec{(nanoseconds - rest) / kSecond, rest};
}

Status copy_files(const graph::FileCopy& action, const std::optional<Owner>& owner,
                  const Tree& source, FileTarget& target, ThreadPool& pool, LinkSources links,
                  std::stop_token stop) {
  const std::string from = clean_copy_path(action.src);
  const std::string to = clean_copy_path(action.dest);
  if (!action.create_dest_path) {
    const std::string place = TRY(target.tree().resolve(action.dest, true));
    if (!TRY(target.tree().stat(split_last(place).parent))) {
      return Error::from_errno(ENOENT, "failed to stat " + action.dest);
    }
  }
  std::vector<std::string> matches = {from};
  if (action.allow_wildcard) {
    matches = TRY(match_wildcards(source, from, action.follow_symlink));
    if (matches.empty() && !action.allow_empty_wildcard) {
      return make_error(ErrorCode::NotFound, "{} not found", from);
    }
  }
  Copier copier(action, TRY(settings_of(action, owner)), source, target, pool, links, stop);
  for (const std::string& match : matches) {
    if (action.attempt_unpack) {
      TRY(copier.finish());
      if (TRY(unpack_archive(source, match, target, to, owner, to_time(action.timestamp), stop))) {
        continue;
      }
    }
    TRY(copier.copy(match, to));
  }
  return copier.finish();
}

}  // namespace slipway::ops
