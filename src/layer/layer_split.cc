#include "layer/layer_split.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/directory_entries.h"
#include "base/unique_fd.h"
#include "layer/overlay_entry.h"

namespace slipway::layer {
namespace {

bool is_packages_directory(std::string_view name) {
  return name == "site-packages" || name == "dist-packages";
}

std::string join(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

// A directory with what lies in it.
struct Node {
  std::string name;
  uint64_t own_bytes = 0;    // of the files directly in it
  uint64_t total_bytes = 0;  // of all files below
  std::vector<std::string> files;
  std::vector<Node> directories;
};

struct Scan {
  Node root;
  bool has_deletions = false;
  // Files that share an inode, within this layer.
  std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> links;
};

class Scanner {
 public:
  Scanner(const SplitOptions& options, std::stop_token stop) : stop_(std::move(stop)) {
    if (options.overlay) overlay_.emplace(options.user_xattrs);
  }

  Status directory(int fd, const std::string& path, Node& node) {
    for (std::string& name : TRY(directory_entries(fd).context("read directory /" + path))) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      const std::string entry_path = join(path, name);
      TRY(entry(fd, entry_path, std::move(name), node));
    }
    node.total_bytes += node.own_bytes;
    return {};
  }

  Scan scan;

 private:
  Status entry(int parent, const std::string& path, std::string name, Node& node) {
    struct stat info;
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat /{}", path);
    }
    if (S_ISDIR(info.st_mode)) return subdirectory(parent, path, std::move(name), node);
    if (overlay_ && TRY(overlay_->is_whiteout(parent, name, info).context("stat /" + path))) {
      scan.has_deletions = true;
      return {};
    }
    bool counts = S_ISREG(info.st_mode);
    if (info.st_nlink > 1) {
      std::vector<std::string>& names = scan.links[{info.st_dev, info.st_ino}];
      counts = counts && names.empty();
      names.push_back(path);
    }
    if (counts) node.own_bytes += static_cast<uint64_t>(info.st_size);
    node.files.push_back(std::move(name));
    return {};
  }

  Status subdirectory(int parent, const std::string& path, std::string name, Node& node) {
    const UniqueFd fd = TRY(open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (overlay_ && TRY(overlay_->is_opaque(fd.get()).context("read attributes of /" + path))) {
      scan.has_deletions = true;
    }
    Node child;
    child.name = std::move(name);
    TRY(directory(fd.get(), path, child));
    node.total_bytes += child.total_bytes;
    node.directories.push_back(std::move(child));
    return {};
  }

  std::optional<OverlayEntries> overlay_;
  std::stop_token stop_;
};

// Chooses the subtrees that become parts.
class Planner {
 public:
  Planner(const SplitOptions& options, uint64_t smallest_part)
      : options_(options), smallest_part_(smallest_part) {}

  void plan(const Node& root) { visit(root, "", false); }

  std::vector<LayerPart> parts;

 private:
  // Returns how many of the node's bytes no part has.
  uint64_t visit(const Node& node, const std::string& path, bool is_package) {
    if (node.total_bytes < smallest_part_) return node.total_bytes;
    const bool packages = is_packages_directory(node.name);
    const uint64_t whole = is_package ? options_.whole_package : options_.whole_directory;
    if (!path.empty() && !packages && node.total_bytes <= whole) {
      add(path, node.total_bytes);
      return 0;
    }
    uint64_t left = node.own_bytes;
    std::vector<const Node*> left_directories;
    for (const Node& child : node.directories) {
      const size_t before = parts.size();
      const uint64_t of_child = visit(child, join(path, child.name), packages);
      left += of_child;
      const bool taken = parts.size() > before && parts.back().root == join(path, child.name);
      if (!taken) left_directories.push_back(&child);
    }
    const bool stays = path.empty() && !options_.spread_everything;
    if (stays || left < smallest_part_) return left;
    add_left(node, path, left, left_directories);
    return 0;
  }

  void add(const std::string& root, uint64_t bytes) {
    LayerPart part;
    part.kind = LayerPart::Kind::Subtree;
    part.root = part.label = root;
    part.bytes = bytes;
    parts.push_back(std::move(part));
  }

