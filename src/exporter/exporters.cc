#include <unistd.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/text.h"
#include "exporter/exporter.h"
#include "exporter/image_archive.h"
#include "exporter/image_assembly.h"
#include "exporter/image_options.h"
#include "exporter/image_pusher.h"
#include "exporter/mounted_result.h"
#include "exporter/output_file.h"
#include "exporter/tree_copy.h"
#include "layer/tree_writer.h"

namespace slipway::exporter {
namespace {

ExportedImage describe(const AssembledImage& image, const std::vector<Reference>& names) {
  return {image.manifest, image.config.digest, names};
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
    image_ = TRY(assemble_image(result, options_, false, context));
    sources_ = result.base_images;
    names_ = options_.names;
    const bool dangling = !options_.dangling_prefix.empty() &&
                          (!options_.dangling_empty_only || options_.names.empty());
    if (dangling) {
      names_.push_back(
          TRY(Reference::parse(options_.dangling_prefix + "@" + image_.manifest.digest.str())));
    }
    if (options_.name_canonical) {
      for (const Reference& name : options_.names) {
        names_.push_back(name.with_tag("").with_digest(image_.manifest.digest));
      }
    }
    if (options_.push && options_.names.empty()) {
      return make_error(ErrorCode::InvalidInput, "cannot push an image without a name")
          .with_hint("give it one with --tag NAME");
    }
    return describe(image_, names_);
  }

  Status finalize(const ExportContext& context) override {
    Descriptor target = image_.manifest;
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
  AssembledImage image_;
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

  bool is_stdout() const { return path_ == "-"; }
  // Calls write(sink, context) on the file: now for a file, in publish() for stdout.
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
  Status write_to_file(const ExportContext& context, Write& write) {
    file_.emplace(TRY(OutputFile::create(path_)));
    return write_to(file_->fd(), context, write).context("write " + path_.string());
  }

  std::filesystem::path path_;
  int stdout_fd_;
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
    const AssembledImage image = TRY(assemble_image(result, options_, true, context));
    const auto write = [image, this](layer::TarSink& sink, const ExportContext& now) -> Status {
      const progress::Time started = std::chrono::system_clock::now();
      now.progress.status("sending tarball", 0, 0, started, false);
      TRY(write_image_archive(image, options_.names, kind_, now.store.content(), sink, now.stop));
      now.progress.status("sending tarball", 0, 0, started, true);
      return {};
    };
    TRY(destination_.write(context, write));
    return describe(image, options_.names);
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
    image_ = TRY(assemble_image(result, options_, true, context));
    TRY(at_destination(add_layout_blobs(image_, directory_, context.store.content(), context.stop),
                       directory_, context));
    return describe(image_, options_.names);
  }

  Status finalize(const ExportContext& context) override {
    return at_destination(add_layout_entry(image_, options_.names, directory_), directory_,
                          context);
  }

 private:
  ImageOptions options_;
  std::filesystem::path directory_;
  AssembledImage image_;
};

// type=tar: the file system as one archive.
class TarExporter final : public Exporter {
 public:
  TarExporter(std::optional<int64_t> epoch, ArchiveDestination destination)
      : epoch_(epoch), destination_(std::move(destination)) {}

  std::string name() const override { return "exporting to client tarball"; }
  std::optional<LayerChoice> layers(std::optional<int64_t>) const override { return {}; }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext& context) override {
    layer::TreeOptions tree;
    tree.overlay = false;
    tree.fixed_mtime = epoch_ ? epoch_ : result.epoch;
    const auto write = [tree, result](layer::TarSink& sink, const ExportContext& now) -> Status {
      const MountedResult mounted = TRY(MountedResult::open(now.store, result.snapshot));
      TRY(layer::write_tree(mounted.path(), tree, sink, now.stop));
      return sink.append_zeros(2 * 512);
    };
    TRY(destination_.write(context, write));
    return ExportedImage();
  }
  Needs needs(std::optional<int64_t>) const override { return Needs::Files; }

  Status finalize(const ExportContext& context) override { return destination_.publish(context); }

 private:
  std::optional<int64_t> epoch_;
  ArchiveDestination destination_;
};

// type=local: the file system as a directory. Merging into what is there cannot be undone, so it
// happens in finalize().
class LocalExporter final : public Exporter {
 public:
  LocalExporter(std::filesystem::path directory, bool platform_split, TreeCopyOptions options)
      : directory_(std::move(directory)), split_(platform_split), options_(std::move(options)) {}

  std::string name() const override { return "exporting to client directory"; }
  std::optional<LayerChoice> layers(std::optional<int64_t>) const override { return {}; }

  Result<ExportedImage> run(const BuildResult& result, const ExportContext&) override {
    result_ = result;
    if (!options_.mtime) options_.mtime = result.epoch;
    return ExportedImage();
  }
  Needs needs(std::optional<int64_t>) const override { return Needs::Files; }

  Status finalize(const ExportContext& context) override {
    const MountedResult mounted = TRY(MountedResult::open(context.store, result_.snapshot));
    std::filesystem::path directory = directory_;
    if (split_) {
      std::string platform = result_.config.platform.str();
      std::ranges::replace(platform, '/', '_');
      directory /= platform;
    }
    TreeCopyOptions options = options_;
    options.warn = [&](std::string message) { context.progress.warn(std::move(message)); };
    return at_destination(copy_tree_out(mounted.path(), directory, options, context.stop),
                          directory, context);
  }

 private:
  std::filesystem::path directory_;
  bool split_;
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

Made make_tar(ExporterOptions options) {
  const std::optional<int64_t> epoch = TRY(take_epoch(options));
  const std::filesystem::path destination = TRY(take_destination(options, "tar", "-"));
  TRY(take_flag(options, "platform-split", false));
  TRY(refuse_unknown_fields(options, "tar", {"dest", "source-date-epoch", "platform-split"}));
  return Made(
      std::make_unique<TarExporter>(epoch, ArchiveDestination(destination, options.stdout_fd)));
}

Made make_local(ExporterOptions options) {
  TreeCopyOptions copy;
  copy.mtime = TRY(take_epoch(options));
  const std::filesystem::path destination = TRY(take_destination(options, "local", ""));
  const bool split = TRY(take_flag(options, "platform-split", false));
  const std::string mode = take_field(options, "mode").value_or("copy");
  if (mode != "copy" && mode != "delete") {
    return make_error(ErrorCode::InvalidInput,
                      "invalid value \"{}\" of output option mode: copy or delete expected", mode);
  }
  copy.delete_others = mode == "delete";
  TRY(refuse_unknown_fields(options, "local",
                            {"dest", "source-date-epoch", "platform-split", "mode"}));
  if (destination == "-") {
    return make_error(ErrorCode::InvalidInput, "output type local needs a directory");
  }
  return Made(std::make_unique<LocalExporter>(destination, split, std::move(copy)));
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
