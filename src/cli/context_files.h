// DirectoryFiles: the files of a context directory that .dockerignore lets through, for advice.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/result.h"
#include "frontend/dockerfile/advice/advice.h"

namespace slipway::cli {

class DirectoryFiles : public dockerfile::ContextFiles {
 public:
  // Nothing is read before it is asked for. What cannot be read counts as nothing.
  static Result<DirectoryFiles> create(std::filesystem::path root,
                                       const std::vector<std::string>& ignore_patterns);

  bool is_file(const std::string& path) override;
  bool is_directory(const std::string& path) override;
  uint64_t bytes(const std::string& path) override;
  std::vector<Directory> by_products() override;

 private:
  DirectoryFiles(std::filesystem::path root, PatternMatcher ignored)
      : root_(std::move(root)), ignored_(std::move(ignored)) {}
  uint64_t add_directory(const std::string& path, const PatternMatcher::ParentMatches& parent,
                         bool in_by_product);
  void read();

  std::filesystem::path root_;
  PatternMatcher ignored_;
  std::map<std::string, uint64_t> directories_;  // with all that is below; empty: not read yet
  std::vector<Directory> by_products_;
};

}  // namespace slipway::cli
