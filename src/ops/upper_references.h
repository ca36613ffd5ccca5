// What entries of an upper directory refer to, where overlayfs made metadata-only copies and moved
// directories without their content.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "ops/lower_view.h"

namespace slipway::ops {

inline constexpr char kMetacopy[] = "trusted.overlay.metacopy";
inline constexpr char kRedirect[] = "trusted.overlay.redirect";

// The attributes of overlayfs that an entry has.
struct OverlayMarks {
  std::vector<std::string> all;

  static Result<OverlayMarks> of(int fd);
  bool has(const char* key) const;
};

// The lower file whose content a file in upper shows. (No directory is kept open for it: there are
// many.)
struct FileReference {
  std::string directory;  // path in the merged view, "" for the root
  std::string name;
  std::optional<size_t> cache;
  struct stat info{};
  bool may_link = false;  // asked and granted
};

class UpperReferences {
 public:
  explicit UpperReferences(const LowerView& lower) : lower_(lower) {}

  // Of the open metadata-only copy `name` in a directory that is merged with `below`.
  Result<FileReference> file(int fd, const OverlayMarks& marks, const LowerView::Place& below,
                             const std::string& name);
  // Where the content of the open moved directory is.
  Result<LowerView::Place> directory(int fd, const LowerView::Place& parent_below) const;
  // The directory that has the file.
  Result<LowerView::Place> place_of(const FileReference& reference);

 private:
  const LowerView& lower_;
  // One is remembered: the files of one directory refer to those of another, mostly.
  std::optional<LowerView::Place> last_place_;
};

}  // namespace slipway::ops
