#include "frontend/dockerfile/convert_testing.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "base/values.h"
#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/ignore_file.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {

using nlohmann::json;
namespace fs = std::filesystem;

std::vector<Result<ResolvedImage>> StubImages::resolve(std::span<const ImageQuery> queries) {
  ++calls;
  std::vector<Result<ResolvedImage>> images;
  for (const ImageQuery& query : queries) {
    const std::string name = query.reference.str();
    asked.push_back(name);
    if (name == missing) {
      images.emplace_back(make_error(ErrorCode::NotFound, "{}: not found", name));
      continue;
    }
    ResolvedImage image{query.reference, query.reference.digest(), {}};
    if (image.digest.empty()) image.digest = Digest::sha256_of(name);
    image.config.platform = query.platform;
    image.config.config.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    image.config.config.cmd = {"sh"};
    image.config.config.on_build = on_build;
    image.config.diff_ids = {Digest::sha256_of("layer " + name)};
    images.emplace_back(std::move(image));
  }
  return images;
}

namespace {

std::vector<std::string> ignore_patterns(const fs::path& file) {
  if (!fs::is_regular_file(file)) return {};
  return read_ignore_file(read_text(file));
}

}  // namespace

ConvertOptions options_for(const fs::path& dockerfile) {
  ConvertOptions options;
  options.build_platform = {.os = "linux", .architecture = "amd64"};
  fs::path ignore_file = dockerfile;
  ignore_file += ".dockerignore";
  if (!fs::exists(ignore_file)) ignore_file = dockerfile.parent_path() / ".dockerignore";
  options.main_context = LocalContext{"context", ignore_patterns(ignore_file), {}};
  options.file_name = dockerfile.filename();
  return options;
}

void apply_option(ConvertOptions& options, const std::string& option, const fs::path& folder) {
  const size_t equals = option.find('=');
  const std::string name = option.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  const auto after_colon = [&] { return name.substr(name.find(':') + 1); };
  const auto after_equals = [](const std::string& item) { return item.substr(item.find('=') + 1); };
  if (name == "target") {
    options.target = value;
  } else if (name == "platform") {
    options.target_platform = *Platform::parse(value);
  } else if (name == "multi-platform") {
    options.multi_platform = *parse_bool(value);
  } else if (name.starts_with("build-arg:")) {
    options.build_args[after_colon()] = value;
  } else if (name.starts_with("label:")) {
    options.labels[after_colon()] = value;
  } else if (name.starts_with("context:")) {
    ContextSource source = *parse_context_source(value);
    if (auto* local = std::get_if<LocalContext>(&source)) {
      local->excludes = ignore_patterns(folder / local->name / ".dockerignore");
    }
    options.named_contexts[after_colon()] = std::move(source);
  } else if (name == "context") {
    // What is at the URL is the file "context" in the folder.
    const fs::path file = folder / "context";
    options.main_context =
        UrlContext{value, fs::exists(file) && read_text(file).starts_with("BZh")};
  } else if (name == "no-cache") {
    options.no_cache = value.empty();
    if (!value.empty()) options.no_cache_filter = split(value, ',');
  } else if (name == "add-hosts") {
    for (const std::string& item : split(value, ',')) {
      options.extra_hosts.push_back({item.substr(0, item.find('=')), after_equals(item)});
    }
  } else if (name == "ulimit") {
    const std::string limits = after_equals(value);
    options.ulimits.push_back({value.substr(0, value.find('=')), std::stoll(limits),
                               std::stoll(limits.substr(limits.find(':') + 1))});
  } else if (name == "shm-size") {
    options.shm_size = std::stoll(value);
  } else if (name == "hostname") {
    options.hostname = value;
  } else if (name == "cgroup-parent") {
    options.cgroup_parent = value;
  } else if (name == "force-network-mode") {
    options.network = value == "host" ? graph::NetMode::Host : graph::NetMode::None;
  } else if (name == "image-resolve-mode") {
    options.pull = value == "pull" ? ImagePull::Always : ImagePull::PreferLocal;
  } else {
    CHECK(false);
  }
}

Result<Conversion> convert_text(const std::string& text, ConvertOptions options) {
  const Dockerfile dockerfile = TRY(parse_dockerfile(text, "Dockerfile"));
  options.build_platform = {.os = "linux", .architecture = "amd64"};
  StubImages images;
  return convert(dockerfile, options, images);
}

namespace {

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

std::string image_difference(const ImageConfig& config, json want) {
  json got = json::parse(to_json(config));
  got.erase("created");  // the exporter's
  if (got["history"].is_null()) got.erase("history");
  for (json* image : {&want, &got}) {
    if ((*image)["rootfs"]["diff_ids"].is_null()) (*image)["rootfs"]["diff_ids"] = json::array();
  }
  return want == got ? "" : fmt::format("image config: {}", json::diff(want, got).dump());
}

}  // namespace

std::string difference(const Conversion& conversion, const json& golden) {
  const std::vector<graph::Vertex>& vertices = conversion.definition.vertices();
  // Theirs has one more: it names the result.
  const size_t count = golden["ops"].empty() ? 0 : golden["ops"].size() - 1;
  for (size_t i = 0; i < std::min(count, vertices.size()); ++i) {
    json want = golden["ops"][i];
    if (want["digest"] != vertices[i].digest.str()) {
      return fmt::format("op {}: {}\n    want {}", i, vertices[i].name(), want.dump());
    }
    if (want["metadata"].contains("caps")) want["metadata"]["caps"].erase("source.local.unique");
    const json got = metadata_of(vertices[i]);
    if (want["metadata"] != got) {
      return fmt::format("metadata of op {}\n    want {}\n    got  {}", i, want["metadata"].dump(),
                         got.dump());
    }
  }
  if (count != vertices.size()) return fmt::format("want {} ops, got {}", count, vertices.size());
  if (count > 0 && conversion.definition.root() != graph::Edge{count - 1, 0}) {
    return "the last op is not the result";
  }
  return image_difference(conversion.config, golden["image"]);
}

}  // namespace slipway::dockerfile
