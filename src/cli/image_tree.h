// ImageTree: what the layers of an image make of the files below them: which there are, which layer
// put each there, what it is. Nothing is unpacked.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "layer/tar_reader.h"
#include "oci/digest.h"

namespace slipway::cli {

struct ImageFile {
  layer::TarEntry entry;  // its name without "./" and slashes at the ends
  Digest content;         // of a regular file
  size_t layer = 0;       // counted from the bottom of the image
};

class ImageTree {
 public:
  // Which paths are kept (and their content hashed). Null: all.
  using Filter = std::function<bool(const std::string& path)>;
  explicit ImageTree(Filter wanted = {}) : wanted_(std::move(wanted)) {}

  // The next layer, as an uncompressed tar stream. Hostile input.
  Status add_layer(size_t layer, layer::ByteStream tar);

  const std::map<std::string, ImageFile>& files() const { return files_; }
  // nullptr: these layers have nothing there.
  const ImageFile* find(const std::string& path) const;
  // Whether what is below these layers does not show at `path`.
  bool hides(const std::string& path) const;
  // Directories and files that hide what is below, with everything under them.
  const std::set<std::string>& hidden() const { return hidden_; }

 private:
  Status add_entry(size_t layer, layer::TarEntry entry, layer::TarReader& tar);
  void remove_below(const std::string& path, size_t layer);

  const Filter wanted_;
  std::map<std::string, ImageFile> files_;
  // Removed by a whiteout, or replaced by what is no directory: "path" and all below.
  std::set<std::string> hidden_;
};

// "./a//b/" -> "a/b"; "" is the root.
std::string clean_entry_name(std::string_view name);

}  // namespace slipway::cli
