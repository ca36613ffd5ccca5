// Dockerfile -> LLB: the graph, image config and history that BuildKit's frontend makes of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/lint/linter.h"
#include "frontend/dockerfile/outline.h"
#include "graph/definition.h"
#include "oci/image_config.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace slipway::dockerfile {

// ---- named contexts (--build-context NAME=...)

// A directory of the client's, by the name under which the engine was given it.
struct LocalContext {
  std::string name;
  std::vector<std::string> excludes;  // its .dockerignore's patterns
  std::string shared_key;             // names the directory across builds; may be empty
};
struct ImageContext {
  std::string reference;
};
// An image of an OCI layout that the engine knows as `store`.
struct OciLayoutContext {
  std::string store;
  Digest digest;
};
// git, or a file behind http(s).
struct UrlContext {
  std::string url;
  bool is_archive = false;     // of the main context: the file's entries are its files
  std::string directory = {};  // of the archive, that has them; empty: all of it
};
// A URL as users write it: "https://host/a.tar.gz#:DIR" is the directory DIR of an archive.
UrlContext url_context(std::string_view text);
// Another target's result.
struct InputContext {
  std::shared_ptr<const graph::Definition> definition;  // shared by all that build on the target
  std::optional<ImageConfig> config;
};
using ContextSource =
    std::variant<LocalContext, ImageContext, OciLayoutContext, UrlContext, InputContext>;

// BuildKit's text form: "docker-image://ref", "oci-layout://store@sha256:...", "local:name",
// git and http(s) URLs. ("input:name" names an InputContext; the caller resolves it.)
Result<ContextSource> parse_context_source(std::string_view text);

// ---- images

struct ImageQuery {
  Reference reference;  // tag or digest given
  Platform platform;
  std::optional<OciLayoutContext> layout;  // where to look instead of the registry
  std::string log_name;                    // "[internal] load metadata for docker.io/library/..."
};

struct ResolvedImage {
  Reference reference;  // as asked for, or what a policy made of it
  Digest digest;
  ImageConfig config;
};

class ImageResolver {
 public:
  virtual ~ImageResolver() = default;
  // One answer for each query, in order. All that the conversion can ask for at once comes in one
  // call, so that the answers can be fetched in parallel. May block.
  virtual std::vector<Result<ResolvedImage>> resolve(std::span<const ImageQuery> queries) = 0;
};

// ---- conversion

enum class ImagePull { Default, Always, PreferLocal };

struct ConvertOptions {
  std::string target;  // stage name; empty: the last stage
  std::map<std::string, std::string> build_args;
  std::map<std::string, std::string> labels;
  std::optional<Platform> target_platform;  // nullopt: the build platform
  Platform build_platform = Platform::host();
  bool multi_platform = false;  // step names carry the platform

  // "context" is the main one. Names as given by the user; they are compared normalised.
  ContextSource main_context = LocalContext{"context", {}, {}};
  std::map<std::string, ContextSource> named_contexts;

  bool no_cache = false;                     // all stages
  std::vector<std::string> no_cache_filter;  // these stages
  ImagePull pull = ImagePull::Default;

  std::vector<graph::HostIp> extra_hosts;
  int64_t shm_size = 0;  // bytes; 0: the engine's default
  std::vector<graph::Ulimit> ulimits;
  std::vector<graph::CdiDevice> devices;
  graph::NetMode network = graph::NetMode::Unset;  // of RUN without --network
  std::string cgroup_parent;
  std::string hostname;
  std::string cache_namespace;  // of cache mounts' ids
  std::optional<graph::LinuxResources> resources;

  // Where the rules report that run during conversion (lint/); null: nowhere. With "error=true" a
  // finding fails the conversion.
  const Linter* linter = nullptr;
  // The time, in seconds, of a git or http source: SOURCE_DATE_EPOCH=context. Null, or nullopt: it
  // has none.
  std::function<Result<std::optional<int64_t>>(const graph::SourceOp& source,
                                               const std::string& step_name)>
      source_time;
  bool all_stages = false;  // convert what the target does not need as well, for the rules' sake

  // The Dockerfile itself, for the definition's source map.
  std::string file_name = "Dockerfile";
  std::string file_text;
};

struct Conversion {
  graph::Definition definition;
  ImageConfig config;
  std::optional<ImageConfig> base_config;  // of the image that the target starts from
  Platform platform;                       // of the result
  bool multi_platform = false;             // as BUILDKIT_MULTI_PLATFORM or the options say
  std::optional<int64_t> epoch;            // SOURCE_DATE_EPOCH, seconds
  // What of the main context is read, relative to its root; empty: all of it (or nothing, when
  // uses_main_context is false).
  std::vector<std::string> context_paths;
  bool uses_main_context = false;
  Outline outline;
};

Result<Conversion> convert(const Dockerfile& dockerfile, const ConvertOptions& options,
                           ImageResolver& resolver);

// The name that what is behind http(s) has as a file of the context.
inline constexpr char kUrlContextFile[] = "context";

// The main context alone, whose files may be looked into before there is a Dockerfile to convert.
Result<graph::Definition> main_context_definition(const ConvertOptions& options);
// A file behind http(s), under this name.
graph::Definition http_file_definition(const std::string& url, const std::string& filename);

}  // namespace slipway::dockerfile
