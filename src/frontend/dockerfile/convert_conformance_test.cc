// Other people's Dockerfiles: the graph, step names and image config that BuildKit's frontend makes
// of them, digest by digest.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/ignore_file.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// Every image exists; its digest is that of its name.
class StubImages : public ImageResolver {
 public:
  std::vector<Result<ResolvedImage>> resolve(std::span<const ImageQuery> queries) override {
    std::vector<Result<ResolvedImage>> images;
    for (const ImageQuery& query : queries) {
      const std::string name = query.reference.str();
      ResolvedImage image{query.reference, query.reference.digest(), {}};
      if (image.digest.empty()) image.digest = Digest::sha256_of(name);
      image.config.platform = query.platform;
      image.config.config.env = {
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
      image.config.config.cmd = {"sh"};
      image.config.diff_ids = {Digest::sha256_of("layer " + name)};
      images.emplace_back(std::move(image));
    }
    return images;
  }
};

Result<Conversion> convert_file(const fs::path& path) {
  const std::string text = read_text(path);
  const Dockerfile dockerfile = TRY(parse_dockerfile(text, path.filename().string()));
  ConvertOptions options;
  options.build_platform = {.os = "linux", .architecture = "amd64"};
  fs::path ignore_file = path;
  ignore_file += ".dockerignore";
  if (!fs::exists(ignore_file)) ignore_file = path.parent_path() / ".dockerignore";
  LocalContext context{"context", {}, {}};
  if (fs::is_regular_file(ignore_file)) context.excludes = read_ignore_file(read_text(ignore_file));
  options.main_context = std::move(context);
  StubImages images;
  return convert(dockerfile, options, images);
}

std::string describe(const graph::Op& op) {
  if (const auto* source = std::get_if<graph::SourceOp>(&op)) return source->identifier;
  if (const auto* exec = std::get_if<graph::ExecOp>(&op)) return join(exec->args, " ");
  std::string text;
  const auto* file = std::get_if<graph::FileOp>(&op);
  if (file == nullptr) return text;
  for (const graph::FileAction& action : file->actions) {
    if (const auto* copy = std::get_if<graph::FileCopy>(&action.action)) {
      text += fmt::format("copy({} -> {}) ", copy->src, copy->dest);
    } else if (const auto* mkdir = std::get_if<graph::FileMkdir>(&action.action)) {
      text += fmt::format("mkdir({}) ", mkdir->path);
    } else if (const auto* mkfile = std::get_if<graph::FileMkfile>(&action.action)) {
      text += fmt::format("mkfile({}) ", mkfile->path);
    }
  }
  return text;
}

// One line for each op, as refllb prints them; the last one names the result.
std::string ops_of(const graph::Definition& definition) {
  if (!definition.root()) return "";
  constexpr const char* kKinds[] = {"source", "exec", "file", "merge", "diff", "build"};
  const auto input = [&](const graph::Edge& edge) {
    return fmt::format("{}:{}", definition.vertex(edge.vertex).digest.hex().substr(0, 12),
                       edge.output);
  };
  std::string lines;
  for (const graph::Vertex& vertex : definition.vertices()) {
    std::vector<std::string> inputs;
    for (const graph::Edge& edge : vertex.inputs) inputs.push_back(input(edge));
    lines += fmt::format("{} {} [{}] {}\n", vertex.digest.str(), kKinds[vertex.op.index()],
                         join(inputs, " "), go_quote(describe(vertex.op)));
  }
  return lines;
}

json metadata_of(const graph::Vertex& vertex) {
  json metadata = json::object();
  if (vertex.metadata.ignore_cache) metadata["ignoreCache"] = true;
  if (!vertex.metadata.description.empty()) metadata["description"] = vertex.metadata.description;
  if (!vertex.metadata.caps.empty()) metadata["caps"] = vertex.metadata.caps;
  if (vertex.metadata.progress_group) {
    metadata["progressGroup"] = json::object({{"name", vertex.metadata.progress_group->name}});
    if (vertex.metadata.progress_group->weak) metadata["progressGroup"]["weak"] = true;
  }
  return metadata;
}

// What differs from the official conversion, or nothing.
std::string difference(const Conversion& conversion, const fs::path& expected) {
  std::string want_ops = read_text(expected);
  if (want_ops.find(" ref [") != std::string::npos) {  // names the result; ours is root()
    want_ops.erase(want_ops.rfind('\n', want_ops.size() - 2) + 1);
  }
  const std::string got_ops = ops_of(conversion.definition);
  if (got_ops != want_ops) {
    const std::vector<std::string> want = split(want_ops, '\n'), got = split(got_ops, '\n');
    for (size_t i = 0; i < std::max(want.size(), got.size()); ++i) {
      const std::string a = i < want.size() ? want[i] : "", b = i < got.size() ? got[i] : "";
      if (a != b) return fmt::format("op {}\n    want {}\n    got  {}", i, a, b);
    }
  }
  fs::path json_file = expected;
  const json result = json::parse(read_text(json_file.replace_extension(".json")))["results"][0];
  const std::vector<graph::Vertex>& vertices = conversion.definition.vertices();
  for (size_t i = 0; i < vertices.size(); ++i) {
    json want = result["ops"][i]["metadata"];
    if (want.contains("caps")) want["caps"].erase("source.local.unique");
    const json got = metadata_of(vertices[i]);
    if (want != got) {
      return fmt::format("metadata of op {}\n    want {}\n    got  {}", i, want.dump(), got.dump());
    }
  }
  json want = result["image"], got = json::parse(to_json(conversion.config));
  if (got["created"].is_null()) got.erase("created");  // the exporter sets both
  if (got["history"].is_null()) got.erase("history");
  for (json* image : {&want, &got}) {
    if ((*image)["rootfs"]["diff_ids"].is_null()) (*image)["rootfs"]["diff_ids"] = json::array();
  }
  if (want != got) {
    const json patch = json::diff(want, got);
    return fmt::format("image config: {}", patch.dump());
  }
  return "";
}

TEST(ConvertConformance, graphs_and_images_are_buildkits) {
  const std::optional<fs::path> folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "shared/conformance/dockerfiles is absent";
  const char* only = std::getenv("SLIPWAY_ONLY");
  const int show =
      std::getenv("SLIPWAY_SHOW") != nullptr ? std::atoi(std::getenv("SLIPWAY_SHOW")) : 10;
  int equal = 0, different = 0, rejected = 0, accepted = 0, shown = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(*folder)) {
    const fs::path& path = entry.path();
    const bool is_ops = path.extension() == ".ops";
    const bool must_fail = path.extension() == ".err" && path.stem().extension() != ".ast" &&
                           !fs::exists(fs::path(path).replace_extension(".ops"));
    if (!is_ops && !must_fail) continue;
    if (only != nullptr && path.string().find(only) == std::string::npos) continue;
    const Result<Conversion> conversion = convert_file(fs::path(path).replace_extension());
    std::string problem;
    if (must_fail) {
      if (conversion) problem = "wrongly accepted: " + read_text(path);
      (conversion ? accepted : equal)++;
    } else if (!conversion) {
      problem = "wrongly rejected: " + conversion.error().message();
      ++rejected;
    } else {
      problem = difference(*conversion, path);
      (problem.empty() ? equal : different)++;
    }
    if (!problem.empty() && shown++ < show) {
      std::cout << fs::relative(path, *folder).string() << ": " << problem << "\n";
    }
  }
  std::cout << fmt::format("{} equal, {} different, {} wrongly accepted, {} wrongly rejected\n",
                           equal, different, accepted, rejected);
  if (only == nullptr) {
    EXPECT_GE(equal, 619);
    EXPECT_EQ(different + accepted + rejected, 0);
  }
}

}  // namespace
}  // namespace slipway::dockerfile
