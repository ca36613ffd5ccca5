// DirectoryFiles: the files of a context directory that .dockerignore lets through, for advice.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
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
  std::optional<std::string> read(const std::string& path, size_t max_bytes) override;
  uint64_t bytes(const std::string& path) override;
  std::vector<Directory> by_products() override;
  // By the .gitignore in the root, and those above it in the same repository.
  std::vector<Directory> left_out_of_git() override;

 private:
  DirectoryFiles(std::filesystem::path root, PatternMatcher ignored)
      : root_(std::move(root)), ignored_(std::move(ignored)) {}
  // A directory on the way down, with what is known of those above it.
  struct Visit {
    std::string path;
    PatternMatcher::ParentMatches ignored;
    PatternMatcher::ParentMatches left_out;
    bool in_by_product = false;
    bool in_left_out = false;
  };
  uint64_t add_directory(const Visit& visit);
  // Nothing where there are no files, or they cannot be understood.
  PatternMatcher git_patterns() const;
  void read();

  std::filesystem::path root_;
  PatternMatcher ignored_;
  std::map<std::string, uint64_t> directories_;  // with all that is below; empty: not read yet
  std::vector<Directory> by_products_;
  std::vector<Directory> left_out_;
  std::optional<PatternMatcher> git_;
};

}  // namespace slipway::cli
