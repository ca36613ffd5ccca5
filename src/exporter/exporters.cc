#include <unistd.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/text.h"
#include "exporter/archive_reader.h"
#include "exporter/attestation_files.h"
#include "exporter/exporter.h"
#include "exporter/image_archive.h"
#include "exporter/image_assembly.h"
#include "exporter/image_options.h"
#include "exporter/image_pusher.h"
#include "exporter/output_file.h"
#include "exporter/platform_trees.h"
#include "exporter/tree_copy.h"
#include "layer/tar_entry.h"
#include "layer/tree_writer.h"

namespace slipway::exporter {
namespace {

ExportedImage describe(const AssembledResult& made, const std::vector<Reference>& names) {
  ExportedImage exported{made.target, std::nullopt, names};
  if (!made.has_index) exported.config = made.images.front().config.digest;
  return exported;
}

// What images of all platforms may have layers of.
std::vector<Reference> base_images(const BuildResult& result) {
  std::vector<Reference> images;
  for (const PlatformResult& platform : result.platforms) {
    for (const Reference& image : platform.base_images) {
      if (std::ranges::find(images, image) == images.end()) images.push_back(image);
    }
  }
  return images;
}

// Layers that are made anew are made of files.
Needs needs_of(const ImageOptions& options, std::optional<int64_t> epoch, Needs as_they_are) {
  const LayerChoice choice = layer_choice(options, epoch, false);
  return choice.force || choice.clamp_mtime ? Needs::Files : as_they_are;
}

// type=image and type=registry: the local store, and a registry when asked.
class ImageExporter final : public Exporter {
 public:
  explicit ImageExporter(ImageOptions options) : options_(std::move(options)) {}

  std::string name() const override { return "exporting to image"; }

  std::optional<LayerChoice> layers(std::optional<int64_t> epoch) const override {
    return layer_choice(options_, epoch, false);
  }
  Needs needs(std::optional<int64_t> epoch) const override {
    // What is pushed can come from the registry that has it; what is only stored is needed here.
    return needs_of(options_, epoch, options_.push ? Needs::Names : Needs::Blobs);
  }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) override {
    // A registry may have layers of base images that are not here: pushing fetches what it lacks.
    const AssembledResult made = TRY(assemble_result(result, options_, false, context));
    target_ = made.target;
    sources_ = base_images(result);
    names_ = options_.names;
    const bool dangling = !options_.dangling_prefix.empty() &&
                          (!options_.dangling_empty_only || options_.names.empty());
    if (dangling) {
      names_.push_back(
          TRY(Reference::parse(options_.dangling_prefix + "@" + target_.digest.str())));
    }
    if (options_.name_canonical) {
      for (const Reference& name : options_.names) {
        names_.push_back(name.with_tag("").with_digest(target_.digest));
      }
    }
    if (options_.push && options_.names.empty()) {
      return make_error(ErrorCode::InvalidInput, "cannot push an image without a name")
          .with_hint("give it one with --tag NAME");
    }
    return describe(made, names_);
  }

  Status finalize(const ExportContext& context) override {
    Descriptor target = target_;
    target.platform.reset();
    target.annotations.clear();
    if (options_.store) TRY(name_image(context, target));
    if (!options_.push) return {};
    PushOptions push;
    push.sources = sources_;
    for (const Reference& name : options_.names) {
      const Reference place =
          options_.push_by_digest ? name.with_tag("").with_digest(target.digest) : name;
      TRY(push_image(context.store.content(), context.registry, target, place, push,
                     context.progress, context.stop)
              .context("push " + place.str()));
    }
    return {};
  }

 private:
  Status name_image(const ExportContext& context, const Descriptor& target) {
    if (names_.empty()) return context.store.images().tag(target.digest.str(), target);
    for (const Reference& name : names_) {
      TRY(context.store.images().tag(name.str(), target));
      const progress::Time now = std::chrono::system_clock::now();
      context.progress.status("naming to " + name.str(), 0, 0, now, true);
    }
    return {};
  }

