#include "exporter/image_assembly.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include "exporter/attestations.h"
#include "oci/manifest.h"
#include "oci/rfc3339.h"

namespace slipway::exporter {
namespace {

constexpr char kCreated[] = "org.opencontainers.image.created";

// The entry of a step whose layer is split is repeated for each part, which its comment names.
void describe_parts(std::vector<HistoryEntry>& history, const std::vector<Layer>& layers) {
  std::vector<HistoryEntry> described;
  size_t next = 0;
  for (HistoryEntry& entry : history) {
    const size_t parts = entry.empty_layer || next == layers.size() ? 1 : layers[next].parts;
    for (size_t part = 0; part < parts; ++part) {
      described.push_back(entry);
      if (parts == 1) continue;
      std::string& comment = described.back().comment;
      if (!comment.empty()) comment += ", ";
      comment += fmt::format("part {} of {}: {}", part + 1, parts, layers[next + part].blob.label);
    }
    if (!entry.empty_layer) next = std::min(next + parts, layers.size());
  }
  history = std::move(described);
}

// As many entries that are no empty layers as there are layers.
void fit_history(std::vector<HistoryEntry>& history, const std::vector<Layer>& layers) {
  size_t described = 0;
  for (HistoryEntry& entry : history) {
    if (described == layers.size()) entry.empty_layer = true;
    described += !entry.empty_layer;
  }
  for (; described < layers.size(); ++described) {
    HistoryEntry entry;
    entry.created = format_rfc3339_microseconds(layers[described].created);
    entry.comment = "buildkit.exporter.image.v0";
    history.push_back(std::move(entry));
  }
}

// Entries without a time get that of their layer; those without a layer the time of the layer
// before, or of the first new layer where there is none of this build before.
void date_history(std::vector<HistoryEntry>& history, const std::vector<Layer>& layers) {
  size_t layer = 0;
  for (HistoryEntry& entry : history) {
    if (entry.empty_layer) continue;
    if (entry.created.empty()) entry.created = format_rfc3339_microseconds(layers[layer].created);
    ++layer;
  }
  std::string created;
  bool undated_before = false;
  for (const HistoryEntry& entry : history) {
    if (entry.created.empty()) {
      undated_before = true;
    } else {
      created = entry.created;
      if (undated_before) break;
    }
  }
  undated_before = false;
  for (HistoryEntry& entry : history) {
    if (!entry.created.empty()) {
      if (undated_before) created = entry.created;
    } else {
      undated_before = true;
      entry.created = created;
    }
  }
}

void report_done(const ExportContext& context, const std::string& what) {
  context.progress.status(what, 0, 0, std::chrono::system_clock::now(), true);
}

bool is_after(const std::string& time, int64_t epoch) {
  const Result<int64_t> seconds = rfc3339_seconds(time);
  return seconds && *seconds > epoch;
}

Result<std::vector<Layer>> layers_of(const PlatformResult& result, const LayerChoice& choice,
                                     const ExportContext& context) {
  if (result.named_layers) {
    std::vector<Layer> layers = *result.named_layers;
    for (const store::SnapshotId id : result.own_layers) {
      std::vector<Layer> own =
          TRY(ensure_own_layers(context.store, id, choice, context.pool, context.stop));
      std::ranges::move(own, std::back_inserter(layers));
    }
    return layers;
  }
  return ensure_layers(context.store, result.snapshot, choice, context.pool, context.progress,
                       context.stop);
}

// The epoch that an output names comes before that of the build.
std::optional<int64_t> epoch_of(const PlatformResult& result, const ImageOptions& options) {
  return options.epoch ? options.epoch : result.epoch;
}

Result<Descriptor> put_config(const PlatformResult& result, const std::vector<Layer>& layers,
                              const LayerChoice& choice, const ImageOptions& options,
                              const ExportContext& context) {
  ImageConfig config = complete_config(result.config, layers, epoch_of(result, options));
  if (config.platform.os.empty()) config.platform = Platform::host();
  if (result.config_members) {
    for (auto& [name, json] : TRY(result.config_members(layers, choice))) {
      config.unknown.insert_or_assign(name, std::move(json));
    }
  }
  return put_blob(context.store.content(), to_json(config),
                  options.use_oci_types() ? media_type::kOciConfig : media_type::kDockerConfig);
}

// The image of one platform.
Result<AssembledImage> assemble_image(const PlatformResult& result, const ImageOptions& options,
                                      bool need_content, const ExportContext& context) {
  const bool oci = options.use_oci_types();
  const LayerChoice choice = layer_choice(options, epoch_of(result, options), need_content);
  const std::vector<Layer> layers = TRY(layers_of(result, choice, context));

  AssembledImage image;
  image.config = TRY(put_config(result, layers, choice, options, context));
  for (const Layer& layer : layers) {
    Descriptor descriptor = layer.blob.descriptor;
    if (!oci) descriptor.annotations.clear();
    // Other kinds than our three (foreign layers) stay what they are.
    if (const auto compression = layer_compression(descriptor.media_type)) {
      descriptor.media_type = layer_media_type(*compression, oci);
    }
    image.layers.push_back(descriptor);
  }
  Manifest manifest;
  manifest.media_type = oci ? media_type::kOciManifest : media_type::kDockerManifest;
  manifest.config = image.config;
  manifest.layers = image.layers;
  manifest.annotations = options.annotations_of(AnnotationPlace::Manifest, result.platform);
  image.manifest =
      TRY(put_blob(context.store.content(), to_json(manifest), manifest.media_type.c_str()));
  report_done(context, "exporting manifest " + image.manifest.digest.str());
  report_done(context, "exporting config " + image.config.digest.str());
  image.manifest.platform = result.platform.normalized();
  image.manifest.annotations =
      options.annotations_of(AnnotationPlace::ManifestDescriptor, result.platform);
  return image;
}

Result<Descriptor> put_index(const std::vector<AssembledImage>& images, const ImageOptions& options,
                             const ExportContext& context) {
  Index index;
  index.media_type =
      options.use_oci_types() ? media_type::kOciIndex : media_type::kDockerManifestList;
  for (const AssembledImage& image : images) index.manifests.push_back(image.manifest);
  index.annotations = options.annotations_of(AnnotationPlace::Index, std::nullopt);
  Descriptor target =
      TRY(put_blob(context.store.content(), to_json(index), index.media_type.c_str()));
  target.annotations = options.annotations_of(AnnotationPlace::IndexDescriptor, std::nullopt);
  report_done(context, "exporting manifest list " + target.digest.str());
  return target;
}

// Behind the images that they are about.
Status add_attestations(const BuildResult& result, const ImageOptions& options,
                        std::vector<AssembledImage>& images, const ExportContext& context) {
  for (size_t i = 0; i < result.platforms.size(); ++i) {
    const PlatformResult& platform = result.platforms[i];
    if (!platform.attest) continue;
    if (!options.use_oci_types()) {
      return make_error(ErrorCode::InvalidInput,
                        "cannot export attestations with \"oci-mediatypes=false\"");
    }
    const std::vector<Attestation> said = TRY(platform.attest(images[i].layers));
    AssembledImage attestations =
        TRY(assemble_attestations(images[i], said, options, context.store.content()));
    report_done(context, "exporting attestation manifest " + attestations.manifest.digest.str());
    images.push_back(std::move(attestations));
  }
  return {};
}

// Whether there is a place for every annotation.
Status check_annotations(const BuildResult& result, const ImageOptions& options) {
  for (const Annotation& annotation : options.annotations) {
    const bool on_index = annotation.place == AnnotationPlace::Index ||
                          annotation.place == AnnotationPlace::IndexDescriptor;
    if (on_index && !needs_index(result)) {
      return make_error(ErrorCode::InvalidInput,
                        "index annotations not supported for single platform export");
    }
    if (annotation.place != AnnotationPlace::Manifest && !options.use_oci_types()) {
      return make_error(ErrorCode::InvalidInput,
                        "cannot export annotations with \"oci-mediatypes=false\"");
    }
    const auto is_meant = [&](const PlatformResult& built) {
      return annotation.is_for(built.platform);
    };
    if (!on_index && std::ranges::none_of(result.platforms, is_meant)) {
      return make_error(ErrorCode::InvalidInput, "invalid annotation {}: platform {} is not built",
                        annotation.key, annotation.platform->str());
    }
  }
  return {};
}

}  // namespace

std::vector<Descriptor> AssembledImage::blobs() const {
  std::vector<Descriptor> blobs = layers;
  blobs.push_back(config);
  blobs.push_back(manifest);
  return blobs;
}

std::vector<Descriptor> AssembledResult::blobs() const {
  std::vector<Descriptor> blobs;
  for (const AssembledImage& image : images)
    std::ranges::move(image.blobs(), std::back_inserter(blobs));
  if (has_index) blobs.push_back(target);
  return blobs;
}

Result<Descriptor> put_blob(store::ContentStore& content, const std::string& bytes,
                            const char* media_type) {
  Descriptor descriptor;
  descriptor.media_type = media_type;
  descriptor.size = bytes.size();
  descriptor.digest = TRY(content.put(bytes));
  return descriptor;
}

ImageConfig complete_config(ImageConfig config, const std::vector<Layer>& layers,
                            std::optional<int64_t> epoch) {
  describe_parts(config.history, layers);
  // Entries that have a time come from the base image and keep it.
  std::vector<bool> dated;
  for (const HistoryEntry& entry : config.history) dated.push_back(!entry.created.empty());
  fit_history(config.history, layers);
  date_history(config.history, layers);
  dated.resize(config.history.size());
  if (epoch) {
    const std::string limit = format_rfc3339(*epoch);
    for (size_t i = 0; i < config.history.size(); ++i) {
      std::string& created = config.history[i].created;
      if (!dated[i] && (created.empty() || is_after(created, *epoch))) created = limit;
    }
    if (is_after(config.created, *epoch)) config.created = limit;
  }
  if (config.created.empty()) {
    for (const HistoryEntry& entry : config.history) {
      if (!entry.created.empty()) config.created = entry.created;
    }
  }
  config.diff_ids.clear();
  for (const Layer& layer : layers) config.diff_ids.push_back(layer.blob.diff_id);
  return config;
}

LayerChoice layer_choice(const ImageOptions& options, std::optional<int64_t> epoch,
                         bool need_content) {
  LayerChoice choice;
  choice.compression = options.compression;
  choice.level = options.compression_level;
  choice.force = options.force_compression;
  choice.need_content = need_content;
  choice.split_above = options.split_above;
  if (options.rewrite_timestamp) choice.clamp_mtime = options.epoch ? options.epoch : epoch;
  return choice;
}

bool needs_index(const BuildResult& result) {
  return result.multi_platform ||
         std::ranges::any_of(result.platforms, [](const PlatformResult& platform) {
           return static_cast<bool>(platform.attest);
         });
}

Result<AssembledResult> assemble_result(const BuildResult& result, const ImageOptions& options,
                                        bool need_content, const ExportContext& context) {
  TRY(check_annotations(result, options));
  AssembledResult assembled;
  for (const PlatformResult& platform : result.platforms) {
    assembled.images.push_back(TRY(assemble_image(platform, options, need_content, context)));
  }
  TRY(add_attestations(result, options, assembled.images, context));
  assembled.has_index = needs_index(result);
  assembled.target = assembled.has_index ? TRY(put_index(assembled.images, options, context))
                                         : assembled.images.front().manifest;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const std::optional<int64_t> epoch = epoch_of(result.platforms.front(), options);
  assembled.target.annotations.try_emplace(kCreated, format_rfc3339(epoch.value_or(now.count())));
  return assembled;
}

}  // namespace slipway::exporter
