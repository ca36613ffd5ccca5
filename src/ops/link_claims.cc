#include "ops/link_claims.h"

#include <fcntl.h>

#include <algorithm>

#include "base/directory_entries.h"
#include "base/unique_fd.h"

namespace slipway::ops {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

// Every file below the directory that has more names than one.
Status add_linked_files(int directory, std::set<std::pair<dev_t, ino_t>>& files) {
  for (const std::string& name : TRY(directory_entries(directory))) {
    struct stat info;
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat {}", name);
    }
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd below = TRY(open_file_at(directory, name, kDirectoryFlags));
      TRY(add_linked_files(below.get(), files));
    } else if (info.st_nlink > 1) {
      files.emplace(info.st_dev, info.st_ino);
    }
  }
  return {};
}

}  // namespace

Result<const LinkClaims::Source*> LinkClaims::source_of(State& state, store::SnapshotId layer) {
  const auto known = state.sources.find(layer);
  if (known != state.sources.end()) return &known->second;
  if (!state.stack) {
    std::vector<std::pair<store::SnapshotId, store::LinkFamilies>> stack;
    for (const store::SnapshotId below : TRY(store_.snapshotter().ancestry(parent_))) {
      stack.emplace_back(below, TRY(store_.links().families(below)));
    }
    state.stack = std::move(stack);
  }
  Source source;
  source.families = TRY(store_.links().families(layer));
  for (const auto& [below, families] : *state.stack) {
    if (below == layer) source.in_stack = true;
    const bool related = std::ranges::any_of(
        families, [&source](int64_t family) { return source.families.contains(family); });
    if (related) source.relatives.push_back(below);
  }
  return &state.sources.emplace(layer, std::move(source)).first->second;
}

Status LinkClaims::take_files_of(State& state, store::SnapshotId layer) {
  if (!state.walked.insert(layer).second) return {};
  const UniqueFd fd = TRY(open_file(store_.snapshotter().directory(layer), kDirectoryFlags));
  return add_linked_files(fd.get(), state.taken).context("read layer");
}

Result<bool> LinkClaims::claim(store::SnapshotId layer, const struct stat& file) {
  auto state = state_.lock();
  const Source& source = *TRY(source_of(*state, layer));
  // A file with one name lies in its layer and in no other.
  if (file.st_nlink == 1 && source.in_stack) return false;
  if (file.st_nlink > 1) {
    for (const store::SnapshotId relative : source.relatives) TRY(take_files_of(*state, relative));
  }
  if (!state->taken.emplace(file.st_dev, file.st_ino).second) return false;
  state->families.insert(source.families.begin(), source.families.end());
  return true;
}

Status LinkClaims::save(store::SnapshotId snapshot) {
  auto state = state_.lock();
  if (state->families.empty()) return {};
  // What was copied beside the links counts as of the same families: that may cost a link, later.
  return store_.links().add_families(snapshot, state->families);
}

}  // namespace slipway::ops
