// The main build context as an op: a directory of the client, a git repository, a file or an
// archive behind http(s), another target's result.
#include "base/url_password.h"
#include "base/values.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {
namespace {

// A copy of the one input, to the root.
Output copied(PendingGraph& graph, const Output& input, graph::FileCopy copy) {
  copy.dest = "/";
  PendingOp op;
  op.op = graph::FileOp{{{graph::kNone, 0, 0, std::move(copy)}}};
  op.inputs = {input};
  op.metadata.caps["file.base"] = true;
  return graph.add(std::move(op));
}

bool is_true(const std::map<std::string, std::string>& args, const char* name) {
  const auto found = args.find(name);
  return found != args.end() && parse_bool(found->second).value_or(false);
}

PendingOp git_context(const ConvertOptions& options, GitRef git, const std::string& url) {
  if (is_true(options.build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR")) git.keep_git_dir = true;
  const auto epoch = options.build_args.find("SOURCE_DATE_EPOCH");
  if (git.mtime.empty() && epoch != options.build_args.end() && !epoch->second.empty()) {
    git.mtime = "commit";
  }
  return git_source(git, named("[internal] load git source " + without_passwords(url)));
}

Output http_context(PendingGraph& graph, const UrlContext& context) {
  const Output file = graph.add(
      http_source(context.url, kUrlContextFile, "", named("[internal] load remote build context")));
  return context.is_archive ? unpacked(graph, file, context.directory) : file;
}

Result<Output> add_url_context(PendingGraph& graph, const ConvertOptions& options,
                               const UrlContext& context) {
  const std::optional<GitRef> git = TRY(parse_git_ref(context.url));
  if (git) return graph.add(git_context(options, *git, context.url));
  if (is_http_source(context.url)) return http_context(graph, context);
  return make_error(ErrorCode::InvalidInput, "build context {}: want a directory, git or http(s)",
                    context.url);
}

Output local_context(PendingGraph& graph, const LocalContext& local) {
  const std::string& hint = local.shared_key.empty() ? local.name : local.shared_key;
  graph::SourceOp op{"local://" + local.name, {{"local.sharedkeyhint", hint}}};
  graph::VertexMetadata metadata = named("[internal] load build context");
  metadata.caps = {{"source.local", true}, {"source.local.sharedkeyhint", true}};
  if (!local.excludes.empty()) {
    op.attrs["local.excludepatterns"] = json_list(local.excludes);
    metadata.caps["source.local.excludepatterns"] = true;
  }
  return graph.add({std::move(op), {}, std::nullopt, std::move(metadata), std::nullopt});
}

}  // namespace

Output unpacked(PendingGraph& graph, const Output& archive, const std::string& directory) {
  graph::FileCopy unpack;
  unpack.src = std::string("/") + kUrlContextFile;
  unpack.attempt_unpack = true;
  const Output files = copied(graph, archive, std::move(unpack));
  if (clean_path("/" + directory) == "/") return files;
  graph::FileCopy part;
  part.src = clean_path("/" + directory);
  part.dir_copy_contents = true;
  return copied(graph, files, std::move(part));
}

UrlContext url_context(std::string_view text) {
  const size_t fragment = text.find("#:");
  if (fragment == std::string_view::npos || !is_http_source(text)) return {std::string(text)};
  return {std::string(text.substr(0, fragment)), true, std::string(text.substr(fragment + 2))};
}

Result<std::optional<Output>> add_main_context(PendingGraph& graph, const ConvertOptions& options) {
  const ContextSource& source = options.main_context;
  if (const auto* local = std::get_if<LocalContext>(&source)) {
    return std::optional(local_context(graph, *local));
  }
  if (const auto* input = std::get_if<InputContext>(&source)) {
    return graph.import(*input->definition);
  }
  if (const auto* url = std::get_if<UrlContext>(&source)) {
    return std::optional(TRY(add_url_context(graph, options, *url)));
  }
  return make_error(ErrorCode::Unsupported,
                    "the build context must be a directory, a git URL or an http(s) URL");
}

Result<graph::Definition> main_context_definition(const ConvertOptions& options) {
  PendingGraph graph({options.file_name, "", "Dockerfile"});
  const std::optional<Output> root = TRY(add_main_context(graph, options));
  return graph.finish(root);
}

graph::Definition http_file_definition(const std::string& url, const std::string& filename) {
  PendingGraph graph({filename, "", "Dockerfile"});
  return graph.finish(graph.add(
      http_source(url, filename, "", named("[internal] load " + without_passwords(url)))));
}

}  // namespace slipway::dockerfile