  ImageOptions options_;
  Descriptor target_;
  std::vector<Reference> names_;
  std::vector<Reference> sources_;
};

// `written`, but where the disk of `path` is full it says so.
Status at_destination(Status written, const std::filesystem::path& path,
                      const ExportContext& context) {
  if (written) return written;
  return with_destination_hint(std::move(written).error(), path, context.store.layout().root());
}

// A file beside its name, or stdout: what archives are written to.
class ArchiveDestination {
 public:
  ArchiveDestination(std::filesystem::path path, int stdout_fd)
      : path_(std::move(path)), stdout_fd_(stdout_fd) {}
  explicit ArchiveDestination(std::vector<std::string> load_command)
      : load_command_(std::move(load_command)) {}

  bool is_stdout() const { return path_ == "-"; }
  // Calls write(sink, context) on the file: now for a file, in publish() for stdout and programs.
  template <typename Write>
  Status write(const ExportContext& context, Write write) {
    if (is_stdout()) {
      if (::isatty(stdout_fd_) == 1) {
        return make_error(ErrorCode::InvalidInput, "refusing to write an archive to a terminal")
            .with_hint("use dest=FILE or redirect the output");
      }
      later_ = [write, fd = stdout_fd_](const ExportContext& then) -> Status {
        return write_to(fd, then, write);
      };
      return {};
    }
    if (!load_command_.empty()) {
      later_ = [write, command = load_command_](const ExportContext& then) {
        return write_to_program(command, then, write);
      };
      return {};
    }
    return at_destination(write_to_file(context, write), path_, context);
  }
  Status publish(const ExportContext& context) {
    return file_ ? at_destination(file_->publish(), path_, context) : later_(context);
  }

 private:
  template <typename Write>
  static Status write_to(int fd, const ExportContext& context, Write& write) {
    layer::FdTarSink sink(fd);
    TRY(write(sink, context));
    return sink.flush();
  }

  template <typename Write>
  static Status write_to_program(const std::vector<std::string>& command,
                                 const ExportContext& context, Write& write) {
    TempDir scratch = TRY(context.store.scratch_directory("load-"));
    ArchiveReader reader = TRY(ArchiveReader::start(command, std::move(scratch)));
    const Status written = write_to(reader.fd(), context, write);
    return reader.finish(written, context.stop);
  }

  template <typename Write>
  Status write_to_file(const ExportContext& context, Write& write) {
    file_.emplace(TRY(OutputFile::create(path_)));
    return write_to(file_->fd(), context, write).context("write " + path_.string());
  }

  std::filesystem::path path_;
  int stdout_fd_ = -1;
  std::vector<std::string> load_command_;
  std::optional<OutputFile> file_;
  std::function<Status(const ExportContext&)> later_;
};

// type=oci and type=docker as archives.
class ArchiveExporter final : public Exporter {
 public:
  ArchiveExporter(ImageOptions options, ArchiveKind kind, ArchiveDestination destination)
      : options_(std::move(options)), kind_(kind), destination_(std::move(destination)) {}

  std::string name() const override {
    return fmt::format("exporting to {} image format",
                       kind_ == ArchiveKind::Oci ? "oci" : "docker");
  }

  std::optional<LayerChoice> layers(std::optional<int64_t> epoch) const override {
    return layer_choice(options_, epoch, true);
  }
  Needs needs(std::optional<int64_t> epoch) const override {
    return needs_of(options_, epoch, Needs::Blobs);
  }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) override {
    if (kind_ == ArchiveKind::Docker && result.multi_platform) {
      return make_error(ErrorCode::Unsupported,
                        "docker exporter does not currently support exporting manifest lists")
          .with_hint("type=oci has room for several platforms");
    }
    const AssembledResult made = TRY(assemble_result(result, options_, true, context));
    const ArchivedImage image{made.target, options_.names, made.images.front(), made.blobs()};
    const auto write = [image, this](layer::TarSink& sink, const ExportContext& now) -> Status {
      const progress::Time started = std::chrono::system_clock::now();
      now.progress.status("sending tarball", 0, 0, started, false);
      TRY(write_image_archive({image}, kind_, now.store.content(), sink, now.stop));
      now.progress.status("sending tarball", 0, 0, started, true);
      return {};
    };
    TRY(destination_.write(context, write));
    return describe(made, options_.names);
  }

