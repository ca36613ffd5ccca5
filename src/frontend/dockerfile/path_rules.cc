#include "frontend/dockerfile/path_rules.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace slipway::dockerfile {

namespace {

bool is_windows(std::string_view os) {
  return os == "windows";
}

// "/" and "/." at the end of a path mean something to COPY.
std::string with_end_of(std::string_view original, std::string path) {
  if (original.ends_with('/')) {
    if (!path.ends_with('/')) path += '/';
  } else if (original.ends_with("/.")) {
    if (path != "/") path += '/';
    path += '.';
  }
  return path;
}

std::string clean_keeping_slash(std::string_view path, bool keep_slash) {
  std::string cleaned = clean_path(path);
  if (keep_slash && cleaned.size() > 1 && path.ends_with('/')) cleaned += '/';
  return cleaned;
}

}  // namespace

std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part == "..") {
      if (!parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else if (!rooted) {
        parts.push_back(part);
      }
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    start = end + 1;
  }
  std::string result = rooted ? "/" : "";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result += '/';
    result += parts[i];
  }
  return result.empty() ? "." : result;
}

std::string join_path(std::string_view parent, std::string_view path) {
  if (parent.empty() && path.empty()) return "";
  if (parent.empty()) return clean_path(path);
  if (path.empty()) return clean_path(parent);
  return clean_path(std::string(parent) + "/" + std::string(path));
}

std::string to_slash(std::string_view path, std::string_view os) {
  std::string result(path);
  if (is_windows(os)) std::ranges::replace(result, '\\', '/');
  return result;
}

bool is_absolute(std::string_view path, std::string_view os) {
  const Result<std::string> stripped = without_drive(path, os, false);
  return stripped && to_slash(*stripped, os).starts_with('/');
}

Result<std::string> without_drive(std::string_view path, std::string_view os, bool keep_slash) {
  if (!is_windows(os)) return std::string(path);
  if (path.size() == 2 && path[1] == ':') {
    return make_error(ErrorCode::InvalidInput, "No relative path specified in \"{}\"", path);
  }
  const std::string slashed = to_slash(path, os);
  if (slashed.starts_with("//")) {
    return make_error(ErrorCode::InvalidInput, "UNC paths are not supported");
  }
  const size_t colon = slashed.find(':');
  if (colon == std::string::npos) return clean_keeping_slash(slashed, keep_slash);
  if (to_lower(slashed.substr(0, colon)) != "c") {
    return make_error(ErrorCode::InvalidInput,
                      "The specified path is not on the system drive (C:)");
  }
  return clean_keeping_slash(slashed.substr(colon + 1), keep_slash);
}

Result<std::string> normalize_path(std::string_view parent, std::string_view path,
                                   std::string_view os, bool keep_slash) {
  const std::string original = to_slash(path, os);
  std::string base = TRY(without_drive(parent.empty() ? "/" : to_slash(parent, os), os, keep_slash)
                             .context("removing drive letter"));
  if (!is_absolute(base, os)) base = join_path("/", base);
  std::string result = original.empty() ? base : original;
  result = TRY(without_drive(result, os, keep_slash).context("removing drive letter"));
  if (!is_absolute(result, os)) result = join_path(base, result);
  if (keep_slash) result = with_end_of(original, std::move(result));
  return to_slash(result, os);
}

Result<std::string> normalize_workdir(std::string_view current, std::string_view path,
                                      std::string_view os) {
  std::string result =
      TRY(normalize_path(current, path, os, false).context("normalizing working directory"));
  if (is_windows(os)) std::ranges::replace(result, '/', '\\');
  return result;
}

std::string action_path(std::string_view parent, std::string_view path, bool keep_slash) {
  std::string result = clean_path(path);
  if (!result.starts_with('/')) result = join_path(join_path("/", parent), result);
  return keep_slash ? with_end_of(path, std::move(result)) : result;
}

bool has_wildcards(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '*' || path[i] == '?' || path[i] == '[') return true;
    if (path[i] == '\\') ++i;
  }
  return false;
}

}  // namespace slipway::dockerfile
