#include "exporter/archive_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::exporter {
namespace {

constexpr char kSaid[] = "said";
constexpr size_t kMaxSaidBytes = 64 << 10;

}  // namespace

Result<ArchiveReader> ArchiveReader::start(const std::vector<std::string>& command,
                                           TempDir scratch) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("make a pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const UniqueFd said = TRY(open_file(scratch.path() / kSaid, O_WRONLY | O_CREAT | O_APPEND, 0600));
  ProcessOptions options;
  options.argv = command;
  options.stdin_fd = output.get();
  options.stdout_fd = said.get();
  options.stderr_fd = said.get();
  ChildProcess process = TRY(ChildProcess::start(options).context("start " + command.front()));
  return ArchiveReader(join(command, " "), std::move(process), std::move(input),
                       std::move(scratch));
}

Status ArchiveReader::finish(const Status& written, std::stop_token stop) {
  input_.reset();
  const ExitStatus ended = TRY(process_.wait(std::move(stop)).context(name_));
  // A reader that is gone is no cause; anything else is, also of what a cut off archive made it
  // say.
  const bool reader_went = !written && written.error().errno_value() == EPIPE;
  if (ended.success() || (!written && !reader_went)) return written;
  const Result<std::string> said = read_file(scratch_.path() / kSaid, kMaxSaidBytes);
  return make_error(ErrorCode::StepFailed, "{} ended with code {}: {}", name_, ended.shell_code(),
                    said ? trim(*said) : std::string_view());
}

}  // namespace slipway::exporter
