// Compose and bake files of other projects, with the answers of `buildx bake --print`.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "frontend/bake/resolve.h"
#include "frontend/compose/definition_files.h"
#include "frontend/dockerfile/conformance_data.h"
#include "frontend/hcl/functions.h"

namespace slipway::compose {
namespace {

using nlohmann::json;

// What buildx refuses because of the machine it ran on, not because of the file: secrets, agents
// and files that were not there.
bool depends_on_machine(const std::string& error) {
  return error.contains("no such file or directory") || error.contains("SSH_AUTH_SOCK");
}

Result<std::string> print_of(const std::filesystem::path& file,
                             const std::vector<std::string>& targets) {
  const File input{file.filename(), dockerfile::read_text(file)};
  Options options;
  options.read_file = [&](const std::string& path) -> Result<std::string> {
    return make_error(ErrorCode::NotFound, "open {}: No such file or directory", path);
  };
  options.bake.built_in = {{"BAKE_CMD_CONTEXT", "cwd://"}, {"BAKE_LOCAL_PLATFORM", "linux/amd64"}};
  options.bake.functions = hcl::standard_functions({"/root", nullptr});
  const bake::Definitions definitions = TRY(read_definitions({&input, 1}, options));
  bake::Request request;
  request.targets = targets;
  return bake::print(TRY(bake::resolve(definitions, request, {})));
}

TEST(BakeConformance, TargetsAreThoseOfBuildx) {
  const auto folder = dockerfile::conformance_data("bake");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  std::ifstream lines(*folder / "golden.jsonl");
  int ran = 0;
  for (std::string line; std::getline(lines, line);) {
    const json test = json::parse(line);
    const std::string name = test["file"];
    if (depends_on_machine(test.value("error", ""))) continue;
    ++ran;
    const std::string id = test["case"].get<std::string>() + " " + test["targets"].dump();
    const auto got = print_of(*folder / "cases" / test["case"] / name, test["targets"]);
    if (!test.contains("want")) {
      EXPECT_FALSE(got) << id << ": buildx refuses: " << test["error"];
    } else if (!got) {
      ADD_FAILURE() << id << ": " << got.error().message();
    } else {
      EXPECT_EQ(json::parse(*got), test["want"]) << id;
    }
  }
  EXPECT_GE(ran, 524);
}

}  // namespace
}  // namespace slipway::compose
