#include "cli/cache_export.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>

#include "cache/remote_cache.h"
#include "exporter/image_archive.h"
#include "exporter/image_pusher.h"
#include "exporter/layer_skeletons.h"
#include "oci/layer_format.h"
#include "oci/layer_skeleton.h"
#include "oci/manifest.h"
#include "oci/rfc3339.h"
#include "store/result_id.h"

namespace slipway::cli {
namespace {

void report(progress::VertexReporter& reporter, const std::string& what,
            std::optional<progress::Time> started, bool completed) {
  reporter.status(what, 0, 0, started, completed);
}

// Finds the layers that a cache is to have of a step.
class StepLayers {
 public:
  StepLayers(const CacheExportServices& services, const CacheTarget& target,
             const exporter::LayerChoice& choice, progress::VertexReporter& reporter,
             std::stop_token stop)
      : services_(services),
        target_(target),
        choice_(choice),
        reporter_(reporter),
        stop_(std::move(stop)) {}

  // Without mode=max only the layers of the images themselves count: of this one too.
  Status allow(const solver::StepResult& root) {
    if (target_.all_steps) return {};
    if (const auto stack = RemoteResults::named_stack_of(root)) {
      root_layers_.push_back(TRY(named(*stack)).diff_ids);
    }
    if (const auto snapshot = store::snapshot_of_result(root.id)) {
      for (const store::SnapshotId id : TRY(services_.store.snapshotter().ancestry(*snapshot))) {
        root_snapshots_.insert(id);
      }
    }
    return {};
  }

  Result<std::optional<cache::LayerStack>> find(const cache::SolvedStep& step) {
    std::optional<solver::StepResult> result = TRY(result_of(step));
    if (!result) return std::optional<cache::LayerStack>();
    if (const auto stack = RemoteResults::named_stack_of(*result)) {
      cache::LayerStack layers = TRY(named(*stack));
      if (!is_below_root(layers)) return std::optional<cache::LayerStack>();
      if (!choice_.force) {
        TRY(reach(*stack->base));
        return std::optional(std::move(layers));
      }
      result = TRY(services_.results.fetch(*result, reporter_, stop_));
    }
    const auto snapshot = store::snapshot_of_result(result->id);
    const bool wanted =
        snapshot && !snapshot->is_scratch() &&
        (target_.all_steps || !root_layers_.empty() || root_snapshots_.contains(*snapshot));
    if (!wanted) return std::optional<cache::LayerStack>();
    const std::vector<exporter::Layer> layers = TRY(exporter::ensure_layers(
        services_.store, *snapshot, choice_, services_.pool, reporter_, stop_));
    cache::LayerStack stack;
    TRY(add(layers, stack));
    if (!root_snapshots_.contains(*snapshot) && !is_below_root(stack)) {
      return std::optional<cache::LayerStack>();
    }
    return std::optional(std::move(stack));
  }

  // Registries that have layers which are only known by name.
  const std::set<Reference>& registries() const { return registries_; }

 private:
  Result<std::optional<solver::StepResult>> result_of(const cache::SolvedStep& step) {
    if (!step.results.empty()) return std::optional(step.results.front());
    if (!step.record) return std::optional<solver::StepResult>();
    const auto loaded = TRY(services_.index.load(*step.record));
    if (!loaded || loaded->empty()) return std::optional<solver::StepResult>();
    return std::optional(loaded->front());
  }

  bool is_below_root(const cache::LayerStack& stack) const {
    const std::vector<Digest>& own = stack.diff_ids;
    return target_.all_steps ||
           std::ranges::any_of(root_layers_, [&](const std::vector<Digest>& root) {
             return own.size() <= root.size() && std::equal(own.begin(), own.end(), root.begin());
           });
  }

