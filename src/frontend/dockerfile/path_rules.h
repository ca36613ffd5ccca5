// Paths inside images and contexts as text: lexical rules only, no file system. Windows images have
// drive letters and backslashes; everything else is slash-separated.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::dockerfile {

// The shortest equivalent path: no "//", ".", "x/.." ("" becomes ".").
std::string clean_path(std::string_view path);
// Joined with "/" and cleaned; empty parts are left out.
std::string join_path(std::string_view parent, std::string_view path);

std::string to_slash(std::string_view path, std::string_view os);
bool is_absolute(std::string_view path, std::string_view os);
// Without the drive letter of a Windows path, which must be C:.
Result<std::string> without_drive(std::string_view path, std::string_view os, bool keep_slash);

// `path` under `parent`, absolute, with slashes. keep_slash keeps what a trailing "/" or "/." says.
Result<std::string> normalize_path(std::string_view parent, std::string_view path,
                                   std::string_view os, bool keep_slash);
// The value of WORKDIR for the image config: with the separators of its operating system.
Result<std::string> normalize_workdir(std::string_view current, std::string_view path,
                                      std::string_view os);

// As the file ops of LLB store their paths: cleaned, under `parent` when relative.
std::string action_path(std::string_view parent, std::string_view path, bool keep_slash);

bool has_wildcards(std::string_view path);

}  // namespace slipway::dockerfile
