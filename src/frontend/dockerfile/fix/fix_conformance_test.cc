// Other people's Dockerfiles fixed: what comes out can be read and converted, is not fixed again,
// and its untouched stages have the graph that they had.
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/convert_testing.h"
#include "frontend/dockerfile/fix/fix.h"
#include "frontend/dockerfile/fix/memory_files.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

namespace fs = std::filesystem;

// A context that has what installs ask for, wherever they ask for it.
class AllManifests : public MemoryFiles {
 public:
  bool is_file(const std::string& path) override { return path.contains('.') && path != "."; }
  bool is_directory(const std::string& path) override {
    return path == "." ||
           (!path.contains('.') && !path.contains("node_modules") && !path.contains("vendor"));
  }
  std::optional<std::string> read(const std::string& path, size_t) override {
    if (!is_file(path)) return std::nullopt;
    if (path.ends_with(".json")) return "{}";
    if (path.ends_with("uv.lock")) return "name = \"x\"\nsource = { editable = \".\" }\n";
    return "x\n";
  }
};

std::vector<std::string> digests(const graph::Definition& definition) {
  std::vector<std::string> all;
  for (const graph::Vertex& vertex : definition.vertices()) all.push_back(vertex.digest.str());
  return all;
}

// The names of the stages whose text is the same as before, and that of all they are based on. (A
// base named by a variable may be any other stage.)
std::vector<std::string> untouched(const Dockerfile& before, const Dockerfile& after) {
  std::vector<std::string> names;
  std::set<std::string> same;
  for (size_t i = 0; i < before.stages.size(); ++i) {
    const Stage& a = before.stages[i];
    const Stage& b = after.stages[i];
    std::set<std::string> others;
    for (const Stage& stage : before.stages) others.insert(stage.name);
    bool equal = a.instructions.size() == b.instructions.size() && !a.base_name.contains('$') &&
                 (!others.contains(a.base_name) || same.contains(a.base_name));
    for (size_t j = 0; equal && j < a.instructions.size(); ++j) {
      const std::string& source = info_of(a.instructions[j]).source;
      equal = source == info_of(b.instructions[j]).source && !source.contains("from=");
    }
    if (!equal || a.name.empty()) continue;
    same.insert(a.name);
    names.push_back(a.name);
  }
  return names;
}

TEST(FixConformance, other_peoples_files_stay_readable) {
  const std::optional<fs::path> folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "shared/conformance/dockerfiles is absent";
  int files = 0, changed = 0, fixes = 0, left = 0, stages = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".ops") continue;
    const fs::path path = fs::path(entry.path()).replace_extension();
    SCOPED_TRACE(path.string());
    AllManifests context;
    FixInput input{read_text(path), path.filename().string(), "", nullptr, &context, {}};
    const auto plan = plan_fixes(input);
    ASSERT_TRUE(plan);
    ++files;
    left += static_cast<int>(plan->left.size());
    fixes += static_cast<int>(plan->fixes.size());
    EXPECT_EQ(apply_edits(input.text, plan->edits), plan->text);
    if (plan->text == input.text) continue;
    ++changed;
    const auto before = parse_dockerfile(input.text, "Dockerfile");
    const auto after = parse_dockerfile(plan->text, "Dockerfile");
    ASSERT_TRUE(before && after);
    FixInput again = input;
    again.text = plan->text;
    EXPECT_EQ(plan_fixes(again)->text, plan->text);
    StubImages images;
    EXPECT_TRUE(convert(*after, options_for(path), images));
    for (const std::string& name : untouched(*before, *after)) {
      ConvertOptions options = options_for(path);
      options.target = name;
      const auto old_stage = convert(*before, options, images);
      const auto new_stage = convert(*after, options, images);
      ASSERT_EQ(old_stage.has_value(), new_stage.has_value()) << name;
      if (!old_stage) continue;
      ++stages;
      EXPECT_EQ(digests(old_stage->definition), digests(new_stage->definition)) << name;
    }
  }
  std::cout << fmt::format(
      "{} files, {} changed by {} fixes, {} findings left, {} stages compared\n", files, changed,
      fixes, left, stages);
  EXPECT_GT(changed, 0);
}

}  // namespace
}  // namespace slipway::dockerfile
