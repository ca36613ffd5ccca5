#include "cli/solved_contexts.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file_io.h"
#include "base/root_dir.h"
#include "cli/internal_step.h"
#include "exporter/mounted_result.h"
#include "store/result_id.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kGit = "git://";
// As BuildKit's client names what it sends by itself: no host, and nothing is ever asked there.
constexpr std::string_view kUploads = "http://buildkit-session/";

Result<std::string> read_up_to(int fd, size_t max_bytes) {
  std::string text(max_bytes, '\0');
  size_t size = 0;
  while (size < max_bytes) {
    const ssize_t count = ::read(fd, text.data() + size, max_bytes - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read");
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  text.resize(size);
  return text;
}

}  // namespace

Result<std::vector<std::optional<std::string>>> SolvedContexts::read_starts(
    const graph::Definition& definition, const std::vector<std::string>& paths, size_t max_bytes) {
  std::vector<std::optional<std::string>> texts(paths.size());
  if (!definition.root()) return texts;
  auto results =
      TRY(parts_.scheduler.solve({definition, {*definition.root()}, parts_.progress, parts_.stop}));
  solver::StepResult solved = std::move(results.at(0));
  if (RemoteResults::named_stack_of(solved)) {
    solved = TRY(
        as_step(parts_.progress, "loading cached context", [&](progress::VertexReporter& reporter) {
          return parts_.remote_results.fetch(solved, reporter, parts_.stop);
        }));
  }
  const auto snapshot = store::snapshot_of_result(solved.id);
  if (!snapshot) return make_error(ErrorCode::Internal, "{} is no file system", solved.id);
  const exporter::MountedResult mounted =
      TRY(exporter::MountedResult::open(parts_.store, *snapshot));
  const RootDir root = TRY(RootDir::open(mounted.path()));
  for (size_t i = 0; i < paths.size(); ++i) {
    const auto info = TRY(root.stat_at(paths[i], true));
    if (!info || !S_ISREG(info->st_mode)) continue;
    const UniqueFd file = TRY(root.open_at(paths[i], O_RDONLY));
    texts[i] = TRY(read_up_to(file.get(), max_bytes).context(paths[i]));
  }
  return texts;
}

Result<std::optional<int64_t>> SolvedContexts::time(const graph::SourceOp& source,
                                                    const std::string& step_name) {
  return as_step(parts_.progress, step_name,
                 [&](progress::VertexReporter& reporter) -> Result<std::optional<int64_t>> {
                   if (source.identifier.starts_with(kGit)) {
                     const auto spec = TRY(source::GitSpec::parse(source.identifier, source.attrs));
                     return std::optional(TRY(parts_.git.commit_time(spec, parts_.stop)));
                   }
                   const auto spec =
                       TRY(source::HttpFileSpec::parse(source.identifier, source.attrs));
                   return parts_.files.time(spec, reporter, parts_.stop);
                 });
}

Result<std::string> SolvedContexts::take_archive(std::string start, int fd) {
  return as_step(parts_.progress, "[internal] load build context from stdin",
                 [&](progress::VertexReporter& reporter) -> Result<std::string> {
                   const progress::Time started = std::chrono::system_clock::now();
                   const auto writer = TRY(parts_.store.content().writer());
                   for (std::string bytes = std::move(start); !bytes.empty();) {
                     TRY(writer->write(bytes));
                     bytes = TRY(read_up_to(fd, 1 << 20).context("read context from stdin"));
                   }
                   const auto size = static_cast<int64_t>(writer->bytes_written());
                   const Digest digest = TRY(writer->commit());
                   reporter.status("transferring context:", size, 0, started, true);
                   const std::string url = std::string(kUploads) + std::string(digest.hex());
                   parts_.files.add_upload(url, digest);
                   return url;
                 });
}

}  // namespace slipway::cli
