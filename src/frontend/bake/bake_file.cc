#include "frontend/bake/bake_file.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "frontend/bake/hcl_reader.h"
#include "frontend/hcl/body.h"

namespace slipway::bake {
namespace {

using BodyPtr = std::shared_ptr<const hcl::Body>;

// By its name, or whichever syntax fits; the error is the native syntax's.
Result<BodyPtr> parse(const BakeFile& file) {
  if (file.name.ends_with(".json")) return hcl::parse_json_body(file.text, file.name);
  Result<BodyPtr> native = hcl::parse_hcl_body(file.text, file.name);
  if (native || file.name.ends_with(".hcl")) return native;
  Result<BodyPtr> json = hcl::parse_json_body(file.text, file.name);
  return json ? std::move(json) : std::move(native);
}

}  // namespace

bool is_bake_file_name(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower.ends_with(".json") || lower.ends_with(".hcl");
}

Status check_syntax(const BakeFile& file) {
  TRY(parse(file));
  return {};
}

Status read_bake_files(std::span<const BakeFile> files, const BakeOptions& options,
                       Definitions& definitions) {
  if (files.empty()) return {};
  std::vector<BodyPtr> bodies;
  for (const BakeFile& file : files) bodies.push_back(TRY(parse(file)));
  return HclReader(std::move(bodies), options, definitions).run();
}

bool is_target_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

}  // namespace slipway::bake
