#include "cli/context_files.h"

#include <algorithm>

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

// Made by tools from what else is there, whatever the project.
bool is_by_product(std::string_view name) {
  constexpr std::string_view kNames[] = {
      ".git",        "node_modules",  ".venv",        "venv", "__pycache__", ".mypy_cache",
      ".ruff_cache", ".pytest_cache", ".tox",         ".nox", ".next",       ".nuxt",
      ".gradle",     ".terraform",    ".svelte-kit",  ".hg",  ".svn",        ".idea",
      ".vs",         ".cache",        ".parcel-cache"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

}  // namespace

Result<DirectoryFiles> DirectoryFiles::create(fs::path root,
                                              const std::vector<std::string>& ignore_patterns) {
  PatternMatcher ignored = TRY(PatternMatcher::create(ignore_patterns));
  return DirectoryFiles(std::move(root), std::move(ignored));
}

bool DirectoryFiles::is_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(root_ / path, error) && !ignored_.matches(path);
}

bool DirectoryFiles::is_directory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(root_ / path, error);
}

uint64_t DirectoryFiles::bytes(const std::string& path) {
  read();
  const auto directory = directories_.find(path);
  if (directory != directories_.end()) return directory->second;
  if (!is_file(path)) return 0;
  std::error_code error;
  const uint64_t size = fs::file_size(root_ / path, error);
  return error ? 0 : size;
}

std::vector<dockerfile::ContextFiles::Directory> DirectoryFiles::by_products() {
  read();
  return by_products_;
}

void DirectoryFiles::read() {
  if (!directories_.empty()) return;
  add_directory(".", {}, false);
  std::ranges::sort(by_products_, {}, &Directory::path);
}

uint64_t DirectoryFiles::add_directory(const std::string& path,
                                       const PatternMatcher::ParentMatches& parent,
                                       bool in_by_product) {
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator entry(root_ / path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string below = path == "." ? name : path + "/" + name;
    std::error_code unreadable;
    const PatternMatcher::Answer answer = ignored_.matches_below(below, parent);
    if (entry->is_directory(unreadable) && !entry->is_symlink(unreadable)) {
      if (answer.matches && !ignored_.may_take_back_below(below)) continue;
      const bool by_product = is_by_product(name) && !answer.matches;
      const uint64_t bytes = add_directory(below, answer.here, in_by_product || by_product);
      if (by_product && !in_by_product) by_products_.push_back({below, bytes});
      total += bytes;
    } else if (!answer.matches && entry->is_regular_file(unreadable)) {
      const uint64_t size = entry->file_size(unreadable);
      if (!unreadable) total += size;
    }
  }
  directories_[path] = total;
  return total;
}

}  // namespace slipway::cli
