// Other people's Dockerfiles: the graph, step names and image config that BuildKit's frontend makes
// of them, digest by digest.
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/convert_testing.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

namespace fs = std::filesystem;

Result<Conversion> convert_file(const fs::path& path) {
  const Dockerfile dockerfile = TRY(parse_dockerfile(read_text(path), path.filename().string()));
  StubImages images;
  return convert(dockerfile, options_for(path), images);
}

TEST(ConvertConformance, graphs_and_images_are_buildkits) {
  const std::optional<fs::path> folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "shared/conformance/dockerfiles is absent";
  int equal = 0, different = 0, accepted = 0, rejected = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(*folder)) {
    const fs::path& path = entry.path();
    const bool must_pass = path.extension() == ".ops";
    // With an .ops beside it, an .err holds warnings only.
    const bool must_fail = path.extension() == ".err" && path.stem().extension() != ".ast" &&
                           !fs::exists(fs::path(path).replace_extension(".ops"));
    if (!must_pass && !must_fail) continue;
    const Result<Conversion> conversion = convert_file(fs::path(path).replace_extension());
    std::string problem;
    if (must_fail) {
      if (conversion) problem = "wrongly accepted: " + read_text(path);
      (conversion ? accepted : equal)++;
    } else if (!conversion) {
      problem = "wrongly rejected: " + conversion.error().message();
      ++rejected;
    } else {
      const auto golden =
          nlohmann::json::parse(read_text(fs::path(path).replace_extension("json")));
      problem = difference(*conversion, golden["results"][0]);
      (problem.empty() ? equal : different)++;
    }
    if (!problem.empty())
      std::cout << fs::relative(path, *folder).string() << ": " << problem << "\n";
  }
  std::cout << fmt::format("{} equal, {} different, {} wrongly accepted, {} wrongly rejected\n",
                           equal, different, accepted, rejected);
  EXPECT_GE(equal, 619);
  EXPECT_EQ(different + accepted + rejected, 0);
}

}  // namespace
}  // namespace slipway::dockerfile
