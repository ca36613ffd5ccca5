// Whole-file reading and writing, for files that are ours or are named by the user.
// Paths inside an image or a context go through RootDir (root_dir.h) instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

// The whole content; fails with ResourceExhausted beyond max_bytes.
Result<std::string> read_file(const std::filesystem::path& path, size_t max_bytes = SIZE_MAX);
Result<std::string> read_fd(int fd, size_t max_bytes = SIZE_MAX);

// A name beside `path` that nobody else has: "PATH.0123456789abcdef.tmp". Process ids would not do:
// builds live in pid namespaces of their own, where they are all the same.
std::string temporary_name(const std::filesystem::path& path);

// Writes to a temporary file beside `path` and renames it: readers see the old or the new content.
// Not durable before a later syncfs of that file system.
Status write_file_atomic(const std::filesystem::path& path, std::string_view content,
                         unsigned mode = 0644);

// Writes all of `data`, whatever write(2) accepts at once.
Status write_all(int fd, std::string_view data);
// The same at `offset`; the file's position stays.
Status write_all_at(int fd, uint64_t offset, std::string_view data);

// Whether there is anything, or a directory. What cannot be looked at is not there: where a path
// may be given, so may a URL, and that can be longer than any path. (std::filesystem's throw.)
bool path_exists(const std::filesystem::path& path);
bool directory_exists(const std::filesystem::path& path);

// Creates `path` and its missing parents (mode 0755 less the umask, or `mode` for all of them).
Status make_directories(const std::filesystem::path& path, unsigned mode = 0755);

// Removes a tree, following no symlink and crossing no mount; missing is fine.
Status remove_tree(const std::filesystem::path& path);

}  // namespace slipway
