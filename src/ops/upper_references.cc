#include "ops/upper_references.h"

#include <algorithm>

#include "layer/xattr.h"
#include "ops/entry_metadata.h"

namespace slipway::ops {

using Place = LowerView::Place;

Result<OverlayMarks> OverlayMarks::of(int fd) {
  OverlayMarks marks{TRY(layer::list_xattrs(fd))};
  std::erase_if(marks.all, [](const std::string& key) { return !is_overlay_xattr(key); });
  return marks;
}

bool OverlayMarks::has(const char* key) const {
  return std::ranges::find(all, key) != all.end();
}

// A redirect is a name in the same directory below, or a path from the root of the lower layers.
Result<FileReference> UpperReferences::file(int fd, const OverlayMarks& marks, const Place& below,
                                            const std::string& name) {
  FileReference reference{below.path, name, below.cache};
  Place directory = below;
  if (marks.has(kRedirect)) {
    reference.name = TRY(layer::get_xattr(fd, kRedirect));
    if (reference.name.starts_with('/')) {
      const PathParts parts = split_last(reference.name);
      reference.directory = parts.parent == "/" ? "" : parts.parent;
      reference.name = parts.name;
      directory = TRY(place_of(reference));
    }
  }
  reference.cache = directory.cache;
  const std::optional<MergedDir::Entry> entry =
      directory.dir ? TRY(directory.dir->find(reference.name)) : std::optional<MergedDir::Entry>();
  if (!entry || !S_ISREG(entry->info.st_mode)) {
    return make_error(ErrorCode::Internal, "it refers to {}/{}, which is no file",
                      reference.directory, reference.name);
  }
  reference.info = entry->info;
  last_place_ = std::move(directory);
  return reference;
}

Result<Place> UpperReferences::directory(int fd, const Place& parent_below) const {
  const std::string redirect = TRY(layer::get_xattr(fd, kRedirect));
  return redirect.starts_with('/') ? lower_.at(redirect) : lower_.child(parent_below, redirect);
}

Result<Place> UpperReferences::place_of(const FileReference& reference) {
  if (!last_place_ || last_place_->path != reference.directory) {
    last_place_ = TRY(lower_.at(reference.directory));
  }
  return *last_place_;
}

}  // namespace slipway::ops
