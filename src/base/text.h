// Small text functions that the standard library lacks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);  // ASCII white space at both ends
std::string to_lower(std::string_view text);   // ASCII only
std::string hex(std::string_view bytes);
// The last name of a path: "sh" of "/usr/bin/sh" and of "sh/"; "." of "", "/" of "/" (as Go's
// path.Base).
std::string_view base_name(std::string_view path);

// The candidate nearest to `word` by edit distance, when near enough to be a likely typo; else
// empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// "1.5 GB", as docker prints sizes (decimal units, go-units HumanSize).
std::string human_bytes(unsigned long long bytes);

}  // namespace slipway