  Status finalize(const ExportContext& context) override { return destination_.publish(context); }

 private:
  ImageOptions options_;
  ArchiveKind kind_;
  ArchiveDestination destination_;
};

// type=oci,tar=false: a layout directory, which may hold other images.
class LayoutExporter final : public Exporter {
 public:
  LayoutExporter(ImageOptions options, std::filesystem::path directory)
      : options_(std::move(options)), directory_(std::move(directory)) {}

  std::string name() const override { return "exporting to oci image format"; }

  std::optional<LayerChoice> layers(std::optional<int64_t> epoch) const override {
    return layer_choice(options_, epoch, true);
  }
  Needs needs(std::optional<int64_t> epoch) const override {
    return needs_of(options_, epoch, Needs::Blobs);
  }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) override {
    const AssembledResult made = TRY(assemble_result(result, options_, true, context));
    target_ = made.target;
    TRY(at_destination(
        add_layout_blobs(made.blobs(), directory_, context.store.content(), context.stop),
        directory_, context));
    return describe(made, options_.names);
  }

  Status finalize(const ExportContext& context) override {
    return at_destination(add_layout_entry(target_, options_.names, directory_), directory_,
                          context);
  }

 private:
  ImageOptions options_;
  std::filesystem::path directory_;
  Descriptor target_;
};

// type=tar: the file system as one archive, or those of several platforms.
class TarExporter final : public Exporter {
 public:
  TarExporter(std::optional<int64_t> epoch, TreesOptions trees, ArchiveDestination destination)
      : epoch_(epoch), trees_(std::move(trees)), destination_(std::move(destination)) {}

  std::string name() const override { return "exporting to client tarball"; }
  std::optional<LayerChoice> layers(std::optional<int64_t>) const override { return {}; }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) override {
    const BuildResult files = TRY(with_attestations_made(result));
    const auto write = [files, this](layer::TarSink& sink, const ExportContext& now) -> Status {
      return write_trees(files, sink, now);
    };
    TRY(destination_.write(context, write));
    return ExportedImage();
  }
  Needs needs(std::optional<int64_t>) const override { return Needs::Files; }

  Status finalize(const ExportContext& context) override { return destination_.publish(context); }

 private:
  Status write_trees(const BuildResult& result, layer::TarSink& sink,
                     const ExportContext& context) const {
    layer::TreeOptions options;
    options.overlay = false;
    options.fixed_mtime = epoch_ ? epoch_ : result.platforms.front().epoch;
    const std::vector<PlatformTree> trees = TRY(mount_trees(result, trees_, context));
    for (const PlatformTree& tree : trees) {
      options.prefix = tree.folder.empty() ? "" : tree.folder + "/";
      if (!options.prefix.empty()) {
        const layer::TarEntry folder{.name = options.prefix,
                                     .type = layer::EntryType::Directory,
                                     .mode = 0755,
                                     .mtime = options.fixed_mtime.value_or(0)};
        TRY(sink.append(layer::encode_tar_header(folder)));
      }
      TRY(layer::write_tree(tree.mounted.path(), options, sink, context.stop));
    }
    return sink.append_zeros(layer::kTarEndBytes);
  }

  std::optional<int64_t> epoch_;
  TreesOptions trees_;
  ArchiveDestination destination_;
};

// type=local: the file system as a directory. Merging into what is there cannot be undone, so it
// happens in finalize().
class LocalExporter final : public Exporter {
 public:
  LocalExporter(std::filesystem::path directory, TreesOptions trees, TreeCopyOptions options)
      : directory_(std::move(directory)), trees_(std::move(trees)), options_(std::move(options)) {}

