// Dockerfile text -> everything that the rules find: checks, advice, shell scripts of RUN.
#include <cstdint>
#include <string>
#include <string_view>

#include "any_image.h"
#include "base/check.h"
#include "frontend/dockerfile/advice/advice.h"
#include "frontend/dockerfile/advice/shell_script.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/lint/check_dockerfile.h"

namespace {

using namespace slipway;
using namespace slipway::dockerfile;

class AnyFiles : public ContextFiles {
 public:
  bool is_file(const std::string& path) override { return path.size() % 2 == 0; }
  bool is_directory(const std::string& path) override { return path.size() % 2 == 1; }
  std::optional<std::string> read(const std::string&, size_t) override { return "requests\n"; }
  std::vector<Directory> left_out_of_git() override { return {{"models", 1'000'000'000}}; }
  uint64_t bytes(const std::string&) override { return 1'000'000'000; }
  std::vector<Directory> by_products() override { return {{"node_modules", 1'000'000'000}}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto commands = parse_shell(text);
  for (const ShellCommand& command : commands.value_or(std::vector<ShellCommand>())) {
    CHECK(!command.words.empty());
  }
  ConvertOptions options;
  options.build_platform = {.os = "linux", .architecture = "amd64"};
  options.main_context = LocalContext{"context", {"a*", "dir"}, {}};
  AnyImage images;
  const CheckResult result = check_dockerfile(text, options, images);
  CHECK(result.error.has_value() != result.conversion.has_value());
  for (const Finding& finding : result.findings) CHECK(finding.span.first_line > 0);
  const auto dockerfile = parse_dockerfile(text, "Dockerfile");
  if (!dockerfile) return 0;
  std::vector<Finding> findings;
  AnyFiles files;
  const ImageConfig image;
  advise({*dockerfile, "", &image, &files}, Linter({}, findings));
  for (const Finding& finding : findings) CHECK(finding.span.first_line > 0);
  return 0;
}
