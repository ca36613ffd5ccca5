#include "seeds.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::fuzz {
namespace {

namespace fs = std::filesystem;

// What is longer only makes every input slow.
constexpr uintmax_t kLongest = 128 << 10;

std::vector<fs::path> files_of(const fs::path& pattern) {
  std::error_code ignored;
  if (fs::is_regular_file(pattern, ignored)) return {pattern};
  std::vector<fs::path> files;
  const std::string glob = pattern.filename();
  for (const auto& entry : fs::recursive_directory_iterator(pattern.parent_path(), ignored)) {
    const std::string name = entry.path().filename();
    if (::fnmatch(glob.c_str(), name.c_str(), 0) != 0) continue;
    const fs::path file =
        name.ends_with(".lint") ? fs::path(entry.path()).replace_extension() : entry.path();
    if (fs::is_regular_file(file, ignored) && fs::file_size(file, ignored) <= kLongest) {
      files.push_back(file);
    }
  }
  std::ranges::sort(files);
  return files;
}

// Of ignore patterns, as fuzz/ignore_file_fuzzer.cc takes them: the file, a NUL, the path.
std::optional<std::string> subject_of(std::string_view question) {
  const auto json = nlohmann::json::parse(question, nullptr, false);
  if (!json.is_object() || !json.contains("req")) return std::nullopt;
  const auto& request = json["req"];
  const std::string in = request.value("in", "");
  if (!request.contains("patterns")) return in;
  return join(request["patterns"].get<std::vector<std::string>>(), "\n") + '\0' + in;
}

Result<std::string> unescaped(std::string_view text) {
  std::string word;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      word += text[i];
    } else if (text.substr(i + 1, 1) == "x" && i + 3 < text.size()) {
      word += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else if (++i < text.size()) {
      word += text[i];
    } else {
      return invalid_input("\"{}\" ends in a backslash", text);
    }
  }
  return word;
}

}  // namespace

Result<std::vector<std::string>> read_seeds(const std::string& pattern) {
  std::vector<std::string> texts;
  for (const fs::path& file : files_of(pattern)) {
    std::string text = TRY(read_file(file));
    if (file.extension() != ".jsonl") {
      texts.push_back(std::move(text));
      continue;
    }
    for (const std::string& line : split(text, '\n')) {
      if (auto subject = subject_of(line)) texts.push_back(*std::move(subject));
    }
  }
  return texts;
}

Result<std::vector<std::string>> parse_dictionary(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& line : split(text, '\n')) {
    const size_t first = line.find('"');
    const size_t last = line.rfind('"');
    if (trim(line).empty() || line.starts_with('#')) continue;
    if (first == last) return invalid_input("dictionary: \"{}\" is no word in quotes", line);
    words.push_back(TRY(unescaped(std::string_view(line).substr(first + 1, last - first - 1))));
  }
  return words;
}

}  // namespace slipway::fuzz
