// Planner: from a Target to a graph. Reads the Dockerfile and the ignore files, names the contexts,
// converts; or has it checked only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context_reader.h"
#include "cli/environment.h"
#include "frontend/bake/target.h"
#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/executable.h"
#include "frontend/dockerfile/lint/check_dockerfile.h"
#include "progress/sink.h"

namespace slipway::cli {

struct PlannedTarget {
  bake::Target target;
  std::vector<dockerfile::Conversion> platforms;  // one for each, in the order asked for
  // Outputs tell the platforms apart, even where there is one.
  bool multi_platform = false;
};

// A Dockerfile that was looked at, not converted.
struct CheckedTarget {
  std::string name;
  std::string file;  // as errors show it
  std::string text;
  std::filesystem::path path;  // of the Dockerfile; empty: stdin, or inline
  dockerfile::CheckResult result;
  std::filesystem::path context;      // directory; empty where there is none
  std::filesystem::path ignore_file;  // of the context, also where it is still missing
  dockerfile::ConvertOptions options;
};

// A target whose stages were converted for what they can be given.
struct OutlinedTarget {
  dockerfile::Outline outline;
  std::string text;  // of the Dockerfile
};

// A target whose Dockerfile was read, nothing more.
struct ListedTarget {
  dockerfile::Dockerfile dockerfile;
  std::string text;
};

// A directory that a build reads, and what it leaves out.
struct ContextDirectory {
  std::string key;             // LocalContext::shared_key: the engine finds the directory by it
  std::filesystem::path path;  // empty: a context without files (the Dockerfile came from stdin)
  std::vector<std::string> ignore_patterns;
};

struct PlannerOptions {
  const Environment& environment;
  // Directory that relative paths of targets start from.
  std::filesystem::path base_directory;
  dockerfile::ImageResolver& resolver;
  // Makes a directory known to the engine. Without it directories have no keys, and the LLB is the
  // one that BuildKit makes.
  std::function<Status(const ContextDirectory&)> add_directory;
  // Makes an OCI layout known; returns the digest that its tag or index stands for.
  std::function<Result<dockerfile::OciLayoutContext>(const std::string& location)> add_layout;
  progress::Sink& progress;
  // Looks into remote contexts; null: what they hold is not known.
  ContextReader* contexts = nullptr;
  // Whether steps can have their devices; null: nobody runs them.
  dockerfile::DeviceCheck check_devices = {};
};

class Planner {
 public:
  explicit Planner(PlannerOptions options) : options_(std::move(options)) {}

  // In the order given. Targets that are contexts of others ("target:NAME") are planned before
  // those. `dockerfiles()` has the text of every Dockerfile that was read, also after an error.
  // What the rules of lint/ find is told as warnings of the step that reads the Dockerfile.
  Result<std::vector<PlannedTarget>> plan(const std::vector<bake::Target>& targets);

  // Without a graph, and as for BuildKit whatever the targets' platforms are. Targets that others
  // need as contexts are defined first; the same holds of dockerfiles().
  void define(std::vector<bake::Target> targets) { targets_ = std::move(targets); }
  // A Dockerfile that cannot be converted is a result as well.
  Result<CheckedTarget> check(const bake::Target& target);
  Result<OutlinedTarget> outline(const bake::Target& target);
  Result<ListedTarget> list(const bake::Target& target);

  const std::map<std::string, std::string>& dockerfiles() const { return dockerfiles_; }

 private:
  struct DockerfileText {
    std::string name;  // as errors show it
    std::string text;
    std::filesystem::path path;  // empty: no file
  };
  // What a conversion needs.
  struct Prepared {
    DockerfileText file;
    Digest step;                    // that read it
    std::filesystem::path context;  // a directory of ours, or empty
    std::filesystem::path ignore_file;
    std::optional<dockerfile::UrlContext> url;  // the context, where it is elsewhere
    std::vector<std::string> ignore_patterns;   // of the directory
    dockerfile::ConvertOptions options;
  };
  Result<const PlannedTarget*> plan_named(const std::string& name);
  Result<PlannedTarget> plan_one(const bake::Target& target);
  Result<Prepared> prepare(const bake::Target& target);
  // Finds and reads the Dockerfile; `options` is filled as far as build arguments go.
  Result<Prepared> read_dockerfile(const bake::Target& target);
  // For every platform at the same time: each asks registries for its base images.
  Result<std::vector<dockerfile::Conversion>> convert(
      const Prepared& prepared, const std::vector<std::optional<Platform>>& platforms);
  Status add_named_context(const std::string& name, const std::string& source,
                           std::map<std::string, dockerfile::ContextSource>& contexts);
  Result<dockerfile::ContextSource> named_context(const std::string& name,
                                                  const std::string& source);
  Result<dockerfile::LocalContext> add_directory(const std::string& name,
                                                 const std::filesystem::path& path,
                                                 std::vector<std::string> ignore_patterns);
  Result<dockerfile::ConvertOptions> convert_options(const bake::Target& target);
  Result<std::vector<std::optional<Platform>>> platforms_of(const bake::Target& target) const;
  std::filesystem::path absolute(const std::string& path) const;

  PlannerOptions options_;
  std::vector<bake::Target> targets_;
  std::map<std::string, std::unique_ptr<PlannedTarget>> planned_;
  std::vector<std::string> in_progress_;  // names, to find targets that need each other
  std::map<std::string, std::string> dockerfiles_;
};

}  // namespace slipway::cli
