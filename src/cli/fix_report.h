// What `slipway fix` prints: the difference for patch and git apply, what was fixed and what was
// left and why, and all of it as JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "frontend/dockerfile/fix/fix.h"

namespace slipway::cli {

// A Dockerfile or an ignore file, before and after.
struct FileFix {
  std::string name;            // as the user would name it
  std::filesystem::path path;  // empty: stdin, or inline
  std::string original;        // empty: it does not exist yet
  std::string text;
  std::vector<dockerfile::TextEdit> edits;
  std::vector<dockerfile::Fixed> fixes;
  std::vector<dockerfile::Left> left;

  bool changes() const { return original != text; }
};

// A context that a new ignore file makes smaller.
struct ContextSize {
  std::string name;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
};

struct FixReport {
  std::vector<FileFix> files;
  std::vector<ContextSize> contexts;

  bool changes() const;
};

std::string fix_diff(const FixReport& report);
// Line by line, for people; `written`: the files have been.
std::string fix_summary(const FixReport& report, bool written);
std::string fix_json(const FixReport& report);

}  // namespace slipway::cli