  std::string name() const override { return "exporting to client directory"; }
  std::optional<LayerChoice> layers(std::optional<int64_t>) const override { return {}; }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext&) override {
    result_ = TRY(with_attestations_made(result));
    if (!options_.mtime) options_.mtime = result.platforms.front().epoch;
    return ExportedImage();
  }
  Needs needs(std::optional<int64_t>) const override { return Needs::Files; }

  Status finalize(const ExportContext& context) override {
    const std::vector<PlatformTree> trees = TRY(mount_trees(result_, trees_, context));
    TreeCopyOptions options = options_;
    options.warn = [&](std::string message) { context.progress.warn(std::move(message)); };
    if (options.delete_others) TRY(delete_other_folders(trees));
    for (const PlatformTree& tree : trees) {
      const std::filesystem::path directory = directory_ / tree.folder;
      TRY(at_destination(copy_tree_out(tree.mounted.path(), directory, options, context.stop),
                         directory, context));
      // What the first one did not have is gone; the next ones come beside it.
      if (tree.folder.empty()) options.delete_others = false;
    }
    return {};
  }

 private:
  // Beside the platforms' folders, where there are such.
  Status delete_other_folders(const std::vector<PlatformTree>& trees) const {
    std::error_code error;
    if (trees.front().folder.empty() || !std::filesystem::is_directory(directory_, error))
      return {};
    for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (std::ranges::find(trees, name, &PlatformTree::folder) != trees.end()) continue;
      std::filesystem::remove_all(entry->path(), error);
    }
    if (!error) return {};
    return make_error(ErrorCode::Internal, "delete what is in {}: {}", directory_.string(),
                      error.message());
  }

  std::filesystem::path directory_;
  TreesOptions trees_;
  TreeCopyOptions options_;
  BuildResult result_;
};

// type=cacheonly: the build was the point.
class CacheOnlyExporter final : public Exporter {
 public:
  std::string name() const override { return "exporting cache only"; }
  std::optional<LayerChoice> layers(std::optional<int64_t>) const override { return {}; }
  Result<ExportedImage> run(const BuildResult&, const ExportContext&) override {
    return ExportedImage();
  }
  Needs needs(std::optional<int64_t>) const override { return Needs::Names; }
  Status finalize(const ExportContext&) override { return {}; }
};

using Made = Result<std::unique_ptr<Exporter>>;

Result<std::filesystem::path> take_destination(ExporterOptions& options, const std::string& type,
                                               const char* fallback) {
  const std::string text = take_field(options, "dest").value_or(fallback);
  if (text.empty()) {
    return make_error(ErrorCode::InvalidInput, "output type {} needs dest=PATH", type);
  }
  if (text == "-") return std::filesystem::path(text);
  return (options.working_directory / text).lexically_normal();
}

