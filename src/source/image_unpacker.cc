#include "source/image_unpacker.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "layer/diff.h"
#include "oci/layer_format.h"
#include "oci/rfc3339.h"
#include "source/image_blobs.h"
#include "source/incoming_blob.h"

namespace slipway::source {
namespace {

using store::kFetchedVariant;

// A layer after its job: found (another process had it), or unpacked and to be committed. The claim
// keeps others from unpacking the same until then.
struct ReadyLayer {
  std::optional<store::RangeLock> claim;
  std::optional<UnpackedImage> found;
  std::unique_ptr<store::ActiveSnapshot> unpacked;
  std::vector<std::string> implied_directories;
};

// Runs jobs 0 ... count - 1, started in this order, on a few threads of its own. (Its own, because
// a job may wait for a layer that another image's jobs are working on.) The first failure stops the
// rest.
class OrderedJobs {
 public:
  using Job = std::function<Result<ReadyLayer>(size_t index, std::stop_token stop)>;

  OrderedJobs(size_t count, size_t threads, Job job, std::stop_token outer)
      : job_(std::move(job)),
        results_(std::vector<std::optional<Result<ReadyLayer>>>(count)),
        forward_stop_(outer, [this] { stop_.request_stop(); }) {
    for (size_t i = 0; i < std::min(count, threads); ++i) {
      threads_.emplace_back([this, count] { run(count); });
    }
  }
  ~OrderedJobs() { stop_.request_stop(); }

  Result<ReadyLayer> wait(size_t index) {
    auto results = results_.lock();
    results.wait([&](const auto& all) { return all[index].has_value(); });
    Result<ReadyLayer> result = *std::move((*results)[index]);
    if (result || result.error().code() != ErrorCode::Cancelled) return result;
    // It was stopped because another one failed: that one's error counts.
    results.wait([](const auto& all) {
      return std::ranges::all_of(all, [](const auto& one) { return one.has_value(); });
    });
    for (const auto& other : *results) {
      if (!*other && other->error().code() != ErrorCode::Cancelled) return other->error();
    }
    return result;
  }

 private:
  void run(size_t count) {
    for (size_t index = next_++; index < count; index = next_++) {
      Result<ReadyLayer> result = Error(ErrorCode::Cancelled, "cancelled");
      if (!stop_.stop_requested()) result = job_(index, stop_.get_token());
      if (!result) stop_.request_stop();
      results_.lock()->at(index).emplace(std::move(result));
      results_.notify_all();
    }
  }

