#include "cli/remote_results.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "graph/unread_sources.h"
#include "oci/layer_format.h"
#include "oci/layer_skeleton.h"
#include "oci/rfc3339.h"
#include "ops/merge_runner.h"
#include "source/image_blobs.h"
#include "store/result_id.h"

namespace slipway::cli {
namespace {

// What stands behind a result that RemoteIndex calls lazy: an image, or a layer on top of another
// result.
struct LazyResult {
  std::shared_ptr<const cache::RemoteLayers> image;  // co-owned with the stacks that begin with it
  solver::StepResult base;                           // of a remote cache, or lazy itself
  store::SnapshotId own;                             // whose own layer comes on top
  std::shared_ptr<const void> pin;                   // of `own`; co-owned with whoever made it
};

std::shared_ptr<const LazyResult> lazy_result_of(const solver::StepResult& result) {
  if (!cache::is_lazy(result)) return nullptr;
  return std::static_pointer_cast<const LazyResult>(result.keep_alive);
}

}  // namespace

void RemoteResults::add_origin(std::shared_ptr<source::BlobOrigin> origin,
                               std::optional<Reference> reference) {
  origins_.lock()->push_back({std::move(origin), std::move(reference)});
}

std::optional<NamedStack> RemoteResults::named_stack_of(const solver::StepResult& result) {
  if (auto layers = cache::remote_layers_of(result)) return NamedStack{std::move(layers), true, {}};
  const std::shared_ptr<const LazyResult> lazy = lazy_result_of(result);
  if (lazy == nullptr) return std::nullopt;
  if (lazy->image != nullptr) return NamedStack{lazy->image, false, {}};
  std::optional<NamedStack> stack = named_stack_of(lazy->base);
  if (stack) stack->own.push_back(lazy->own);
  return stack;
}

// The layers as the image that the unpacker knows.
Result<source::ResolvedImage> RemoteResults::image_of(const cache::RemoteLayers& layers) {
  source::ResolvedImage image;
  image.manifest.layers = layers.stack.layers;
  image.config.diff_ids = layers.stack.diff_ids;
  image.origin = origins_.lock()->at(layers.source).blobs;
  return image;
}

std::shared_ptr<RemoteResults::Fetched> RemoteResults::fetched(const solver::StepResult& result) {
  auto all = fetched_.lock();
  std::shared_ptr<Fetched>& slot = (*all)[result.id];
  if (slot == nullptr) slot = std::make_shared<Fetched>();
  return slot;
}

Result<solver::StepResult> RemoteResults::fetch(const solver::StepResult& result,
                                                progress::VertexReporter& reporter,
                                                std::stop_token stop) {
  const std::shared_ptr<const LazyResult> lazy = lazy_result_of(result);
  const std::shared_ptr<const cache::RemoteLayers> layers =
      lazy != nullptr ? lazy->image : cache::remote_layers_of(result);
  if (layers == nullptr && lazy == nullptr) return result;
  const std::shared_ptr<Fetched> fetched = this->fetched(result);
  const std::scoped_lock lock(fetched->mutex);
  if (fetched->result) return *fetched->result;
  solver::StepResult here;
  if (layers != nullptr) {
    here = TRY(unpack(*layers, lazy == nullptr, reporter, stop));
  } else {
    const solver::StepResult base = TRY(fetch(lazy->base, reporter, stop));
    here = TRY(stack_up(base, lazy->own).context("complete a copy on a cached result"));
  }
  TRY(index_.keep(result, here));
  fetched->result = here;
  return here;
}

Result<solver::StepResult> RemoteResults::unpack(const cache::RemoteLayers& layers, bool cached,
                                                 progress::VertexReporter& reporter,
                                                 std::stop_token stop) {
  const source::ResolvedImage image = TRY(image_of(layers));
  Result<source::UnpackedImage> unpacked = unpacker_.unpack(image, reporter, stop);
  if (!unpacked) {
    if (!cached) return std::move(unpacked).error();
    return std::move(unpacked)
        .error()
        .context("fetch a cached result")
        .with_hint("without this --cache-from the step runs");
  }
  return solver::StepResult{store::to_result_id(unpacked->snapshot), std::move(unpacked->pin)};
}

// The layer of `own` once more, on a base that is here now.
Result<solver::StepResult> RemoteResults::stack_up(const solver::StepResult& base,
                                                   store::SnapshotId own) {
  const auto parent = store::snapshot_of_result(base.id);
  CHECK(parent.has_value());
  ops::MergeRunner::Merged merged = TRY(ops::MergeRunner(store_).put_layer_on(*parent, own));
  store::OverlaySnapshotter& snapshotter = store_.snapshotter();
  TRY(snapshotter.set_created(merged.snapshot, TRY(snapshotter.created(own))));
  return solver::StepResult{store::to_result_id(merged.snapshot), std::move(merged.pin)};
}

Status RemoteResults::fetch_blobs(const cache::RemoteLayers& layers,
                                  progress::VertexReporter& reporter, std::stop_token stop) {
  const source::ResolvedImage image = TRY(image_of(layers));
  TRY(unpacker_.fetch(image, reporter, stop));
  for (const Descriptor& skeleton : skeletons_of(layers.stack.layers)) {
    TRY(source::ensure_small_blob(store_, *image.origin, skeleton, stop));
  }
  return {};
}

std::optional<Reference> RemoteResults::registry_of(const cache::RemoteLayers& layers) {
  return origins_.lock()->at(layers.source).reference;
}

Result<solver::CacheMap> RemoteResults::cache_map(const solver::StepContext& context) {
  return runner_.cache_map(context);
}

Result<Digest> RemoteResults::content_digest(const solver::StepContext& context, size_t index,
                                             const solver::StepResult& input) {
  const solver::StepResult here = TRY(fetch(input, context.progress, context.stop));
  return runner_.content_digest(context, index, here);
}

Result<RemoteResults::Results> RemoteResults::fetch_all(const solver::StepContext& context,
                                                        const Results& inputs,
                                                        std::optional<size_t> but) {
  Results here;
  for (size_t i = 0; i < inputs.size(); ++i) {
    here.push_back(i == but ? inputs[i] : TRY(fetch(inputs[i], context.progress, context.stop)));
  }
  return here;
}

Result<std::vector<solver::StepResult>> RemoteResults::run(const solver::StepContext& context,
                                                           const Results& inputs) {
  if (std::optional<Results> results = TRY(name_image(context))) return *std::move(results);
  if (std::optional<Results> results = TRY(run_on_skeleton(context, inputs))) {
    return *std::move(results);
  }
  if (std::optional<Results> results = TRY(merge_lazily(context, inputs))) {
    return *std::move(results);
  }
  return runner_.run(context, TRY(fetch_all(context, inputs)));
}

// Whether its files are, or are about to be.
Result<bool> RemoteResults::is_here(const solver::StepResult& result) {
  {
    const std::shared_ptr<Fetched> fetched = this->fetched(result);
    const std::scoped_lock lock(fetched->mutex);
    if (fetched->result) return true;
  }
  if (cache::is_lazy(result)) return false;
  const std::shared_ptr<const cache::RemoteLayers> layers = cache::remote_layers_of(result);
  if (layers == nullptr) return true;
  return TRY(unpacker_.find(TRY(image_of(*layers)))).has_value();
}

Result<std::shared_ptr<const ops::SkeletonStack>> RemoteResults::skeleton(
    const solver::StepResult& result, std::stop_token stop) {
  using Stack = std::shared_ptr<const ops::SkeletonStack>;
  if (TRY(is_here(result))) return Stack();
  const std::shared_ptr<const LazyResult> lazy = lazy_result_of(result);
  if (lazy != nullptr && lazy->image == nullptr) {
    const Stack below = TRY(skeleton(lazy->base, stop));
    if (below == nullptr) return Stack();
    auto stack = std::make_shared<ops::SkeletonStack>(*below);
    stack->layers.insert(stack->layers.begin(), store_.snapshotter().directory(lazy->own));
    stack->pins.push_back(lazy->pin);
    return Stack(std::move(stack));
  }
  const std::shared_ptr<const cache::RemoteLayers> layers = cache::remote_layers_of(result);
  if (layers == nullptr || layers->stack.layers.empty()) return Stack();
  std::vector<Descriptor> skeletons;
  for (const Descriptor& layer : layers->stack.layers) {
    std::optional<Descriptor> skeleton = skeleton_of(layer);
    if (!skeleton) return Stack();
    skeletons.push_back(*std::move(skeleton));
  }
  const source::ResolvedImage image = TRY(image_of(*layers));
  auto stack = std::make_shared<ops::SkeletonStack>();
  stack->layers = TRY(skeletons_.unpack(image, skeletons, std::move(stop)));
  return Stack(std::move(stack));
}

std::string RemoteResults::lazy_id() {
  return fmt::format("{}{}", cache::kLazyPrefix, lazy_results_++);
}

solver::StepResult RemoteResults::put_on(const solver::StepResult& base, store::SnapshotId own,
                                         std::shared_ptr<const void> pin) {
  return {lazy_id(),
          std::make_shared<const LazyResult>(LazyResult{nullptr, base, own, std::move(pin)})};
}

void RemoteResults::watch(const graph::Definition& definition) {
  const std::vector<graph::VertexIndex> unread = graph::unread_sources(definition);
  auto known = unread_.lock();
  for (graph::VertexIndex i = 0; i < definition.vertices().size(); ++i) {
    const bool is_unread = std::ranges::binary_search(unread, i);
    const auto [entry, is_new] = known->emplace(definition.vertex(i).digest, is_unread);
    entry->second = entry->second && is_unread;
  }
}

Result<std::optional<RemoteResults::Results>> RemoteResults::name_image(
    const solver::StepContext& context) {
  {
    auto unread = unread_.lock();
    const auto found = unread->find(context.vertex.digest);
    if (found == unread->end() || !found->second) return std::optional<Results>();
  }
  const auto found = TRY(sources_.registry_image(context));
  if (!found || TRY(unpacker_.find(found->image))) return std::optional<Results>();
  auto layers = std::make_shared<cache::RemoteLayers>();
  layers->stack.layers = found->image.manifest.layers;
  layers->stack.diff_ids = found->image.config.diff_ids;
  layers->stack.created = format_rfc3339_microseconds(store::now_microseconds());
  for (size_t i = 0; i < layers->stack.layers.size(); ++i) {
    Descriptor& layer = layers->stack.layers[i];
    layer.annotations = toc_annotations(layer);
    layer.annotations[annotation::kUncompressed] = layers->stack.diff_ids[i].str();
    layer.annotations[annotation::kCreated] = layers->stack.created;
  }
  {
    auto origins = origins_.lock();
    layers->source = origins->size();
    origins->push_back({found->image.origin, found->name});
  }
  auto lazy = std::make_shared<const LazyResult>(LazyResult{std::move(layers), {}, {}, {}});
  return std::optional(Results{{lazy_id(), std::move(lazy)}});
}

Result<std::optional<RemoteResults::Results>> RemoteResults::run_on_skeleton(
    const solver::StepContext& context, const Results& inputs) {
  const auto* op = std::get_if<graph::FileOp>(&context.vertex.op);
  const auto base = op != nullptr ? ops::input_by_skeleton(*op, inputs.size()) : std::nullopt;
  if (!base || !named_stack_of(inputs[*base])) return std::optional<Results>();
  const auto stack = skeleton(inputs[*base], context.stop);
  // Without skeletons the files are fetched: that they were not to be had may be no error at all.
  if (!stack || *stack == nullptr) return std::optional<Results>();
  Results here = TRY(fetch_all(context, inputs, *base));
  here[*base] = ops::skeleton_result(*stack);
  Result<Results> results = runner_.run(context, here);
  if (!results && results.error().code() == ErrorCode::Cancelled) return results.error();
  // What a skeleton cannot tell, and any mistake of the user, the whole files tell.
  if (!results) return std::optional<Results>();
  const auto own = store::snapshot_of_result(results->at(0).id);
  CHECK(own.has_value() && results->size() == 1);
  return std::optional(
      Results{put_on(inputs[*base], *own, std::move(results->front().keep_alive))});
}

Result<std::optional<RemoteResults::Results>> RemoteResults::merge_lazily(
    const solver::StepContext& context, const Results& inputs) {
  const bool merge = std::holds_alternative<graph::MergeOp>(context.vertex.op) && !inputs.empty();
  if (!merge || TRY(is_here(inputs[0]))) return std::optional<Results>();
  Results here = TRY(fetch_all(context, inputs, 0));
  solver::StepResult merged = inputs[0];
  for (size_t i = 1; i < here.size(); ++i) {
    const auto top = store::snapshot_of_result(here[i].id);
    if (!top) return std::optional<Results>();
    const std::vector<store::SnapshotId> layers = TRY(store_.snapshotter().ancestry(*top));
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      merged = put_on(merged, *layer, here[i].keep_alive);
    }
  }
  if (merged.id == inputs[0].id) return std::optional<Results>();
  return std::optional(Results{merged});
}

}  // namespace slipway::cli
