#include "source/snapshot_tree.h"

#include <sys/stat.h>

namespace slipway::source {
namespace {

// Names a selection unambiguously: every list and string is preceded by its size.
std::string text_of(const Selection& selection) {
  std::string text =
      fmt::format("{}{} {}:{}", selection.wildcard ? 'w' : '-', selection.follow_links ? 'f' : '-',
                  selection.path.size(), selection.path);
  for (const auto* list :
       {&selection.include_patterns, &selection.exclude_patterns, &selection.required_paths}) {
    text += fmt::format(" {}", list->size());
    for (const std::string& item : *list) text += fmt::format(" {}:{}", item.size(), item);
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<SnapshotTree>> SnapshotTree::open(store::Store& store, store::SnapshotId id,
                                                         ThreadPool* pool) {
  const std::filesystem::path path = TRY(store.scratch_path("tree-"));
  TempDir mount_point = TRY(TempDir::create(path.parent_path(), "tree-"));
  const store::OverlayLayers layers = TRY(store.snapshotter().view(id));
  Mount mount = TRY(store.snapshotter().mount(layers, mount_point.path()));
  FileTreeOptions options;
  options.pool = pool;
  std::unique_ptr<FileTree> tree = TRY(FileTree::open(mount_point.path(), std::move(options)));
  return std::unique_ptr<SnapshotTree>(
      new SnapshotTree(std::move(mount_point), std::move(mount), std::move(tree)));
}

Result<Digest> snapshot_digest(store::Store& store, store::SnapshotId id,
                               const Selection& selection, ThreadPool* pool, std::stop_token stop) {
  const std::string text = text_of(selection);
  const std::optional<Digest> known = TRY(store.layers().find_content_digest(id, text));
  if (known) return *known;
  const std::unique_ptr<SnapshotTree> tree = TRY(SnapshotTree::open(store, id, pool));
  const Digest digest = TRY(tree->tree().digest(selection, std::move(stop)));
  TRY(store.layers().add_content_digest(id, text, digest));
  return digest;
}

}  // namespace slipway::source
