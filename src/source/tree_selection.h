// Which nodes of a tree a Selection stands for.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "source/tree_nodes.h"

namespace slipway::source {

struct SelectedNode {
  std::string path;  // as selected, symlinks of the selection's path not resolved
  TreeNodes::Place place;
  // Nothing of it stands above it in the selection, so follow_links applies to it.
  bool topmost = false;
};

struct SelectedNodes {
  std::string prefix;  // of all paths: the part of the selection's path without wildcards
  std::vector<SelectedNode> nodes;
};

// The path in the form of keys: cleaned, "" for the root, else "/a/b".
std::string key_path(std::string_view path);

// What the selection's path stands for: one node, or all that its wildcards match.
Result<SelectedNodes> match_path(TreeNodes& nodes, const Selection& selection);

// Those and everything below them that the patterns let through. A directory whose own attributes
// are not selected, but something in it is, is listed too.
Result<SelectedNodes> select_nodes(TreeNodes& nodes, const Selection& selection,
                                   std::stop_token stop);

}  // namespace slipway::source
