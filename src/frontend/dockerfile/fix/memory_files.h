// MemoryFiles: a context made up of texts, for tests.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "frontend/dockerfile/advice/advice.h"

namespace slipway::dockerfile {

class MemoryFiles : public ContextFiles {
 public:
  MemoryFiles() = default;
  MemoryFiles(std::initializer_list<std::pair<const std::string, std::string>> texts)
      : files(texts) {}

  bool is_file(const std::string& path) override { return files.contains(path); }
  bool is_directory(const std::string& path) override {
    return path == "." || std::ranges::any_of(files, [&](const auto& file) {
             return file.first.starts_with(path + "/");
           });
  }
  std::optional<std::string> read(const std::string& path, size_t max_bytes) override {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second.substr(0, max_bytes);
  }
  uint64_t bytes(const std::string&) override { return 0; }
  std::vector<Directory> by_products() override { return made; }
  std::vector<Directory> left_out_of_git() override { return untracked; }

  std::map<std::string, std::string> files;
  std::vector<Directory> made;
  std::vector<Directory> untracked;
};

}  // namespace slipway::dockerfile
