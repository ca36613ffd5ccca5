#include "cli/context_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/file_io.h"
#include "base/text.h"
#include "base/unique_fd.h"

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

constexpr uint64_t kLarge = 1'000'000;
constexpr size_t kMaxGitIgnoreBytes = 1 << 20;

// A line of the .gitignore in a directory that has the context at `inside` ("" for itself), as an
// ignore pattern: without a slash inside the line is for all directories. Empty: of no use here.
std::string to_ignore_pattern(std::string_view line, const std::string& inside) {
  std::string_view text = trim(line);
  if (text.starts_with('#')) return "";
  const bool takes_back = text.starts_with('!');
  if (takes_back) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty()) return "";
  const std::string sign = takes_back ? "!" : "";
  if (!text.contains('/')) return sign + "**/" + std::string(text);
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.starts_with("**/")) return sign + std::string(text);
  if (!text.starts_with(inside)) return "";
  return sign + std::string(text.substr(inside.size()));
}

// From the top of the repository down to the directory; that alone where there is no repository.
std::vector<fs::path> git_folders(const fs::path& directory) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::path folder = directory;; folder = folder.parent_path()) {
    folders.insert(folders.begin(), folder);
    if (fs::exists(folder / ".git", error)) return folders;
    if (folder == folder.parent_path()) return {directory};
  }
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
  if (!fs::is_directory(root_ / path, error)) return false;
  return !ignored_.matches(path) || ignored_.may_take_back_below(path);
}

std::optional<std::string> DirectoryFiles::read(const std::string& path, size_t max_bytes) {
  if (!is_file(path)) return std::nullopt;
  const UniqueFd file(::open((root_ / path).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return std::nullopt;
  std::string content(max_bytes, '\0');
  size_t size = 0;
  while (size < max_bytes) {
    const ssize_t count = ::read(file.get(), content.data() + size, max_bytes - size);
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  content.resize(size);
  return content;
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

std::vector<dockerfile::ContextFiles::Directory> DirectoryFiles::left_out_of_git() {
  read();
  return left_out_;
}

PatternMatcher DirectoryFiles::git_patterns() const {
  std::vector<std::string> patterns;
  for (const fs::path& folder : git_folders(root_)) {
    const fs::path relative = root_.lexically_relative(folder);
    const std::string inside = relative == "." ? "" : relative.string() + "/";
    const auto text = read_file(folder / ".gitignore", kMaxGitIgnoreBytes);
    for (const std::string& line : split(text ? *text : "", '\n')) {
      std::string pattern = to_ignore_pattern(line, inside);
      if (!pattern.empty()) patterns.push_back(std::move(pattern));
    }
  }
  auto matcher = PatternMatcher::create(patterns);
  if (!matcher) matcher = PatternMatcher::create({});
  return *std::move(matcher);
}

void DirectoryFiles::read() {
  if (!directories_.empty()) return;
  git_ = git_patterns();
  add_directory({".", {}, {}});
  std::ranges::sort(by_products_, {}, &Directory::path);
  std::ranges::sort(left_out_, {}, &Directory::path);
}

uint64_t DirectoryFiles::add_directory(const Visit& visit) {
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator entry(root_ / visit.path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string below = visit.path == "." ? name : visit.path + "/" + name;
    std::error_code unreadable;
    const PatternMatcher::Answer answer = ignored_.matches_below(below, visit.ignored);
    const PatternMatcher::Answer git = git_->matches_below(below, visit.left_out);
    const bool is_directory = entry->is_directory(unreadable) && !entry->is_symlink(unreadable);
    const bool by_product = is_directory && is_by_product(name) && !answer.matches;
    const bool left_out = git.matches && !answer.matches && !by_product;
    uint64_t bytes = 0;
    if (is_directory) {
      if (answer.matches && !ignored_.may_take_back_below(below)) continue;
      bytes = add_directory({below, answer.here, git.here, visit.in_by_product || by_product,
                             visit.in_left_out || left_out || by_product});
      if (by_product && !visit.in_by_product) by_products_.push_back({below, bytes});
    } else if (!answer.matches && entry->is_regular_file(unreadable)) {
      const uint64_t size = entry->file_size(unreadable);
      if (!unreadable) bytes = size;
    }
    if (left_out && !visit.in_left_out && bytes >= kLarge) left_out_.push_back({below, bytes});
    total += bytes;
  }
  directories_[visit.path] = total;
  return total;
}

}  // namespace slipway::cli