  // Of a result of which not all is here.
  Result<cache::LayerStack> named(const NamedStack& named) {
    cache::LayerStack stack = named.base->stack;
    for (const store::SnapshotId id : named.own) {
      TRY(add(TRY(exporter::ensure_own_layers(services_.store, id, choice_, services_.pool, stop_)),
              stack));
    }
    return stack;
  }

  // Makes sure that layers known by name can be had when the cache is written.
  Status reach(const cache::RemoteLayers& remote) {
    const std::optional<Reference> registry = services_.results.registry_of(remote);
    if (registry && target_.place != CachePlace::Local) {
      registries_.insert(*registry);
      return {};
    }
    return services_.results.fetch_blobs(remote, reporter_, stop_);
  }

  // Nothing beside its layers can travel with an image.
  Result<std::optional<Descriptor>> make_skeleton(const exporter::Layer& layer) {
    if (target_.place == CachePlace::Inline) return std::optional<Descriptor>();
    return exporter::ensure_skeleton(services_.store, layer, choice_, stop_);
  }

  // Puts layers on top of a stack, with what a cache says of them.
  Status add(const std::vector<exporter::Layer>& layers, cache::LayerStack& stack) {
    std::vector<std::optional<Result<std::optional<Descriptor>>>> skeletons(layers.size());
    services_.pool.parallel_for(layers.size(),
                                [&](size_t i) { skeletons[i].emplace(make_skeleton(layers[i])); });
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::optional<Descriptor> skeleton = TRY(*std::move(skeletons[i]));
      const exporter::Layer& layer = layers[i];
      Descriptor descriptor = layer.blob.descriptor;
      descriptor.annotations[annotation::kUncompressed] = layer.blob.diff_id.str();
      descriptor.annotations[annotation::kCreated] = format_rfc3339_microseconds(layer.created);
      if (layer.parts > 1) descriptor.annotations[annotation::kLayerPart] = part_text(layer);
      if (skeleton) set_skeleton(descriptor, *skeleton);
      stack.layers.push_back(std::move(descriptor));
      stack.diff_ids.push_back(layer.blob.diff_id);
      stack.created = format_rfc3339_microseconds(layer.created);
    }
    return {};
  }

  const CacheExportServices& services_;
  const CacheTarget& target_;
  const exporter::LayerChoice choice_;
  progress::VertexReporter& reporter_;
  const std::stop_token stop_;
  std::vector<std::vector<Digest>> root_layers_;
  std::set<store::SnapshotId> root_snapshots_;
  std::set<Reference> registries_;
};

std::vector<Descriptor> with_types(std::vector<Descriptor> layers, bool oci) {
  for (Descriptor& layer : layers) {
    const auto compression = layer_compression(layer.media_type);
    if (compression) layer.media_type = layer_media_type(*compression, oci);
  }
  return layers;
}

// Config and manifest in the content store, as BuildKit writes them.
Result<exporter::AssembledImage> assemble(const cache::BuiltCache& built, const CacheTarget& target,
                                          store::ContentStore& content) {
  exporter::AssembledImage image;
  image.layers = with_types(built.blobs, target.oci_types);
  std::ranges::move(skeletons_of(image.layers), std::back_inserter(image.layers));
  image.config = TRY(exporter::put_blob(content, to_json(built.config), cache::kCacheConfigType));
  if (target.image_manifest) {
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    manifest.config = image.config;
    manifest.layers = image.layers;
    image.manifest = TRY(exporter::put_blob(content, to_json(manifest), media_type::kOciManifest));
    return image;
  }
  Index index;
  index.media_type = target.oci_types ? media_type::kOciIndex : media_type::kDockerManifestList;
  index.manifests = image.layers;
  index.manifests.push_back(image.config);
  image.manifest = TRY(exporter::put_blob(content, to_json(index), index.media_type.c_str()));
  return image;
}

}  // namespace

