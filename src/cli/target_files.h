// TargetFiles: where a target's files come from, and the text of its Dockerfile.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context_reader.h"
#include "cli/environment.h"
#include "frontend/bake/target.h"
#include "frontend/dockerfile/convert.h"
#include "progress/sink.h"

namespace slipway::cli {

struct TargetFiles {
  // The build context: a directory, or somewhere else; neither: it has no files.
  std::filesystem::path directory;
  std::optional<dockerfile::UrlContext> url;
  std::vector<std::string> ignore_patterns;  // of the directory
  std::filesystem::path ignore_file;         // that has them, also where it is still missing

  std::string name;  // of the Dockerfile, as errors show it
  std::string text;
  std::filesystem::path path;  // empty: stdin, inline, or elsewhere
  Digest step;                 // that read it
};

struct TargetFilesOptions {
  const Environment& environment;
  std::filesystem::path base_directory;  // relative paths of targets start here
  ContextReader* contexts = nullptr;     // null: Dockerfiles of remote contexts cannot be read
  progress::Sink& progress;
};

// `convert`: what decides how the context is fetched (build arguments); its main context is not
// looked at. Where the context is "-", reads stdin: an archive is the context, a text the
// Dockerfile.
Result<TargetFiles> find_files(const bake::Target& target, dockerfile::ConvertOptions convert,
                               const TargetFilesOptions& options);

// Whether a context is a git reference or an http(s) URL. (A directory of that name comes first.)
bool is_remote_context(const std::string& context);

}  // namespace slipway::cli
