#include "cli/remote_bake.h"

#include <algorithm>

#include "base/text.h"
#include "base/url_password.h"
#include "cli/target_files.h"
#include "frontend/compose/definition_files.h"
#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/path_rules.h"
#include "source/archive.h"

namespace slipway::cli {
namespace {

constexpr size_t kMaxBytes = 2 << 20;  // of one file; buildx's limit

using dockerfile::GitRef;

Result<graph::Definition> tree_of(dockerfile::UrlContext context) {
  dockerfile::ConvertOptions options;
  options.main_context = std::move(context);
  return dockerfile::main_context_definition(options);
}

// The value of a query, with what is special there written as %XX.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

// "?subdir=x" with another value; nullopt where the query has none.
std::optional<std::string> with_query_directory(const std::string& url,
                                                const std::string& directory) {
  const size_t question = url.find('?');
  if (question == std::string::npos || url.find('#') != std::string::npos) return std::nullopt;
  std::vector<std::string> fields = split(url.substr(question + 1), '&');
  const auto found = std::ranges::find_if(
      fields, [](const std::string& field) { return field.starts_with("subdir="); });
  if (found == fields.end()) return std::nullopt;
  *found = "subdir=" + encoded(directory);
  return url.substr(0, question + 1) + join(fields, "&");
}

Error no_such_file(const std::string& path, const std::string& url) {
  return make_error(ErrorCode::NotFound, "read {}: no such file in {}", path,
                    without_passwords(url));
}

std::optional<GitRef> git_of(const std::string& context) {
  const auto git = dockerfile::parse_git_ref(context);
  return git ? *git : std::nullopt;
}

}  // namespace

BakeArguments bake_arguments(const std::vector<std::string>& words) {
  BakeArguments arguments;
  size_t next = 0;
  const auto take_url = [&](std::string& into) {
    if (next == words.size() || !is_remote_context(words[next])) return false;
    into = words[next++];
    return true;
  };
  if (take_url(arguments.url)) take_url(arguments.command_context);
  arguments.targets.assign(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  return arguments;
}

Result<std::string> git_url_of_directory(const std::string& url, const std::string& directory) {
  std::string path = dockerfile::clean_path(directory);
  if (path == ".") return url;
  const std::optional<GitRef> git = TRY(dockerfile::parse_git_ref(url));
  if (git && !git->subdir.empty()) path = dockerfile::join_path(git->subdir, path);
  if (path == ".." || path.starts_with("../")) {
    return make_error(ErrorCode::InvalidInput, "the directory {} is outside of {}", directory,
                      without_passwords(url));
  }
  if (auto with_query = with_query_directory(url, path)) return *std::move(with_query);
  const size_t fragment = url.find('#');
  const std::string base = url.substr(0, fragment);
  std::string ref = fragment == std::string::npos ? "" : url.substr(fragment + 1);
  ref = ref.substr(0, ref.find(':'));
  return base + "#" + ref + ":" + path;
}

Result<RemoteBake> RemoteBake::open(ContextReader& reader, const std::string& url) {
  RemoteBake remote(reader, url);
  dockerfile::UrlContext context = dockerfile::url_context(url);
  const bool is_git = TRY(dockerfile::parse_git_ref(url)).has_value();
  if (is_git || context.is_archive) {
    remote.tree_ = TRY(tree_of(std::move(context)));
    return remote;
  }
  graph::Definition file = TRY(tree_of(context));
  const auto start =
      TRY(reader.read_start(file, dockerfile::kUrlContextFile, source::kArchiveHeaderBytes));
  if (source::is_archive(start.value_or(""))) {
    context.is_archive = true;
    remote.tree_ = TRY(tree_of(std::move(context)));
    return remote;
  }
  remote.tree_ = std::move(file);
  remote.text_ = TRY(remote.find({dockerfile::kUrlContextFile})).at(0).value_or("");
  return remote;
}

Result<std::vector<std::optional<std::string>>> RemoteBake::find(
    const std::vector<std::string>& paths) const {
  auto texts = TRY(reader_->read_starts(tree_, paths, kMaxBytes + 1));
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!texts[i] || texts[i]->size() <= kMaxBytes) continue;
    return make_error(ErrorCode::ResourceExhausted, "read {} of {}: it has more than {} bytes",
                      paths[i], without_passwords(url_), kMaxBytes);
  }
  return texts;
}

Result<std::string> RemoteBake::read(const std::string& path) const {
  if (text_) {
    return make_error(ErrorCode::Unsupported, "read {}: a file at a URL stands alone", path)
        .with_hint("use a git repository or an archive for several files");
  }
  std::vector<std::optional<std::string>> texts = TRY(find({path}));
  if (texts[0]) return *std::move(texts[0]);
  return no_such_file(path, url_);
}

Result<std::vector<compose::File>> RemoteBake::files(const std::vector<std::string>& names) const {
  std::vector<compose::File> files;
  if (text_) {
    files.push_back({url_, *text_});
    return files;
  }
  std::vector<std::string> wanted = names;
  if (names.empty()) {
    wanted.assign(std::begin(compose::kDefaultFiles), std::end(compose::kDefaultFiles));
  }
  std::vector<std::optional<std::string>> texts = TRY(find(wanted));
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (texts[i]) {
      files.push_back({wanted[i], *std::move(texts[i])});
    } else if (!names.empty()) {
      return no_such_file(wanted[i], url_);
    }
  }
  if (!files.empty()) return files;
  return make_error(ErrorCode::NotFound, "no compose or bake file in {}", without_passwords(url_))
      .with_hint("name one with -f, or a directory: URL#REF:DIRECTORY");
}

bake::Elsewhere RemoteBake::elsewhere() const {
  if (text_) return {};
  if (git_of(url_)) {
    return
        [url = url_](const std::string& directory) { return git_url_of_directory(url, directory); };
  }
  return [context = dockerfile::url_context(url_)](const std::string& directory) {
    const std::string path = dockerfile::join_path(context.directory, directory);
    return Result<std::string>(context.url + "#:" + path);
  };
}

Result<bake::Target> remote_access(const std::string& url, const Environment& environment) {
  bake::Target access;
  const std::optional<GitRef> git = TRY(dockerfile::parse_git_ref(url));
  if (!git) return access;
  for (const char* secret : {"GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"}) {
    const std::string variable = fmt::format("BUILDX_BAKE_{}", secret);
    if (!environment.has(variable)) continue;
    access.secrets.push_back({{"id", fmt::format("{}.{}", secret, git->host)}, {"env", variable}});
  }
  if (git->scheme != "ssh") return access;
  const std::string keys = environment.get("BUILDX_BAKE_GIT_SSH");
  if (!keys.empty()) {
    access.ssh = {"default=" + keys};
  } else if (environment.has("SSH_AUTH_SOCK")) {
    access.ssh = {"default"};
  }
  return access;
}

std::vector<bake::Target> with_remote_access(const bake::Target& access, const std::string& url,
                                             std::vector<bake::Target> targets) {
  const std::optional<GitRef> from = git_of(url);
  for (bake::Target& target : targets) {
    const std::optional<GitRef> git = git_of(target.context);
    if (!from || !git || git->host != from->host) continue;
    target.secrets.insert(target.secrets.end(), access.secrets.begin(), access.secrets.end());
    const bool has_default = std::ranges::any_of(target.ssh, [](const std::string& text) {
      return text.substr(0, text.find('=')) == "default";
    });
    if (!has_default) target.ssh.insert(target.ssh.end(), access.ssh.begin(), access.ssh.end());
  }
  return targets;
}

}  // namespace slipway::cli