std::vector<exporter::Layer> named_layers(const cache::LayerStack& stack) {
  std::vector<exporter::Layer> layers;
  for (size_t i = 0; i < stack.layers.size(); ++i) {
    exporter::Layer& layer = layers.emplace_back();
    layer.blob.descriptor = stack.layers[i];
    layer.blob.diff_id = stack.diff_ids[i];
    Descriptor& descriptor = layer.blob.descriptor;
    const bool dated = descriptor.annotations.contains(annotation::kCreated);
    const std::string created =
        dated ? descriptor.annotation_of(annotation::kCreated) : stack.created;
    layer.created = rfc3339_microseconds(created).value_or(0);
    layer.fetched = true;
    read_part_text(descriptor.annotation_of(annotation::kLayerPart), layer);
    descriptor.annotations = toc_annotations(descriptor);
  }
  return layers;
}

Result<CacheExport::Collected> CacheExport::collect(const CacheTarget& target,
                                                    const exporter::LayerChoice& choice,
                                                    progress::VertexReporter& reporter,
                                                    std::stop_token stop) const {
  const progress::Time started = std::chrono::system_clock::now();
  report(reporter, "preparing build cache for export", started, false);
  StepLayers layers(services_, target, choice, reporter, std::move(stop));
  std::vector<Digest> identities;
  for (const solver::StepResult& root : roots_) {
    TRY(layers.allow(root));
    identities.push_back(root.identity);
  }
  Collected collected;
  collected.cache = TRY(cache::build_cache(
      identities, [&](const Digest& identity) { return services_.index.solved_step(identity); },
      [&](const cache::SolvedStep& step) { return layers.find(step); }));
  collected.registries.assign(layers.registries().begin(), layers.registries().end());
  report(reporter, "preparing build cache for export", started, true);
  return collected;
}

Status CacheExport::write(const CacheTarget& target, progress::VertexReporter& reporter,
                          std::stop_token stop) const {
  exporter::LayerChoice choice = image_layers_;
  if (target.compression) {
    choice.compression = *target.compression;
    choice.level = target.compression_level;
  }
  choice.force = target.force_compression;
  choice.need_content = target.place == CachePlace::Local;
  const Collected collected = TRY(collect(target, choice, reporter, stop));
  const progress::Time started = std::chrono::system_clock::now();
  if (collected.cache.config.layers.empty()) {
    report(reporter, "skipping cache export for empty result", started, true);
    return {};
  }
  store::ContentStore& content = services_.store.content();
  const exporter::AssembledImage image = TRY(assemble(collected.cache, target, content));
  report(reporter, "writing config " + image.config.digest.str(), started, true);
  const std::string manifest =
      fmt::format("writing cache {}manifest {}", target.image_manifest ? "image " : "",
                  image.manifest.digest.str());
  if (target.place == CachePlace::Local) {
    TRY(exporter::add_layout_blobs(image.blobs(), target.directory, content, stop));
    TRY(exporter::add_layout_tag(image.manifest, target.tag, target.directory));
  } else {
    exporter::PushOptions push;
    push.sources = collected.registries;
    push.sources.insert(push.sources.end(), sources_.begin(), sources_.end());
    TRY(exporter::push_image(content, services_.registry, image.manifest, target.reference, push,
                             reporter, stop));
  }
  report(reporter, manifest, started, true);
  return {};
}

Result<std::string> CacheExport::inline_json(const CacheTarget& target,
                                             const std::vector<exporter::Layer>& image_layers,
                                             const exporter::LayerChoice& choice,
                                             progress::VertexReporter& reporter,
                                             std::stop_token stop) const {
  const Collected collected = TRY(collect(target, choice, reporter, std::move(stop)));
  std::vector<Digest> digests;
  for (const exporter::Layer& layer : image_layers) digests.push_back(layer.blob.descriptor.digest);
  const std::vector<cache::ConfigRecord> records = cache::inline_records(collected.cache, digests);
  return records.empty() ? std::string() : to_json(records);
}

}  // namespace slipway::cli
