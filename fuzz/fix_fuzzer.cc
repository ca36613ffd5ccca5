// Dockerfile text -> the same, fixed: it can be read, and is not fixed again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "frontend/dockerfile/fix/fix.h"
#include "frontend/dockerfile/fix/memory_files.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace {

using namespace slipway::dockerfile;

// Whatever an install asks for is there.
class AnyFiles : public MemoryFiles {
 public:
  bool is_file(const std::string& path) override { return path.contains('.') && path != "."; }
  bool is_directory(const std::string& path) override {
    return !is_file(path) && path.size() % 2 == 1;
  }
  std::optional<std::string> read(const std::string& path, size_t) override {
    if (path.ends_with(".json")) return "{}";
    if (path.ends_with(".lock")) return "name = \"x\"\nsource = { editable = \".\" }\n";
    return "x\n";
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FixInput input{std::string(reinterpret_cast<const char*>(data), size), "Dockerfile"};
  AnyFiles files;
  input.files = &files;
  const auto plan = plan_fixes(input);
  if (!plan) return 0;
  CHECK(apply_edits(input.text, plan->edits) == plan->text);
  CHECK(parse_dockerfile(plan->text, "Dockerfile").has_value());
  unified_diff("Dockerfile", input.text, plan->edits);
  input.text = plan->text;
  const auto again = plan_fixes(input);
  CHECK(again && again->text == plan->text);
  return 0;
}
