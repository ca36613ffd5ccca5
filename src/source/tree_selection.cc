#include "source/tree_selection.h"

#include <sys/stat.h>

#include "base/text.h"
#include "source/glob.h"

namespace slipway::source {
namespace {

using Place = TreeNodes::Place;

// Splits "/a/b*/c" into "/a" and {"b*", "c"}.
struct WildcardPath {
  std::string prefix;
  std::vector<std::string> rest;
};

WildcardPath split_wildcards(const std::string& path) {
  WildcardPath result;
  for (std::string& name : split(path, '/')) {
    if (name.empty()) continue;
    if (result.rest.empty() && !has_wildcards(name)) {
      result.prefix += "/" + name;
    } else {
      result.rest.push_back(std::move(name));
    }
  }
  return result;
}

Status expand(TreeNodes& nodes, const SelectedNode& from, const std::vector<std::string>& patterns,
              size_t depth, std::vector<SelectedNode>& found) {
  Directory* const directory = from.place.node->directory;
  if (directory == nullptr) return {};
  TRY(nodes.scan(*directory));
  for (Node& node : directory->nodes) {
    const std::string_view name = directory->name(node);
    if (!TRY(glob_match(patterns[depth], name))) continue;
    const bool last = depth + 1 == patterns.size();
    if (last && node.left_out && !TRY(nodes.holds_anything(*node.directory))) continue;
    SelectedNode next{from.path + "/" + std::string(name), {directory, &node}, true};
    if (last) {
      found.push_back(std::move(next));
    } else {
      TRY(expand(nodes, next, patterns, depth + 1, found));
    }
  }
  return {};
}

// One match with everything below it, filtered by the patterns.
class SubtreeSelection {
 public:
  SubtreeSelection(TreeNodes& nodes, const Selection& selection, const PatternMatcher* include,
                   const PatternMatcher* exclude, std::vector<SelectedNode>& selected)
      : nodes_(nodes),
        skip_top_header_(selection.path.ends_with('/')),
        include_(include),
        exclude_(exclude),
        selected_(selected) {}

  Status add(const SelectedNode& match) { return visit(match, ""); }

 private:
  struct Header {
    SelectedNode node;
    bool listed;
    PatternMatcher::ParentMatches include;
    PatternMatcher::ParentMatches exclude;
  };

  // `relative`: the path below the match, which the patterns are about.
  Status visit(SelectedNode node, const std::string& relative) {
    node.topmost = headers_.empty();
    Header header{node, false, {}, {}};
    bool excluded = false;
    const bool included = let_through(relative, header, excluded) && !node.place.node->left_out;
    Directory* const directory = node.place.node->directory;
    const bool top = relative.empty();
    if (included && !(directory != nullptr && top && skip_top_header_)) {
      list_headers();
      selected_.push_back(node);
      header.listed = true;
    }
    // What is below an excluded directory is excluded, unless a "!pattern" can take it back.
    if (directory == nullptr || (excluded && !exclude_->has_exclusions())) return {};
    const bool counts = !(top && skip_top_header_);
    if (counts) headers_.push_back(std::move(header));
    TRY(nodes_.scan(*directory));
    for (Node& child : directory->nodes) {
      const std::string name(directory->name(child));
      if (child.directory == nullptr && include_ == nullptr && exclude_ == nullptr) {
        // The short way for most of all entries.
        list_headers();
        selected_.push_back({node.path + "/" + name, {directory, &child}, headers_.empty()});
        continue;
      }
      TRY(visit({node.path + "/" + name, {directory, &child}, false},
                top ? name : relative + "/" + name));
    }
    if (counts) headers_.pop_back();
    return {};
  }

  bool let_through(const std::string& relative, Header& header, bool& excluded) {
    const Header* const parent = headers_.empty() ? nullptr : &headers_.back();
    if (include_ != nullptr) {
      PatternMatcher::Answer answer = include_->matches_below(
          relative, parent == nullptr ? PatternMatcher::ParentMatches() : parent->include);
      header.include = std::move(answer.here);
      if (!answer.matches) return false;
    }
    if (exclude_ != nullptr) {
      PatternMatcher::Answer answer = exclude_->matches_below(
          relative, parent == nullptr ? PatternMatcher::ParentMatches() : parent->exclude);
      header.exclude = std::move(answer.here);
      excluded = answer.matches;
      if (excluded) return false;
    }
    return true;
  }

  void list_headers() {
    for (Header& header : headers_) {
      if (header.listed) continue;
      selected_.push_back(header.node);
      header.listed = true;
    }
  }

  TreeNodes& nodes_;
  const bool skip_top_header_;
  const PatternMatcher* const include_;
  const PatternMatcher* const exclude_;
  std::vector<SelectedNode>& selected_;
  std::vector<Header> headers_;
};

Result<std::optional<PatternMatcher>> matcher_of(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return std::optional<PatternMatcher>();
  return std::optional<PatternMatcher>(TRY(PatternMatcher::create(patterns)));
}

Status check_required(const Selection& selection, const SelectedNodes& selected) {
  for (const std::string& required : selection.required_paths) {
    bool found = false;
    for (const SelectedNode& node : selected.nodes) {
      if (node.path.starts_with(required)) found = true;
    }
    if (!found) return make_error(ErrorCode::NotFound, "\"{}\": not found", required);
  }
  return {};
}

}  // namespace

std::string key_path(std::string_view path) {
  std::string clean = clean_path("/" + std::string(path));
  return clean == "/" ? "" : clean;
}

Result<SelectedNodes> match_path(TreeNodes& nodes, const Selection& selection) {
  SelectedNodes selected;
  WildcardPath path;
  path.prefix = key_path(selection.path);
  if (selection.wildcard) path = split_wildcards(path.prefix);
  selected.prefix = path.prefix;
  const std::optional<Place> start = TRY(nodes.resolve(path.prefix, !path.rest.empty()));
  if (!start) return selected;
  const SelectedNode top{path.prefix, *start, true};
  if (path.rest.empty()) {
    selected.nodes.push_back(top);
  } else {
    TRY(expand(nodes, top, path.rest, 0, selected.nodes));
  }
  return selected;
}

Result<SelectedNodes> select_nodes(TreeNodes& nodes, const Selection& selection,
                                   std::stop_token stop) {
  const std::optional<PatternMatcher> include = TRY(matcher_of(selection.include_patterns));
  const std::optional<PatternMatcher> exclude = TRY(matcher_of(selection.exclude_patterns));
  SelectedNodes matches = TRY(match_path(nodes, selection));
  SelectedNodes selected;
  selected.prefix = std::move(matches.prefix);
  SubtreeSelection subtree(nodes, selection, include ? &*include : nullptr,
                           exclude ? &*exclude : nullptr, selected.nodes);
  for (const SelectedNode& match : matches.nodes) {
    // With exclusions, directories are read one by one, so that excluded ones are not read.
    if (match.place.node->directory != nullptr && !exclude) {
      TRY(nodes.scan_tree(*match.place.node->directory, stop));
    }
    TRY(subtree.add(match));
  }
  TRY(check_required(selection, selected));
  return selected;
}

}  // namespace slipway::source
