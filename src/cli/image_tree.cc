#include "cli/image_tree.h"

#include <vector>

#include "base/text.h"

namespace slipway::cli {
namespace {

// OCI image-spec layer.md#whiteouts.
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kBookkeeping = ".wh..wh.";  // of AUFS; means nothing

bool is_below(std::string_view path, std::string_view directory) {
  if (directory.empty()) return !path.empty();
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

std::string clean_entry_name(std::string_view name) {
  std::vector<std::string> parts;
  for (std::string& part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(std::move(part));
  }
  return join(parts, "/");
}

Status ImageTree::add_layer(size_t layer, layer::ByteStream stream) {
  layer::TarReader tar(std::move(stream));
  for (;;) {
    std::optional<layer::TarEntry> entry = TRY(tar.next());
    if (!entry) return {};
    TRY(add_entry(layer, *std::move(entry), tar));
  }
}

Status ImageTree::add_entry(size_t layer, layer::TarEntry entry, layer::TarReader& tar) {
  const std::string path = clean_entry_name(entry.name);
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  if (name == kOpaque) {
    remove_below(parent, layer);
    // What is in the directory is named with a slash, the directory itself stays.
    hidden_.insert(parent + "/");
    return {};
  }
  if (name.starts_with(kBookkeeping)) return {};
  if (name.starts_with(kWhiteout)) {
    const std::string removed =
        (parent.empty() ? "" : parent + "/") + name.substr(kWhiteout.size());
    remove_below(removed, layer);
    const auto found = files_.find(removed);
    if (found != files_.end() && found->second.layer < layer) files_.erase(found);
    hidden_.insert(removed);
    return {};
  }
  if (entry.type != layer::EntryType::Directory) {
    remove_below(path, layer);
    hidden_.insert(path + "/");
  }
  if (wanted_ && !wanted_(path)) return {};
  ImageFile file{std::move(entry), {}, layer};
  file.entry.name = path;
  if (file.entry.type == layer::EntryType::HardLink) {
    file.entry.link_name = clean_entry_name(file.entry.link_name);
  }
  if (file.entry.type == layer::EntryType::File) {
    Sha256 hash;
    for (;;) {
      const std::string_view bytes = TRY(tar.data());
      if (bytes.empty()) break;
      hash.update(bytes);
    }
    file.content = hash.finish();
  }
  files_[path] = std::move(file);
  return {};
}

void ImageTree::remove_below(const std::string& path, size_t layer) {
  const std::string start = path.empty() ? "" : path + "/";
  for (auto at = files_.lower_bound(start); at != files_.end() && is_below(at->first, path);) {
    at = at->second.layer < layer ? files_.erase(at) : std::next(at);
  }
}

const ImageFile* ImageTree::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

bool ImageTree::hides(const std::string& path) const {
  if (hidden_.contains(path)) return true;
  for (size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    if (hidden_.contains(path.substr(0, slash)) || hidden_.contains(path.substr(0, slash + 1))) {
      return true;
    }
  }
  return hidden_.contains("/");
}

}  // namespace slipway::cli
