#include "cli/target_files.h"

#include <unistd.h>

#include "base/file_io.h"
#include "base/text.h"
#include "base/url_password.h"
#include "cli/internal_step.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/ignore_file.h"
#include "source/archive.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDockerfileBytes = 1 << 20;
constexpr char kDefaultName[] = "Dockerfile";
constexpr char kStdin[] = "-";

bool is_http(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// "dockerfile" will do for "Dockerfile" (moby/moby#10858).
std::vector<fs::path> spellings(const fs::path& file) {
  if (file.filename() != kDefaultName) return {file};
  return {file, file.parent_path() / "dockerfile"};
}

class FileFinder {
 public:
  FileFinder(const bake::Target& target, dockerfile::ConvertOptions convert,
             const TargetFilesOptions& options)
      : target_(target),
        dockerfile_(target.dockerfile),
        convert_(std::move(convert)),
        options_(options) {
    constexpr std::string_view kHere = "cwd://";
    if (!dockerfile_.starts_with(kHere)) return;
    dockerfile_ =
        (options.base_directory / dockerfile_.substr(kHere.size())).lexically_normal().string();
  }

  Result<TargetFiles> find() {
    TRY(find_context());
    if (files_.url) convert_.main_context = *files_.url;
    if (has_text_) return std::move(files_);
    if (target_.dockerfile_inline) {
      TRY(take(kDefaultName, [&] { return Result<std::string>(*target_.dockerfile_inline); }));
    } else if (dockerfile_ == kStdin) {
      TRY(take(kDefaultName, [&] {
        return read_fd(STDIN_FILENO, kMaxDockerfileBytes).context("read Dockerfile from stdin");
      }));
    } else if (is_http(dockerfile_)) {
      TRY(read_remote(dockerfile::http_file_definition(dockerfile_, kDefaultName), kDefaultName,
                      dockerfile_));
    } else if (files_.url && !fs::path(name()).is_absolute()) {
      TRY(read_from_context());
    } else {
      TRY(read_local());
    }
    return std::move(files_);
  }

 private:
  std::string name() const { return dockerfile_.empty() ? kDefaultName : dockerfile_; }

  Status find_context() {
    if (target_.context == kStdin) return read_stdin();
    const fs::path directory = (options_.base_directory / target_.context).lexically_normal();
    if (directory_exists(directory)) {
      files_.directory = directory;
      return read_ignore_file();
    }
    if (!is_remote_context(target_.context)) {
      return make_error(ErrorCode::NotFound, "build context {}: no such directory",
                        without_passwords(target_.context));
    }
    files_.url = dockerfile::url_context(target_.context);
    const bool is_git = TRY(dockerfile::parse_git_ref(target_.context)).has_value();
    if (!is_git && !files_.url->is_archive) TRY(look_at_url());
    return {};
  }

  // A tar archive or a Dockerfile.
  Status read_stdin() {
    if (dockerfile_ == kStdin) {
      return make_error(ErrorCode::InvalidInput,
                        "stdin cannot be both the build context and the Dockerfile");
    }
    std::string start = TRY(read_start_of_stdin());
    if (source::is_archive(start)) {
      TRY(need_reader("a build context from stdin"));
      files_.url = dockerfile::UrlContext{
          TRY(options_.contexts->take_archive(std::move(start), STDIN_FILENO)), true};
      return {};
    }
    if (name() != kDefaultName && !target_.dockerfile_inline) {
      return make_error(ErrorCode::InvalidInput,
                        "two Dockerfiles: {}, and what stdin has is no archive but one, too",
                        name());
    }
    if (target_.dockerfile_inline) return {};
    return take(kDefaultName, [&]() -> Result<std::string> {
      return start + TRY(read_fd(STDIN_FILENO, kMaxDockerfileBytes).context("read stdin"));
    });
  }

  static Result<std::string> read_start_of_stdin() {
    std::string start;
    while (start.size() < source::kArchiveHeaderBytes) {
      char bytes[source::kArchiveHeaderBytes];
      const ssize_t count = ::read(STDIN_FILENO, bytes, source::kArchiveHeaderBytes - start.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error("read stdin");
      if (count == 0) break;
      start.append(bytes, static_cast<size_t>(count));
    }
    return start;
  }

  // A file behind a URL is an archive of the context, or the Dockerfile.
  Status look_at_url() {
    if (options_.contexts == nullptr) {
      files_.url->is_archive = true;  // nobody can say
      return {};
    }
    convert_.main_context = *files_.url;
    const auto start = TRY(
        options_.contexts->read_start(TRY(dockerfile::main_context_definition(convert_)),
                                      dockerfile::kUrlContextFile, source::kArchiveHeaderBytes));
    files_.url->is_archive = source::is_archive(start.value_or(""));
    return {};
  }

  Status read_from_context() {
    TRY(need_reader("a Dockerfile in a remote build context"));
    const graph::Definition definition = TRY(dockerfile::main_context_definition(convert_));
    const bool is_dockerfile =
        !files_.url->is_archive && !TRY(dockerfile::parse_git_ref(files_.url->url));
    if (is_dockerfile) return read_remote(definition, dockerfile::kUrlContextFile, target_.context);
    return read_remote(definition, name(), name());
  }

  Status need_reader(std::string_view what) const {
    if (options_.contexts != nullptr) return {};
    return make_error(ErrorCode::Unsupported, "{} is not read by this command", what)
        .with_hint("name a Dockerfile that is here with -f and its absolute path");
  }

  Status read_remote(const graph::Definition& definition, const std::string& path,
                     const std::string& shown_name) {
    TRY(need_reader("a Dockerfile behind a URL"));
    for (const fs::path& spelling : spellings(path)) {
      auto text = TRY(
          options_.contexts->read_start(definition, spelling.string(), kMaxDockerfileBytes + 1));
      if (!text) continue;
      if (text->size() > kMaxDockerfileBytes) {
        return make_error(ErrorCode::ResourceExhausted, "{} has more than {} bytes",
                          without_passwords(shown_name), kMaxDockerfileBytes);
      }
      files_.name = without_passwords(shown_name);
      files_.text = *std::move(text);
      files_.step = definition.vertex(definition.root()->vertex).digest;
      return {};
    }
    return make_error(ErrorCode::NotFound, "read Dockerfile {}: no such file in {}", path,
                      without_passwords(target_.context));
  }

  Status read_local() {
    const fs::path file =
        fs::path(name()).is_absolute() ? fs::path(name()) : files_.directory / name();
    // Errors show the file as the user would name it.
    const fs::path relative = file.lexically_relative(options_.environment.working_directory);
    const bool below = !relative.empty() && *relative.begin() != "..";
    return take(below ? relative.string() : name(), [&]() -> Result<std::string> {
      for (const fs::path& spelling : spellings(file)) {
        Result<std::string> text = read_file(spelling, kMaxDockerfileBytes);
        if (text || text.error().code() != ErrorCode::NotFound) {
          files_.path = spelling;
          return std::move(text).context("read Dockerfile");
        }
      }
      return make_error(ErrorCode::NotFound, "read Dockerfile {}: no such file", file.string());
    });
  }

  // Reads the Dockerfile as a step.
  template <typename Read>
  Status take(const std::string& shown_name, Read read) {
    files_.name = shown_name;
    files_.text = TRY(
        as_step(options_.progress,
                "[internal] load build definition from " + fs::path(name()).filename().string(),
                [&](progress::VertexReporter& reporter) {
                  files_.step = reporter.vertex();
                  Result<std::string> text = read();
                  if (text) {
                    reporter.status("transferring dockerfile:", static_cast<int64_t>(text->size()),
                                    0, std::nullopt, true);
                  }
                  return text;
                }));
    has_text_ = true;
    return {};
  }

  // The one beside the Dockerfile counts before the context's own.
  Status read_ignore_file() {
    const fs::path file =
        fs::path(name()).is_absolute() ? fs::path(name()) : files_.directory / name();
    for (const fs::path& path :
         {fs::path(file.string() + ".dockerignore"), files_.directory / ".dockerignore"}) {
      files_.ignore_file = path;
      const Result<std::string> text = read_file(path, kMaxDockerfileBytes);
      if (text) {
        files_.ignore_patterns = dockerfile::read_ignore_file(*text);
        return {};
      }
      if (text.error().code() != ErrorCode::NotFound) return text.error();
    }
    return {};
  }

  const bake::Target& target_;
  std::string dockerfile_;  // what "cwd://" is of is put before it
  dockerfile::ConvertOptions convert_;
  const TargetFilesOptions& options_;
  TargetFiles files_;
  bool has_text_ = false;
};

}  // namespace

Result<TargetFiles> find_files(const bake::Target& target, dockerfile::ConvertOptions convert,
                               const TargetFilesOptions& options) {
  return FileFinder(target, std::move(convert), options).find();
}

bool is_remote_context(const std::string& context) {
  if (is_http(context)) return true;
  const auto git = dockerfile::parse_git_ref(context);
  return !git || git->has_value();  // a git reference with wrong options is one all the same
}

}  // namespace slipway::cli