  Job job_;
  std::stop_source stop_;
  std::atomic<size_t> next_ = 0;
  Guarded<std::vector<std::optional<Result<ReadyLayer>>>> results_;
  std::stop_callback<std::function<void()>> forward_stop_;
  std::vector<std::jthread> threads_;
};

Status check_is_layer(const Descriptor& descriptor) {
  if (layer_compression(descriptor.media_type)) return {};
  return make_error(ErrorCode::Unsupported, "layer {} has the media type {}",
                    descriptor.digest.str(), descriptor.media_type);
}

// Unpacks a layer into a fresh snapshot, while it comes.
Status unpack_blob(store::Store& store, IncomingBlob& blob, const Descriptor& layer,
                   const Digest& diff_id, ReadyLayer& ready, progress::VertexReporter& reporter,
                   std::stop_token stop) {
  const std::string status = "extracting " + layer.digest.str();
  const progress::Time started = std::chrono::system_clock::now();
  reporter.status(status, 0, 0, started, false);
  ready.unpacked = TRY(store.snapshotter().prepare(store::SnapshotId{}));
  const layer::ApplyOptions options{store.core()->user_xattrs()};
  layer::AppliedLayer applied = TRY(layer::apply_layer(
      [&blob] { return blob.next(); }, ready.unpacked->layers().upper, options, stop));
  if (applied.diff_id != diff_id) {
    return make_error(ErrorCode::InvalidInput, "its content is {} instead of {}",
                      applied.diff_id.str(), diff_id.str());
  }
  ready.implied_directories = std::move(applied.implied_directories);
  reporter.status(status, 0, 0, started, true);
  return {};
}

// Layers of a build cache say when their step ended, so that images made of them have the history
// that the first build gave them.
std::optional<int64_t> created_of(const Descriptor& layer) {
  const Result<int64_t> time = rfc3339_microseconds(layer.annotation_of(annotation::kCreated));
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

Result<std::vector<Digest>> chain_ids(const ResolvedImage& image) {
  const std::vector<Digest>& diff_ids = image.config.diff_ids;
  if (image.manifest.layers.size() != diff_ids.size()) {
    return make_error(ErrorCode::InvalidInput,
                      "the image's manifest has {} layers, its config {} diff ids",
                      image.manifest.layers.size(), diff_ids.size());
  }
  std::vector<Digest> chain;
  for (const Digest& diff_id : diff_ids) {
    chain.push_back(store::chain_id(chain.empty() ? Digest() : chain.back(), diff_id));
  }
  return chain;
}

Result<std::optional<UnpackedImage>> ImageUnpacker::find_chain(const Digest& chain_id) {
  const std::optional<store::SnapshotId> id = TRY(store_.layers().find_chain(chain_id));
  if (!id) return std::optional<UnpackedImage>();
  Result<std::shared_ptr<const void>> pin = store_.snapshotter().pin(*id);
  if (!pin && pin.error().code() == ErrorCode::NotFound) return std::optional<UnpackedImage>();
  if (!pin) return std::move(pin).error();
  return std::optional(UnpackedImage{*id, *std::move(pin)});
}

Result<std::optional<UnpackedImage>> ImageUnpacker::find(const ResolvedImage& image) {
  const std::vector<Digest> chain = TRY(chain_ids(image));
  if (chain.empty()) return std::optional(UnpackedImage{});
  return find_chain(chain.back());
}

Result<UnpackedImage> ImageUnpacker::unpack(const ResolvedImage& image,
                                            progress::VertexReporter& reporter,
                                            std::stop_token stop) {
  const std::vector<Digest> chain = TRY(chain_ids(image));
  const std::vector<Descriptor>& layers = image.manifest.layers;
  const bool user_xattrs = store_.core()->user_xattrs();

  // What is there already: the longest known part of the stack.
  UnpackedImage top;
  size_t first = chain.size();
  for (; first > 0; --first) {
    if (std::optional<UnpackedImage> found = TRY(find_chain(chain[first - 1]))) {
      top = *std::move(found);
      break;
    }
  }

  const auto prepare_layer = [&](size_t offset, std::stop_token job_stop) -> Result<ReadyLayer> {
    const size_t index = first + offset;
    const Descriptor& layer = layers[index];
    TRY(check_is_layer(layer));
    ReadyLayer ready;
    // Others wait here while we hold it; whoever holds the claim of a layer waits only for lower
    // ones, so nobody waits in a circle.
    ready.claim = TRY(store_.claim("unpack " + chain[index].str(), job_stop));
    ready.found = TRY(find_chain(chain[index]));
    if (ready.found) return ready;
    bool was_here = false;
    const auto unpack_once = [&]() -> Status {
      const std::unique_ptr<IncomingBlob> blob =
          TRY(IncomingBlob::open(store_, *image.origin, layer, reporter, job_stop));
      was_here = blob->was_here();
      Status status = unpack_blob(store_, *blob, layer, image.config.diff_ids[index], ready,
                                  reporter, job_stop);
      // It may not be what it should be: then that is the error.
      if (!status && status.error().code() == ErrorCode::InvalidInput) TRY(blob->drain());
      return status;
    };
    Status unpacked = unpack_once();
    if (!unpacked && was_here && unpacked.error().code() == ErrorCode::InvalidInput) {
      // The copy in the store may be damaged: what was there before is worth another download.
      TRY(store_.content().remove(layer.digest));
      unpacked = unpack_once();
    }
    TRY(std::move(unpacked).context(fmt::format("unpack layer {}", layer.digest.str())));
    return ready;
  };

  OrderedJobs jobs(chain.size() - first, parallel_, prepare_layer, stop);
  for (size_t index = first; index < chain.size(); ++index) {
    ReadyLayer ready = TRY(jobs.wait(index - first).context(image.origin->name()));
    if (ready.found) {
      top = *std::move(ready.found);
      continue;
    }
    if (!ready.implied_directories.empty()) {
      const store::OverlayLayers below = TRY(store_.snapshotter().view(top.snapshot));
      TRY(layer::adopt_directories(ready.unpacked->layers().upper, ready.implied_directories,
                                   below.lower, user_xattrs));
    }
    const store::SnapshotId committed = TRY(ready.unpacked->commit_onto(top.snapshot));
    top.pin = TRY(store_.snapshotter().pin(committed));
    top.snapshot = committed;
    if (const auto created = created_of(layers[index])) {
      TRY(store_.snapshotter().set_created(committed, *created));
    }
    store::LayerBlob blob{layers[index], image.config.diff_ids[index]};
    blob.descriptor.annotations = toc_annotations(layers[index]);
    blob.label = layers[index].annotation_of(annotation::kLayerPart);
    TRY(store_.layers().add_blob(committed, kFetchedVariant, blob));
    const store::SnapshotId known = TRY(store_.layers().add_chain(chain[index], committed));
    if (known != committed) {
      top.pin = TRY(store_.snapshotter().pin(known));
      top.snapshot = known;
    }
  }
  return top;
}

Status ImageUnpacker::fetch(const ResolvedImage& image, progress::VertexReporter& reporter,
                            std::stop_token stop) {
  const std::vector<Descriptor>& layers = image.manifest.layers;
  const auto fetch_layer = [&](size_t index, std::stop_token job_stop) -> Result<ReadyLayer> {
    TRY(check_is_layer(layers[index]));
    TRY(ensure_blob(store_, *image.origin, layers[index], reporter, job_stop));
    return ReadyLayer{};
  };
  OrderedJobs jobs(layers.size(), parallel_, fetch_layer, stop);
  for (size_t index = 0; index < layers.size(); ++index) {
    TRY(jobs.wait(index).context(image.origin->name()));
  }
  return {};
}

}  // namespace slipway::source
