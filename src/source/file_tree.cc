#include "source/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "source/tree_digest.h"
#include "source/tree_nodes.h"
#include "source/tree_selection.h"

namespace slipway::source {

class FileTree::State {
 public:
  State(RootDir root, Node root_node, PatternMatcher ignore, const FileTreeOptions& options)
      : nodes(std::move(root), root_node, std::move(ignore), options.normalize_owner, options.pool),
        hasher(nodes, options.normalize_owner, options.digests, options.pool) {}

  // A digest is of what the file holds only if no later change can have left the same times.
  bool is_settled(const Node& node) const {
    return std::max(node.attributes.mtime, node.attributes.ctime) + store::kRacyNanoseconds <=
           opened_at;
  }

  TreeNodes nodes;
  TreeHasher hasher;
  const int64_t opened_at = now_nanoseconds();  // nothing was read before
};

FileTree::FileTree(std::filesystem::path root, std::unique_ptr<State> state)
    : root_(std::move(root)), root_fd_(state->nodes.root_dir().fd()), state_(std::move(state)) {}

FileTree::~FileTree() = default;

Result<std::unique_ptr<FileTree>> FileTree::open(const std::filesystem::path& root,
                                                 FileTreeOptions options) {
  RootDir directory = TRY(RootDir::open(root));
  struct stat info;
  if (::fstat(directory.fd(), &info) != 0) return errno_error("stat {}", root.string());
  Node node;
  node.attributes = attributes_of(info, options.normalize_owner);
  PatternMatcher ignore = TRY(PatternMatcher::create(options.ignore_patterns));
  auto state = std::make_unique<State>(std::move(directory), node, std::move(ignore), options);
  return std::unique_ptr<FileTree>(new FileTree(root, std::move(state)));
}

Result<Digest> FileTree::digest(const Selection& selection, std::stop_token stop) {
  auto locked = state_.lock();
  State& state = **locked;
  if (!selection.wildcard && selection.include_patterns.empty() &&
      selection.exclude_patterns.empty()) {
    const std::optional<TreeNodes::Place> place =
        TRY(state.nodes.resolve(key_path(selection.path), selection.follow_links));
    if (!place) return make_error(ErrorCode::NotFound, "\"{}\": not found", selection.path);
    return state.hasher.tree_digest(*place, stop);
  }

  const SelectedNodes selected = TRY(select_nodes(state.nodes, selection, stop));
  std::vector<TreeNodes::Place> places;
  places.reserve(selected.nodes.size());
  for (const SelectedNode& node : selected.nodes) places.push_back(node.place);
  TRY(state.hasher.hash(places, stop));

  const auto digest_of = [&](const SelectedNode& node) -> Result<std::string> {
    if (selection.follow_links && node.topmost && S_ISLNK(node.place.node->attributes.mode)) {
      const std::optional<TreeNodes::Place> target = TRY(state.nodes.resolve(node.path, true));
      // A dangling link stands for itself.
      if (target) return TRY(state.hasher.tree_digest(*target, stop)).str();
    }
    return digest_text(node.place.node->digest);
  };
  if (selected.nodes.empty()) return Digest::sha256_of("");
  const auto last_name = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
  if (selected.nodes.size() == 1 &&
      last_name(key_path(selection.path)) == last_name(selected.nodes.front().path)) {
    return Digest::parse(TRY(digest_of(selected.nodes.front())));
  }
  Sha256 hash;
  for (const SelectedNode& node : selected.nodes) {
    std::string key = node.path.substr(selected.prefix.size());
    std::ranges::replace(key, '/', '\0');
    if (key.empty()) key = std::string(1, '\0');
    hash.update(key);
    hash.update(TRY(digest_of(node)));
  }
  return hash.finish();
}

Result<std::vector<FileEntry>> FileTree::list(const Selection& selection, std::stop_token stop) {
  auto locked = state_.lock();
  SelectedNodes selected = TRY(select_nodes((*locked)->nodes, selection, std::move(stop)));
  std::vector<FileEntry> entries;
  entries.reserve(selected.nodes.size());
  for (SelectedNode& node : selected.nodes) {
    entries.push_back({std::move(node.path), &node.place.node->attributes, node.place.real_path()});
  }
  return entries;
}

Result<std::vector<FileEntry>> FileTree::matches(const Selection& selection) {
  auto locked = state_.lock();
  SelectedNodes matched = TRY(match_path((*locked)->nodes, selection));
  std::vector<FileEntry> entries;
  for (SelectedNode& node : matched.nodes) {
    entries.push_back({std::move(node.path), &node.place.node->attributes, node.place.real_path()});
  }
  return entries;
}

Result<std::vector<NamedEntry>> FileTree::directory(std::string_view real_path) {
  auto locked = state_.lock();
  State& state = **locked;
  const std::optional<TreeNodes::Place> place = TRY(state.nodes.resolve(real_path, false));
  if (!place || place->node->directory == nullptr) {
    return make_error(ErrorCode::NotFound, "\"{}\": no such directory", real_path);
  }
  Directory& directory = *place->node->directory;
  TRY(state.nodes.scan(directory));
  std::vector<NamedEntry> entries;
  entries.reserve(directory.nodes.size());
  for (const Node& node : directory.nodes) {
    if (node.left_out && !TRY(state.nodes.holds_anything(*node.directory))) continue;
    NamedEntry& entry = entries.emplace_back();
    entry.name = directory.name(node);
    entry.attributes = node.attributes;
    if (S_ISREG(node.attributes.mode) && node.hashed && state.is_settled(node)) {
      entry.digest = node.digest;
    }
  }
  return entries;
}

Result<std::optional<FileAttributes>> FileTree::find(std::string_view path, bool follow) {
  auto locked = state_.lock();
  const std::optional<TreeNodes::Place> place = TRY((*locked)->nodes.resolve(path, follow));
  if (!place) return std::optional<FileAttributes>();
  return std::optional<FileAttributes>(place->node->attributes);
}

bool FileTree::is_ignored(std::string_view path) {
  auto locked = state_.lock();
  const std::string clean = key_path(path);
  return !clean.empty() && (*locked)->nodes.ignore().matches(clean.substr(1));
}

}  // namespace slipway::source