  // What is left in a directory of which subtrees are parts. Many small packages are spread over
  // buckets, so that one more package changes one of them; a directory of big files is left whole.
  void add_left(const Node& node, const std::string& path, uint64_t bytes,
                const std::vector<const Node*>& directories) {
    uint64_t buckets = 1;
    if (node.own_bytes * 2 < bytes || options_.spread_everything) {
      buckets = std::min(options_.max_buckets, std::bit_ceil(bytes / options_.bucket_bytes + 1));
    }
    std::set<uint64_t> used;
    for (const std::string& name : node.files) used.insert(bucket_of(name, buckets));
    for (const Node* child : directories) used.insert(bucket_of(child->name, buckets));
    for (const uint64_t bucket : used) {
      add(path, bytes / used.size());
      LayerPart& part = parts.back();
      part.bucket = bucket;
      part.buckets = buckets;
      if (buckets > 1) part.label += fmt::format(" ({} of {})", bucket + 1, buckets);
    }
  }

  const SplitOptions& options_;
  const uint64_t smallest_part_;
};

// Which of `parts` has the entry `path`; the number of parts: the rest.
class PartFinder {
 public:
  explicit PartFinder(const std::vector<LayerPart>& parts) : parts_(parts) {
    for (size_t i = 0; i < parts.size(); ++i) by_root_[parts[i].root].push_back(i);
  }

  size_t find(const std::string& path) const {
    for (std::string_view root = path; !root.empty();) {
      const size_t slash = root.rfind('/');
      root = root.substr(0, slash == std::string_view::npos ? 0 : slash);
      const auto found = by_root_.find(root);
      if (found == by_root_.end()) continue;
      const std::string_view below =
          std::string_view(path).substr(root.empty() ? 0 : root.size() + 1);
      const std::string_view name = below.substr(0, below.find('/'));
      for (const size_t index : found->second) {
        const LayerPart& part = parts_[index];
        if (bucket_of(name, part.buckets) == part.bucket) return index;
      }
    }
    return parts_.size();
  }

 private:
  const std::vector<LayerPart>& parts_;
  std::map<std::string, std::vector<size_t>, std::less<>> by_root_;
};

std::set<std::string> links_between(const Scan& scan, const std::vector<LayerPart>& parts) {
  const PartFinder finder(parts);
  std::set<std::string> apart;
  for (const auto& [inode, names] : scan.links) {
    const size_t first = finder.find(names.front());
    const bool together = std::ranges::all_of(
        names, [&](const std::string& name) { return finder.find(name) == first; });
    if (!together) apart.insert(names.begin(), names.end());
  }
  return apart;
}

void complete(std::vector<LayerPart>& parts, const Scan& scan) {
  const auto apart = std::make_shared<const std::set<std::string>>(links_between(scan, parts));
  std::set<std::string> roots;
  for (const LayerPart& part : parts) roots.insert(part.root);
  for (LayerPart& part : parts) {
    part.linked_apart = apart;
    // Only those below: walks meet no others.
    const std::string below = part.root.empty() ? "" : part.root + "/";
    for (auto root = roots.upper_bound(below); root != roots.end(); ++root) {
      if (!root->starts_with(below)) break;
      part.elsewhere.insert(*root);
    }
  }
  if (scan.has_deletions) {
    LayerPart deletions;
    deletions.kind = LayerPart::Kind::Deletions;
    deletions.label = "deleted files";
    parts.insert(parts.begin(), std::move(deletions));
  }
  LayerPart rest;
  rest.kind = LayerPart::Kind::Rest;
  rest.elsewhere = std::move(roots);
  rest.linked_apart = apart;
  rest.label = "everything else";
  parts.push_back(std::move(rest));
}

}  // namespace

Result<std::vector<LayerPart>> plan_split(const std::filesystem::path& directory,
                                          const SplitOptions& options, std::stop_token stop) {
  const UniqueFd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  Scanner scanner(options, std::move(stop));
  TRY(scanner.directory(root.get(), "", scanner.scan.root)
          .context("plan parts of " + directory.string()));
  std::vector<LayerPart> parts;
  if (scanner.scan.root.total_bytes < options.threshold) return parts;
  // Bigger parts until there are few enough: those that are left are the same as before.
  for (uint64_t smallest = options.smallest_part;; smallest *= 2) {
    Planner planner(options, smallest);
    planner.plan(scanner.scan.root);
    parts = std::move(planner.parts);
    if (parts.size() + 2 <= options.max_parts) break;
  }
  if (!parts.empty()) complete(parts, scanner.scan);
  return parts;
}

}  // namespace slipway::layer
