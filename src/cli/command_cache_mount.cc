// `slipway cache-mount`: the directories of RUN --mount=type=cache, to look at and to move.
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/cache_mount_list.h"
#include "cli/cache_mount_source.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "cli/internal_step.h"
#include "cli/progress_mode.h"
#include "cli/session.h"
#include "exporter/cache_mount_packer.h"
#include "exporter/image_archive.h"
#include "exporter/image_pusher.h"
#include "exporter/output_file.h"
#include "registry/options.h"
#include "source/cache_mount_import.h"

namespace slipway::cli {
namespace {

constexpr char kLayoutTag[] = "cache-mounts";

struct CacheMountFlags {
  std::vector<std::string> ids;
  std::string format;
  std::string output;
  std::string to;
  std::string source;
  std::string max_size;
  std::string progress;
  bool all = false;
  bool replace = false;
  bool quiet = false;
};

Result<uint64_t> max_bytes(const CacheMountFlags& flags) {
  if (flags.max_size.empty()) return UINT64_MAX;
  return static_cast<uint64_t>(TRY(parse_size(flags.max_size).context("--max-size")));
}

std::string summary(const PackedCacheMount& mount) {
  return fmt::format("{}: {} in {} files", store::shown_id(mount.id), human_bytes(mount.bytes),
                     mount.files);
}

// ---- ls, rm

Result<int> list(const CacheMountFlags& flags, Invocation& invocation) {
  const auto store = TRY(open_store(invocation));
  if (!flags.quiet) {
    const std::string text =
        TRY(cache_mount_listing(*store, flags.format, store::now_microseconds()));
    TRY(write_all(STDOUT_FILENO, text));
    return 0;
  }
  std::string ids;
  for (const store::CacheMountInfo& mount : TRY(latest_cache_mounts(*store))) {
    const std::string line = store::shown_id(mount.id) + "\n";
    if (!ids.ends_with(line)) ids += line;
  }
  TRY(write_all(STDOUT_FILENO, ids));
  return 0;
}

// Removes all it can; one that is in use is an error where it was named, and is passed over by
// --all.
Result<int> remove(const CacheMountFlags& flags, Invocation& invocation) {
  if (flags.ids.empty() != flags.all) {
    return Error(ErrorCode::InvalidInput,
                 flags.all ? "IDs and --all exclude each other" : "no cache mount was named")
        .with_hint("give the IDs that \"slipway cache-mount ls\" shows, or --all");
  }
  const auto store = TRY(open_store(invocation));
  std::vector<store::CacheMountInfo> mounts = TRY(store::list_cache_mounts(*store));
  if (!flags.all) mounts = TRY(select_cache_mounts(mounts, flags.ids));
  int code = 0;
  for (const store::CacheMountInfo& mount : mounts) {
    const std::string shown = store::shown_id(mount.id);
    if (TRY(store->cache_mounts().remove(mount.number))) {
      TRY(write_all(STDOUT_FILENO,
                    fmt::format("Removed: {} ({})\n", shown, cache_mount_name(mount))));
    } else if (flags.all) {
      TRY(write_all(STDERR_FILENO, fmt::format("WARNING: {} stays: a step is using it\n", shown)));
    } else {
      const Error error = make_error(ErrorCode::Unavailable, "{} stays: a step is using it", shown)
                              .with_hint("try again when the builds that use it have ended");
      std::fputs(describe(error, {}).c_str(), stderr);
      code = exit_code(error);
    }
  }
  TRY(end_use(*store, invocation.environment));
  return code;
}

// ---- export

Result<std::vector<store::CacheMountInfo>> mounts_to_export(store::Store& store,
                                                            const CacheMountFlags& flags) {
  std::vector<store::CacheMountInfo> mounts = TRY(latest_cache_mounts(store));
  if (!flags.ids.empty()) mounts = TRY(select_cache_mounts(mounts, flags.ids));
  if (!mounts.empty()) return mounts;
  return Error(ErrorCode::NotFound, "there are no cache mounts to export")
      .with_hint("they come from steps with RUN --mount=type=cache");
}

// A directory is a layout, in which only what is new is written.
Status write_layout(const exporter::AssembledImage& image, const std::filesystem::path& directory,
                    store::Store& store, const std::stop_token& stop) {
  TRY(exporter::add_layout_blobs(image.blobs(), directory, store.content(), stop));
  return exporter::add_layout_tag(image.manifest, kLayoutTag, directory);
}

Status write_archive(const exporter::AssembledImage& image, int fd, store::Store& store,
                     const std::stop_token& stop) {
  layer::FdTarSink sink(fd);
  TRY(exporter::write_image_archive({{image.manifest, {}, image, image.blobs()}},
                                    exporter::ArchiveKind::Oci, store.content(), sink, stop));
  return sink.flush();
}

Status write_output(const exporter::AssembledImage& image, const CacheMountFlags& flags,
                    store::Store& store, Invocation& invocation) {
  if (flags.output == "-") return write_archive(image, STDOUT_FILENO, store, invocation.stop);
  const std::filesystem::path path = invocation.environment.working_directory / flags.output;
  std::error_code error;
  if (flags.output.ends_with('/') || std::filesystem::is_directory(path, error)) {
    return write_layout(image, path, store, invocation.stop);
  }
  exporter::OutputFile file = TRY(exporter::OutputFile::create(path));
  TRY(write_archive(image, file.fd(), store, invocation.stop));
  return file.publish();
}

Status publish(const exporter::AssembledImage& image, const CacheMountFlags& flags,
               const std::optional<Reference>& to, store::Store& store, Invocation& invocation,
               progress::VertexReporter& reporter) {
  if (!to) return write_output(image, flags, store, invocation).context("write " + flags.output);
  const auto client = registry::make_client(client_options(invocation.environment));
  return exporter::push_image(store.content(), *client, image.manifest, *to, {}, reporter,
                              invocation.stop);
}

Result<int> export_mounts(const CacheMountFlags& flags, Invocation& invocation) {
  if (flags.output.empty() == flags.to.empty()) {
    return Error(ErrorCode::InvalidInput, "export needs one place to write to")
        .with_hint("name a file with -o FILE, or an image of a registry with --to REF");
  }
  if (flags.output == "-" && ::isatty(STDOUT_FILENO) != 0) {
    return Error(ErrorCode::InvalidInput, "refusing to write an archive to a terminal")
        .with_hint("name a file with -o FILE, or redirect the output");
  }
  std::optional<Reference> to;
  if (!flags.to.empty()) to = TRY(Reference::parse(flags.to).context("--to")).with_default_tag();
  const exporter::PackLimits limits{.max_bytes = TRY(max_bytes(flags))};
  const auto store = TRY(open_store(invocation));
  const std::vector<store::CacheMountInfo> mounts = TRY(mounts_to_export(*store, flags));
  ThreadPool pool(std::max(2u, std::thread::hardware_concurrency()));
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  std::vector<PackedCacheMount> packed;
  const Status written = as_step(
      *progress.sink, "exporting cache mounts", [&](progress::VertexReporter& reporter) -> Status {
        packed = TRY(
            exporter::pack_cache_mounts(*store, mounts, limits, pool, reporter, invocation.stop));
        if (packed.empty()) {
          return Error(ErrorCode::InvalidInput, "nothing fits into --max-size " + flags.max_size)
              .with_hint("\"slipway cache-mount ls\" shows how big they are");
        }
        const exporter::AssembledImage image =
            TRY(exporter::assemble_cache_mounts(packed, store->content()));
        return publish(image, flags, to, *store, invocation, reporter);
      });
  progress.finish();
  if (!written) return written.error();
  TRY(end_use(*store, invocation.environment));
  std::string lines;
  for (const PackedCacheMount& mount : packed) lines += "Exported " + summary(mount) + "\n";
  if (flags.output != "-") TRY(write_all(STDOUT_FILENO, lines));
  return 0;
}

// ---- import

using Chosen = std::vector<std::pair<const CacheMountSource*, const PackedCacheMount*>>;

Result<Chosen> mounts_to_import(const std::vector<CacheMountSource>& sources,
                                const CacheMountFlags& flags) {
  Chosen chosen;
  std::vector<std::string> known;
  std::set<std::string> missing(flags.ids.begin(), flags.ids.end());
  for (const CacheMountSource& source : sources) {
    for (const PackedCacheMount& mount : source.mounts) {
      const std::string shown = store::shown_id(mount.id);
      known.push_back(shown);
      const bool wanted =
          flags.ids.empty() || std::ranges::find(flags.ids, shown) != flags.ids.end();
      if (wanted) chosen.emplace_back(&source, &mount);
      missing.erase(shown);
    }
  }
  if (missing.empty()) return chosen;
  return make_error(ErrorCode::NotFound, "{} has no cache mount {}{}", flags.source,
                    *missing.begin(), did_you_mean(*missing.begin(), known))
      .with_hint("it has: " + join(known, ", "));
}

// By what the chunks unpack to at most: what an artifact says of its files binds nobody.
Status check_size(const Chosen& chosen, const CacheMountFlags& flags) {
  const uint64_t limit = TRY(max_bytes(flags));
  uint64_t total = 0;
  for (const auto& [source, mount] : chosen) {
    total += std::min(unpacked_bytes(*mount), UINT64_MAX - total);
  }
  if (total <= limit) return {};
  return make_error(ErrorCode::InvalidInput, "the cache mounts take {}, more than --max-size {}",
                    human_bytes(total), flags.max_size)
      .with_hint("choose some of them with --id, or export them with a --max-size");
}

Result<int> import_mounts(const CacheMountFlags& flags, Invocation& invocation) {
  TRY(max_bytes(flags));
  const auto store = TRY(open_store(invocation));
  const auto client = registry::make_client(client_options(invocation.environment));
  const ShownProgress progress =
      TRY(show_progress(flags.quiet ? "quiet" : flags.progress, invocation.environment));
  const auto existing = flags.replace ? store::ExistingCache::Replace : store::ExistingCache::Merge;
  std::string lines;
  const Status imported = as_step(
      *progress.sink, "importing cache mounts", [&](progress::VertexReporter& reporter) -> Status {
        const std::vector<CacheMountSource> sources =
            TRY(open_cache_mounts(flags.source, invocation.environment.working_directory, *store,
                                  *client, reporter, invocation.stop));
        const Chosen chosen = TRY(mounts_to_import(sources, flags));
        TRY(check_size(chosen, flags));
        for (const auto& [source, mount] : chosen) {
          TRY(source::import_cache_mount(*store, *source->origin, *mount, existing, reporter,
                                         invocation.stop));
          lines += "Imported " + summary(*mount) + "\n";
        }
        return {};
      });
  progress.finish();
  TRY(end_use(*store, invocation.environment));
  TRY(write_all(STDOUT_FILENO, lines));
  if (!imported) return imported.error();
  return 0;
}

// ---- flags

void add_progress(CLI::App& command, CacheMountFlags& flags) {
  command
      .add_option("--progress", flags.progress,
                  "auto, plain, tty, quiet or rawjson (BUILDKIT_PROGRESS)")
      ->type_name("MODE");
  command.add_flag("-q,--quiet", flags.quiet, "Show no progress");
}

CLI::App* add_list(CLI::App& app, CacheMountFlags& flags) {
  CLI::App* command = app.add_subcommand("ls", "List cache mounts with what they hold");
  command
      ->add_option("--format", flags.format,
                   "table, json, or a template of .ID .Name .Base .ShortBase .Size .Bytes .Files "
                   ".CreatedAt .LastUsedAt .LastUsedSince .Uses .InUse")
      ->type_name("FORMAT");
  command->add_flag("-q,--quiet", flags.quiet, "Print only the IDs");
  command->footer(
      "ID is the id= of the mount, or its target. Caches with the same ID and another BASE (what "
      "from=\ngave them) are others. .Name is what \"slipway du\" calls it.");
  return command;
}

CLI::App* add_export(CLI::App& app, CacheMountFlags& flags) {
  CLI::App* command =
      app.add_subcommand("export", "Write cache mounts to a file, a directory or a registry");
  command->add_option("id", flags.ids, "Only these; default: all")->type_name("ID");
  command
      ->add_option(
          "-o,--output", flags.output,
          "File to write, - for stdout; a directory (DIR/) becomes an OCI layout, in which "
          "only what is new is written")
      ->type_name("FILE");
  command->add_option("--to", flags.to, "Name in a registry: only what it lacks is sent")
      ->type_name("REF");
  command
      ->add_option(
          "--max-size", flags.max_size,
          "Of all files together, not compressed. The caches that were used last come "
          "first; of one that does not fit, what was used longest ago is left out, in units "
          "of what lies two levels down (one wheel, one package), and told as a warning")
      ->type_name("SIZE");
  add_progress(*command, flags);
  command->footer(
      "Waits for steps that use a cache; steps wait while theirs is packed. Of several directories "
      "of one\nID (sharing=private) the last used one is taken.\n\n"
      "Examples:\n"
      "  slipway cache-mount export -o caches.tar\n"
      "  slipway cache-mount export /root/.cache/uv --to registry:5000/team/caches --max-size 2gb");
  return command;
}

CLI::App* add_import(CLI::App& app, CacheMountFlags& flags) {
  CLI::App* command = app.add_subcommand("import", "Bring exported cache mounts into the store");
  command
      ->add_option("source", flags.source,
                   "What export wrote: a file (- for stdin), a directory or a name in a registry; "
                   "or a build cache with cache mounts beside it")
      ->type_name("FILE|REF")
      ->required();
  command->add_option("--id", flags.ids, "Only this one; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  command->add_flag("--replace", flags.replace,
                    "The import takes the place of a cache that is there already");
  command
      ->add_option("--max-size", flags.max_size,
                   "Import nothing if it would take more than this, unpacked")
      ->type_name("SIZE");
  add_progress(*command, flags);
  command->footer(
      "A cache that is there already is merged with the import: each path that it has stays as it "
      "is, what\nit lacks is added. Waits for steps that use it. A cache is imported whole or not "
      "at all, whatever\nhappens meanwhile.\n\n"
      "Examples:\n"
      "  slipway cache-mount import caches.tar\n"
      "  slipway cache-mount import registry:5000/team/caches --id /root/.cache/uv");
  return command;
}

CLI::App* add_remove(CLI::App& app, CacheMountFlags& flags) {
  CLI::App* command = app.add_subcommand("rm", "Remove cache mounts");
  command->add_option("id", flags.ids, "IDs or names (cache-mount:7)")->type_name("ID");
  command->add_flag("-a,--all", flags.all, "All that no step is using");
  command->footer("One that a step is using stays.");
  return command;
}

}  // namespace

Command make_cache_mount_command(CLI::App& app) {
  const auto flags = std::make_shared<CacheMountFlags>();
  app.require_subcommand(1);
  app.footer(
      "Cache mounts are the directories of RUN --mount=type=cache. With --cache-to "
      "type=registry,mode=max\nthey travel beside the build cache by themselves.\n\n"
      "Examples:\n"
      "  slipway cache-mount ls\n"
      "  slipway cache-mount export -o caches.tar\n"
      "  slipway cache-mount import caches.tar");
  const CLI::App* listing = add_list(app, *flags);
  const CLI::App* exporting = add_export(app, *flags);
  const CLI::App* importing = add_import(app, *flags);
  add_remove(app, *flags);
  return {[flags, listing, exporting, importing](Invocation& invocation) -> Result<int> {
            if (listing->parsed()) return list(*flags, invocation);
            if (exporting->parsed()) return export_mounts(*flags, invocation);
            if (importing->parsed()) return import_mounts(*flags, invocation);
            return remove(*flags, invocation);
          },
          true};
}

}  // namespace slipway::cli
