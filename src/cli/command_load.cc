// `slipway load`: images from an archive or a layout into the local store.
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/command.h"
#include "cli/internal_step.h"
#include "cli/progress_mode.h"
#include "cli/session.h"
#include "source/image_import.h"

namespace slipway::cli {
namespace {

struct LoadFlags {
  std::string input;
  std::string platform;
  std::string progress;
  bool quiet = false;
};

using Images = std::vector<source::ImportedImage>;

// From a directory, a file or stdin.
Result<Images> load_from(const std::string& input, store::Store& store,
                         const std::optional<Platform>& platform,
                         progress::VertexReporter& reporter, Invocation& invocation) {
  if (input.empty() || input == "-") {
    return source::load_archive(store, STDIN_FILENO, platform, reporter, invocation.stop);
  }
  const std::filesystem::path path = invocation.environment.working_directory / input;
  if (directory_exists(path)) {
    const auto layout = TRY(source::OciLayout::open(path));
    return source::load_layout(store, *layout, platform, reporter, invocation.stop);
  }
  const UniqueFd file = TRY(open_file(path, O_RDONLY));
  return source::load_archive(store, file.get(), platform, reporter, invocation.stop)
      .context(input);
}

std::string loaded_line(const source::ImportedImage& image) {
  if (Digest::parse(image.name)) return fmt::format("Loaded image ID: {}\n", image.name);
  const Result<Reference> name = Reference::parse(image.name);
  return fmt::format("Loaded image: {}\n", name ? name->familiar() : image.name);
}

Result<int> load(const LoadFlags& flags, Invocation& invocation) {
  const bool from_stdin = flags.input.empty() || flags.input == "-";
  if (from_stdin && ::isatty(STDIN_FILENO) != 0) {
    return Error(ErrorCode::InvalidInput, "no archive: stdin is a terminal")
        .with_hint("name a file with -i FILE, or redirect one: slipway load <image.tar");
  }
  std::optional<Platform> platform;
  if (!flags.platform.empty()) {
    platform = TRY(Platform::parse(flags.platform).context("--platform"));
  }
  const auto store = TRY(open_store(invocation));
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  const std::string step = "loading " + (from_stdin ? std::string("from stdin") : flags.input);
  const Result<Images> images =
      as_step(*progress.sink, step, [&](progress::VertexReporter& reporter) {
        return load_from(flags.input, *store, platform, reporter, invocation);
      });
  progress.finish();
  if (!images) return images.error();
  TRY(end_use(*store, invocation.environment));
  std::string lines;
  for (const source::ImportedImage& image : *images) lines += loaded_line(image);
  TRY(write_all(STDOUT_FILENO, lines));
  return 0;
}

}  // namespace

Command make_load_command(CLI::App& app) {
  const auto flags = std::make_shared<LoadFlags>();
  app.footer(
      "Reads what docker save, podman save, skopeo copy and slipway save write: a tar archive of "
      "an\nOCI layout or of Docker's format, plain, gzip or zstd; or the directory of an OCI "
      "layout.\n\n"
      "Examples:\n"
      "  slipway load -i core.tar\n"
      "  docker save core | slipway load");
  app.add_option("-i,--input", flags->input, "Archive or directory to read instead of stdin")
      ->type_name("FILE");
  app.add_option("--platform", flags->platform, "Only this platform of multi-platform images")
      ->type_name("OS/ARCH[/VARIANT]");
  app.add_option("--progress", flags->progress,
                 "auto, plain, tty, quiet or rawjson (BUILDKIT_PROGRESS)")
      ->type_name("MODE");
  app.add_flag("-q,--quiet", flags->quiet, "Show no progress");
  return {[flags](Invocation& invocation) { return load(*flags, invocation); }, true};
}

}  // namespace slipway::cli
