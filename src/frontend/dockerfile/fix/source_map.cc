#include "frontend/dockerfile/fix/source_map.h"

#include <algorithm>

#include "base/pattern_matcher.h"
#include "base/text.h"

namespace slipway::dockerfile {
namespace {

constexpr size_t kMaxManifestBytes = 16 << 20;

bool is_plain(std::string_view path) {
  return path.find_first_of("$*?[]\\\"' \t") == std::string_view::npos;
}

std::string below(const std::string& folder, const std::string& rest) {
  const std::string joined = folder == "." && !rest.empty() ? rest : folder + "/" + rest;
  if (rest.empty()) return folder.ends_with('/') ? folder : folder + "/";
  return joined.starts_with("//") ? joined.substr(1) : joined;
}

}  // namespace

SourceMap::SourceMap(const std::vector<ContextCopy>& copies, ContextFiles& files) : files_(files) {
  for (const ContextCopy& copy : copies) rules_.push_back(rule_of(copy, files));
}

SourceMap::Rule SourceMap::rule_of(const ContextCopy& at, ContextFiles& files) {
  const CopyInstruction& copy = *at.copy;
  Rule rule;
  rule.destination = is_plain(copy.paths.dest) ? resolve_path(at.workdir, copy.paths.dest) : "";
  rule.unknown = rule.destination.empty() || copy.parents || !copy.excludes.empty() ||
                 !copy.paths.contents.empty();
  std::string folder = copy.paths.dest;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  for (const std::string& source : copy.paths.sources) {
    if (!is_plain(source)) rule.unknown = true;
    if (rule.unknown) break;
    const std::string path = context_path(source);
    if (path == "." || files.is_directory(path)) {
      rule.entries.push_back({path, true, rule.destination, folder});
      continue;
    }
    const bool into_folder = copy.paths.dest.ends_with('/') || copy.paths.sources.size() > 1 ||
                             base_name(copy.paths.dest) == "." ||
                             base_name(copy.paths.dest) == ".." || rule.destination == at.workdir;
    const std::string target =
        into_folder ? clean_path(rule.destination + "/" + std::string(base_name(path)))
                    : rule.destination;
    rule.entries.push_back({path, false, target, folder});
  }
  return rule;
}

std::optional<std::string> SourceMap::source_of(const Entry& entry, const std::string& image_path) {
  if (!entry.is_directory) {
    return image_path == entry.target ? std::optional(entry.source) : std::nullopt;
  }
  if (!is_at_or_below(image_path, entry.target)) return std::nullopt;
  const size_t skipped = entry.target == "/" ? 1 : entry.target.size() + 1;
  const std::string rest = image_path.size() < skipped ? "" : image_path.substr(skipped);
  if (rest.empty()) return entry.source;
  return entry.source == "." ? rest : entry.source + "/" + rest;
}

std::optional<SourceMap::Origin> SourceMap::origin(const std::string& image_path) const {
  for (size_t i = rules_.size(); i-- > 0;) {
    if (rules_[i].unknown) continue;
    for (auto entry = rules_[i].entries.rbegin(); entry != rules_[i].entries.rend(); ++entry) {
      const auto path = source_of(*entry, image_path);
      if (!path || !files_.is_file(*path)) continue;
      std::string rest;
      if (entry->is_directory) {
        const std::string inside =
            entry->source == "." ? *path : path->substr(entry->source.size() + 1);
        rest = inside.contains('/') ? inside.substr(0, inside.rfind('/')) : "";
      }
      return Origin{*path, i, below(below(entry->folder, rest), "")};
    }
  }
  return std::nullopt;
}

std::optional<std::string> SourceMap::read(const std::string& image_path) const {
  const auto found = origin(image_path);
  if (!found) return std::nullopt;
  auto content = files_.read(found->path, kMaxManifestBytes + 1);
  if (!content || content->size() > kMaxManifestBytes) return std::nullopt;
  return content;
}

bool SourceMap::brings(const std::string& image_path) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return std::ranges::any_of(rule.entries, [&](const Entry& entry) {
      const auto path = source_of(entry, image_path);
      return path && (files_.is_file(*path) || files_.is_directory(*path));
    });
  });
}

bool SourceMap::names_files_only(size_t copy) const {
  const Rule& rule = rules_[copy];
  return !rule.unknown && std::ranges::none_of(rule.entries, &Entry::is_directory);
}

}  // namespace slipway::dockerfile
