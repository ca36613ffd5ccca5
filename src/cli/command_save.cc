// `slipway save`: local images as an archive.
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/internal_step.h"
#include "cli/local_images.h"
#include "cli/progress_mode.h"
#include "cli/session.h"
#include "exporter/image_archive.h"
#include "exporter/output_file.h"

namespace slipway::cli {
namespace {

constexpr std::chrono::milliseconds kReportInterval{100};

struct SaveFlags {
  std::vector<std::string> names;
  std::string output;
  std::string format = "oci";
  std::string progress;
  bool quiet = false;
};

// Passes everything on and tells how much it was.
class ReportingSink final : public layer::TarSink {
 public:
  ReportingSink(layer::FdTarSink& sink, int64_t total, progress::VertexReporter& reporter)
      : sink_(sink), total_(total), reporter_(reporter) {}

  std::span<char> room() override { return sink_.room(); }
  Status advance(size_t count) override {
    TRY(sink_.advance(count));
    done_ += static_cast<int64_t>(count);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kReportInterval) return {};
    last_ = now;
    reporter_.status("writing archive", std::min(done_, total_), total_, started_, false);
    return {};
  }
  Status finish() {
    TRY(sink_.flush());
    reporter_.status("writing archive", total_, total_, started_, true);
    return {};
  }

 private:
  layer::FdTarSink& sink_;
  const int64_t total_;
  progress::VertexReporter& reporter_;
  int64_t done_ = 0;
  const progress::Time started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// In the order of the command line; an image that was named twice is written once, with both names.
Result<std::vector<exporter::ArchivedImage>> images_to_save(store::Store& store,
                                                            const std::vector<std::string>& texts) {
  std::vector<exporter::ArchivedImage> images;
  for (const std::string& text : texts) {
    const LocalImage local = TRY(find_local_image(store, text));
    const Digest& digest = local.stored.target.digest;
    auto image = std::ranges::find(images, digest,
                                   [](const auto& archived) { return archived.target.digest; });
    if (image == images.end()) {
      images.push_back(TRY(
          exporter::read_archived_image(local.stored.target, {}, Platform::host(), store.content())
              .context("save " + text)));
      image = images.end() - 1;
    }
    if (local.name && std::ranges::find(image->names, *local.name) == image->names.end()) {
      image->names.push_back(*local.name);
    }
  }
  return images;
}

Status write_images(const std::vector<exporter::ArchivedImage>& images, const SaveFlags& flags,
                    int fd, store::Store& store, progress::VertexReporter& reporter,
                    std::stop_token stop) {
  int64_t total = 0;
  for (const exporter::ArchivedImage& image : images) {
    for (const Descriptor& blob : image.blobs) total += static_cast<int64_t>(blob.size);
  }
  const auto kind =
      flags.format == "docker" ? exporter::ArchiveKind::Docker : exporter::ArchiveKind::Oci;
  layer::FdTarSink file(fd);
  ReportingSink sink(file, total, reporter);
  TRY(exporter::write_image_archive(images, kind, store.content(), sink, stop));
  return sink.finish();
}

Result<int> save(const SaveFlags& flags, Invocation& invocation) {
  const bool to_stdout = flags.output.empty() || flags.output == "-";
  if (to_stdout && ::isatty(STDOUT_FILENO) != 0) {
    return Error(ErrorCode::InvalidInput, "refusing to write an archive to a terminal")
        .with_hint("name a file with -o FILE, or redirect the output");
  }
  const auto store = TRY(open_store(invocation));
  const auto images = TRY(images_to_save(*store, flags.names));
  std::optional<exporter::OutputFile> file;
  if (!to_stdout) {
    file.emplace(
        TRY(exporter::OutputFile::create(invocation.environment.working_directory / flags.output)));
  }
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  const std::string step =
      "saving " +
      (flags.names.size() == 1 ? flags.names[0] : std::to_string(images.size()) + " images");
  const Status written =
      as_step(*progress.sink, step, [&](progress::VertexReporter& reporter) -> Status {
        const int fd = file ? file->fd() : STDOUT_FILENO;
        TRY(write_images(images, flags, fd, *store, reporter, invocation.stop));
        return file ? file->publish() : Status();
      });
  progress.finish();
  if (!written) {
    return exporter::with_destination_hint(
        written.error(), to_stdout ? "/dev/stdout" : flags.output, store->layout().root());
  }
  return 0;
}

}  // namespace

Command make_save_command(CLI::App& app) {
  const auto flags = std::make_shared<SaveFlags>();
  app.footer(
      "An oci archive is read by podman, skopeo and docker (25 and newer); a docker archive also "
      "by\nolder ones.\n\n"
      "Examples:\n"
      "  slipway save -o core.tar core:latest\n"
      "  slipway save --format docker core llm | ssh host docker load");
  app.add_option("image", flags->names, "Names, IDs or digests of local images")
      ->type_name("IMAGE")
      ->required();
  app.add_option("-o,--output", flags->output, "File to write instead of stdout")
      ->type_name("FILE");
  app.add_option("--format", flags->format, "oci or docker")
      ->type_name("FORMAT")
      ->capture_default_str()
      ->check(CLI::IsMember({"oci", "docker"}));
  app.add_option("--progress", flags->progress,
                 "auto, plain, tty, quiet or rawjson (BUILDKIT_PROGRESS)")
      ->type_name("MODE");
  app.add_flag("-q,--quiet", flags->quiet, "Show no progress");
  return {[flags](Invocation& invocation) { return save(*flags, invocation); }, true};
}

}  // namespace slipway::cli
