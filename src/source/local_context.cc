#include "source/local_context.h"

namespace slipway::source {

Result<std::shared_ptr<const LocalContext>> LocalContext::open(LocalContextOptions options) {
  std::unique_ptr<store::FileDigests> digests;
  if (!options.index_directory.empty()) {
    const Digest name = Digest::sha256_of(options.root.lexically_normal().string());
    digests = store::FileDigests::load(options.index_directory / name.hex());
  }
  FileTreeOptions tree_options;
  tree_options.ignore_patterns = std::move(options.ignore_patterns);
  tree_options.normalize_owner = true;
  tree_options.digests = digests.get();
  tree_options.pool = options.pool;
  Result<std::unique_ptr<FileTree>> tree =
      FileTree::open(options.root, std::move(tree_options)).context("open build context");
  if (!tree) return std::move(tree).error();
  return std::shared_ptr<const LocalContext>(
      new LocalContext(std::move(digests), *std::move(tree)));
}

LocalContext::~LocalContext() {
  (void)save().has_value();
}

Status LocalContext::save() const {
  return digests_ == nullptr ? Status() : digests_->save().context("save stat index");
}

}  // namespace slipway::source