std::vector<std::string> with(std::vector<std::string> keys, std::vector<std::string> more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

Made make_image(ExporterOptions options, const std::string& type) {
  ImageOptions image = TRY(take_image_options(options));
  if (type == "registry") image.push = true;
  TRY(refuse_unknown_fields(options, type, image_option_keys()));
  return Made(std::make_unique<ImageExporter>(std::move(image)));
}

Made make_archive(ExporterOptions options, const std::string& type) {
  ImageOptions image = TRY(take_image_options(options));
  const bool as_tar = TRY(take_flag(options, "tar", true));
  const bool loads = type == "docker" && as_tar && !options.fields.contains("dest");
  const std::filesystem::path destination = TRY(take_destination(options, type, as_tar ? "-" : ""));
  TRY(refuse_unknown_fields(options, type, with(image_option_keys(), {"tar", "dest"})));
  const ArchiveKind kind = type == "oci" ? ArchiveKind::Oci : ArchiveKind::Docker;
  if (!as_tar && kind == ArchiveKind::Docker) {
    return make_error(ErrorCode::Unsupported, "output type docker is always an archive")
        .with_hint("use type=oci,tar=false for a directory");
  }
  if (!as_tar && destination == "-") {
    return make_error(ErrorCode::InvalidInput,
                      "output type oci with tar=false needs dest=DIRECTORY");
  }
  if (loads && options.load_command.empty()) {
    return make_error(ErrorCode::InvalidInput,
                      "there is no docker, podman or containerd to load into")
        .with_hint(
            "without --load the image is in the local store (slipway images); "
            "-o type=docker,dest=FILE writes an archive");
  }
  if (loads) {
    return Made(std::make_unique<ArchiveExporter>(
        std::move(image), kind, ArchiveDestination(std::move(options.load_command))));
  }
  if (!as_tar) return Made(std::make_unique<LayoutExporter>(std::move(image), destination));
  return Made(std::make_unique<ArchiveExporter>(
      std::move(image), kind, ArchiveDestination(destination, options.stdout_fd)));
}

Result<std::optional<int64_t>> take_epoch(ExporterOptions& options) {
  // Parsed where images parse it.
  ExporterOptions only;
  if (auto text = take_field(options, "source-date-epoch")) {
    only.fields["source-date-epoch"] = std::move(*text);
  }
  return TRY(take_image_options(only)).epoch;
}

constexpr char kPlatformSplit[] = "platform-split";
constexpr char kAttestationPrefix[] = "attestation-prefix";

Result<TreesOptions> take_trees_options(ExporterOptions& options) {
  TreesOptions trees;
  if (options.fields.contains(kPlatformSplit)) {
    trees.split = TRY(take_flag(options, kPlatformSplit, true));
  }
  trees.attestation_prefix = take_field(options, kAttestationPrefix).value_or("");
  TRY(check_attestation_prefix(trees.attestation_prefix));
  return trees;
}

Made make_tar(ExporterOptions options) {
  const std::optional<int64_t> epoch = TRY(take_epoch(options));
  const std::filesystem::path destination = TRY(take_destination(options, "tar", "-"));
  TreesOptions trees = TRY(take_trees_options(options));
  TRY(refuse_unknown_fields(options, "tar",
                            {"dest", "source-date-epoch", kPlatformSplit, kAttestationPrefix}));
  return Made(std::make_unique<TarExporter>(epoch, std::move(trees),
                                            ArchiveDestination(destination, options.stdout_fd)));
}

Made make_local(ExporterOptions options) {
  TreeCopyOptions copy;
  copy.mtime = TRY(take_epoch(options));
  const std::filesystem::path destination = TRY(take_destination(options, "local", ""));
  TreesOptions trees = TRY(take_trees_options(options));
  const std::string mode = take_field(options, "mode").value_or("copy");
  if (mode != "copy" && mode != "delete") {
    return make_error(ErrorCode::InvalidInput,
                      "invalid value \"{}\" of output option mode: copy or delete expected", mode);
  }
  copy.delete_others = mode == "delete";
  TRY(refuse_unknown_fields(
      options, "local", {"dest", "source-date-epoch", kPlatformSplit, kAttestationPrefix, "mode"}));
  if (destination == "-") {
    return make_error(ErrorCode::InvalidInput, "output type local needs a directory");
  }
  return Made(std::make_unique<LocalExporter>(destination, std::move(trees), std::move(copy)));
}

}  // namespace

Result<std::unique_ptr<Exporter>> make_exporter(ExporterOptions options) {
  const std::string type = take_field(options, "type").value_or("image");
  if (type == "image" || type == "registry") return make_image(std::move(options), type);
  if (type == "oci" || type == "docker") return make_archive(std::move(options), type);
  if (type == "tar") return make_tar(std::move(options));
  if (type == "local") return make_local(std::move(options));
  if (type == "cacheonly") {
    TRY(refuse_unknown_fields(options, type, {}));
    return Made(std::make_unique<CacheOnlyExporter>());
  }
  Error error = make_error(ErrorCode::InvalidInput, "unknown output type \"{}\"", type);
  const std::string near =
      nearest(type, {"image", "registry", "oci", "docker", "tar", "local", "cacheonly"});
  if (!near.empty()) error = std::move(error).with_hint("did you mean \"" + near + "\"?");
  return error;
}

}  // namespace slipway::exporter
