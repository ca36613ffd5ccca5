#include "exporter/layer_blobs.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include <fmt/format.h>

#include "layer/diff.h"
#include "layer/layer_split.h"

namespace slipway::exporter {
namespace {

using store::kFetchedVariant;

// Names everything that decides the bytes, the version of our writer included.
std::string variant_of(const LayerChoice& choice) {
  std::string variant = fmt::format("{}:{}:3", layer_format_name(choice.compression), choice.level);
  if (choice.clamp_mtime) variant += fmt::format(":clamp={}", *choice.clamp_mtime);
  return variant;
}

// As it came with its image; nullopt: it was made here.
Result<std::optional<store::LayerBlob>> find_fetched(store::Store& store, store::SnapshotId id) {
  return store.layers().find_blob(id, kFetchedVariant);
}

Result<bool> has_content(store::Store& store, const store::LayerBlob& blob) {
  return TRY(store.content().size(blob.descriptor.digest)).has_value();
}

Result<std::optional<store::LayerBlob>> find(store::Store& store, store::SnapshotId snapshot,
                                             std::string_view variant) {
  std::optional<store::LayerBlob> blob = TRY(store.layers().find_blob(snapshot, variant));
  if (blob && !TRY(has_content(store, *blob))) blob.reset();
  return blob;
}

layer::WriteOptions write_options(store::Store& store, const LayerChoice& choice) {
  layer::WriteOptions options;
  options.compression = choice.compression;
  options.level = choice.level;
  options.clamp_mtime = choice.clamp_mtime;
  options.user_xattrs = store.core()->user_xattrs();
  options.pieces = &store.pieces();
  return options;
}

Result<store::LayerBlob> write(store::Store& store, store::SnapshotId snapshot,
                               const std::string& variant, const LayerChoice& choice,
                               ThreadPool& pool, std::stop_token stop) {
  const layer::WrittenLayer written =
      TRY(layer::write_layer(store.snapshotter().directory(snapshot), write_options(store, choice),
                             store.content(), pool, std::move(stop)));
  store::LayerBlob blob{written.descriptor, written.diff_id};
  TRY(store.layers().add_blob(snapshot, variant, blob));
  return blob;
}

// Whether a fetched layer already is what is wanted.
Result<bool> fits(store::Store& store, const store::LayerBlob& fetched, const LayerChoice& choice) {
  if (choice.force && layer_format(fetched.descriptor) != choice.compression) return false;
  return !choice.need_content || TRY(has_content(store, fetched));
}

// As it is known already; empty: it is not, or a blob is gone.
Result<std::vector<store::LayerBlob>> find_parts(store::Store& store, store::SnapshotId snapshot,
                                                 const std::string& variant) {
  std::vector<store::LayerBlob> parts = TRY(store.layers().find_parts(snapshot, variant));
  for (const store::LayerBlob& part : parts) {
    if (!TRY(has_content(store, part))) return std::vector<store::LayerBlob>();
  }
  return parts;
}

// Which of `alike`, parts that have the outline of this one, has its content, too: told by the
// inodes where those are the same files (nobody writes to a file of a snapshot,
// docs/cache-mounts.md), else at the speed of hashing.
Result<std::optional<store::LayerBlob>> equal_part(store::Store& store,
                                                   const std::vector<store::LayerBlob>& alike,
                                                   const std::filesystem::path& directory,
                                                   const Digest& inodes,
                                                   const layer::WriteOptions& options,
                                                   const std::stop_token& stop) {
  for (const store::LayerBlob& blob : alike) {
    if (inodes.empty() || blob.inodes != inodes) continue;
    if (TRY(has_content(store, blob))) return std::optional(blob);
  }
  if (alike.empty()) return std::optional<store::LayerBlob>();
  const std::optional<Digest> diff_id = TRY(layer::layer_diff_id(directory, options, stop));
  for (const store::LayerBlob& blob : alike) {
    if (blob.diff_id != diff_id) continue;
    if (TRY(has_content(store, blob))) return std::optional(blob);
  }
  return std::optional<store::LayerBlob>();
}

// One part: another layer's blob where one has the same content.
Result<store::LayerBlob> make_part(store::Store& store, const std::filesystem::path& directory,
                                   const layer::LayerPart& part, layer::WriteOptions options,
                                   ThreadPool& pool, const std::stop_token& stop) {
  options.part = &part;
  const layer::LayerOutline outline = TRY(layer::layer_outline(directory, options, stop));
  // Images that are built together have parts in common. (Never held while waiting for another.)
  const store::RangeLock claim = TRY(store.claim("part " + outline.headers.str(), stop));
  const std::vector<store::LayerBlob> alike = TRY(store.layers().parts_like(outline.headers));
  std::optional<store::LayerBlob> equal =
      TRY(equal_part(store, alike, directory, outline.inodes, options, stop));
  if (equal) {
    equal->inodes = outline.inodes;
    return *std::move(equal);
  }
  const layer::WrittenLayer written =
      TRY(layer::write_layer(directory, options, store.content(), pool, stop));
  return store::LayerBlob{written.descriptor, written.diff_id, part.label, outline.headers,
                          outline.inodes};
}

Result<std::vector<store::LayerBlob>> make_parts(store::Store& store, store::SnapshotId snapshot,
                                                 const std::vector<layer::LayerPart>& parts,
                                                 const LayerChoice& choice, ThreadPool& pool,
                                                 const std::stop_token& stop) {
  const std::filesystem::path directory = store.snapshotter().directory(snapshot);
  const layer::WriteOptions options = write_options(store, choice);
  // The biggest first, so that none is left alone at the end.
  std::vector<size_t> order(parts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return parts[i].bytes; });
  std::vector<std::optional<Result<store::LayerBlob>>> made(parts.size());
  pool.parallel_for(parts.size(), [&](size_t i) {
    const size_t index = order[i];
    made[index].emplace(make_part(store, directory, parts[index], options, pool, stop));
  });
  std::vector<store::LayerBlob> blobs;
  for (size_t i = 0; i < parts.size(); ++i) {
    blobs.push_back(TRY(*std::move(made[i])));
    blobs.back().label = parts[i].label;
  }
  return blobs;
}

// `fetched`: of find_fetched().
Result<store::LayerBlob> ensure_whole(store::Store& store, store::SnapshotId snapshot,
                                      const std::optional<store::LayerBlob>& fetched,
                                      const LayerChoice& choice, ThreadPool& pool,
                                      const std::stop_token& stop) {
  if (fetched && TRY(fits(store, *fetched, choice))) return *fetched;
  LayerChoice wanted = choice;
  if (fetched) wanted.clamp_mtime.reset();  // files of a base image keep their times
  const std::string variant = variant_of(wanted);
  if (auto blob = TRY(find(store, snapshot, variant))) return *std::move(blob);
  const store::RangeLock claim =
      TRY(store.claim(fmt::format("layer {} {}", snapshot.value, variant), stop));
  if (auto blob = TRY(find(store, snapshot, variant))) return *std::move(blob);
  return write(store, snapshot, variant, wanted, pool, stop)
      .context(fmt::format("write layer of snapshot {}", snapshot.value));
}

Result<std::vector<store::LayerBlob>> ensure_blobs(store::Store& store, store::SnapshotId snapshot,
                                                   const std::optional<store::LayerBlob>& fetched,
                                                   const LayerChoice& choice, ThreadPool& pool,
                                                   const std::stop_token& stop) {
  using Blobs = std::vector<store::LayerBlob>;
  if (choice.split_above == 0 || fetched) {
    return Blobs{TRY(ensure_whole(store, snapshot, fetched, choice, pool, stop))};
  }
  const std::string variant = fmt::format("{}:split={}:1", variant_of(choice), choice.split_above);
  if (Blobs known = TRY(find_parts(store, snapshot, variant)); !known.empty()) return known;
  const store::RangeLock claim =
      TRY(store.claim(fmt::format("layers {} {}", snapshot.value, variant), stop));
  if (Blobs known = TRY(find_parts(store, snapshot, variant)); !known.empty()) return known;
  layer::SplitOptions split;
  split.threshold = choice.split_above;
  split.user_xattrs = store.core()->user_xattrs();
  const std::vector<layer::LayerPart> parts =
      TRY(layer::plan_split(store.snapshotter().directory(snapshot), split, stop));
  Blobs blobs;
  if (parts.empty()) {
    blobs.push_back(TRY(ensure_whole(store, snapshot, fetched, choice, pool, stop)));
  } else {
    blobs = TRY(make_parts(store, snapshot, parts, choice, pool, stop)
                    .context(fmt::format("write layers of snapshot {}", snapshot.value)));
  }
  TRY(store.layers().add_parts(snapshot, variant, blobs));
  return blobs;
}

// The snapshots whose layers stay whole, so that no more than kMostLayers are left.
std::vector<size_t> too_many(const std::vector<std::vector<Layer>>& stack) {
  size_t total = 0;
  std::vector<size_t> order;
  for (size_t i = 0; i < stack.size(); ++i) {
    total += stack[i].size();
    if (stack[i].size() > 1) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return stack[i].size(); });
  std::vector<size_t> whole;
  for (const size_t i : order) {
    if (total <= kMostLayers) break;
    total -= stack[i].size() - 1;
    whole.push_back(i);
  }
  return whole;
}

}  // namespace

Result<store::LayerBlob> ensure_layer_blob(store::Store& store, store::SnapshotId snapshot,
                                           const LayerChoice& choice, ThreadPool& pool,
                                           std::stop_token stop) {
  return ensure_whole(store, snapshot, TRY(find_fetched(store, snapshot)), choice, pool, stop);
}

Result<std::vector<store::LayerBlob>> ensure_layer_blobs(store::Store& store,
                                                         store::SnapshotId snapshot,
                                                         const LayerChoice& choice,
                                                         ThreadPool& pool, std::stop_token stop) {
  return ensure_blobs(store, snapshot, TRY(find_fetched(store, snapshot)), choice, pool, stop);
}

Result<std::vector<Layer>> ensure_own_layers(store::Store& store, store::SnapshotId id,
                                             const LayerChoice& choice, ThreadPool& pool,
                                             std::stop_token stop) {
  const std::optional<store::LayerBlob> fetched = TRY(find_fetched(store, id));
  const std::vector<store::LayerBlob> blobs =
      TRY(ensure_blobs(store, id, fetched, choice, pool, stop));
  const int64_t created = TRY(store.snapshotter().created(id));
  std::vector<Layer> layers;
  for (const store::LayerBlob& blob : blobs) {
    layers.push_back({blob, id, created, fetched.has_value(), layers.size(), blobs.size()});
    if (fetched) read_part_text(blob.label, layers.back());
  }
  return layers;
}

std::string part_text(const Layer& layer) {
  return fmt::format("{}/{} {}", layer.part + 1, layer.parts, layer.blob.label);
}

void read_part_text(const std::string& text, Layer& layer) {
  constexpr size_t kMostParts = 1000;
  size_t part = 0, parts = 0;
  const char* const end = text.data() + text.size();
  const auto [slash, first_error] = std::from_chars(text.data(), end, part);
  if (first_error != std::errc() || slash == end || *slash != '/') return;
  const auto [space, second_error] = std::from_chars(slash + 1, end, parts);
  if (second_error != std::errc() || space == end || *space != ' ') return;
  if (part == 0 || part > parts || parts > kMostParts) return;
  layer.part = part - 1;
  layer.parts = parts;
  layer.blob.label.assign(space + 1, end);
}

Result<std::vector<Layer>> ensure_layers(store::Store& store, store::SnapshotId top,
                                         const LayerChoice& choice, ThreadPool& pool,
                                         progress::VertexReporter& progress, std::stop_token stop) {
  std::vector<store::SnapshotId> ids = TRY(store.snapshotter().ancestry(top));
  std::ranges::reverse(ids);
  std::vector<std::vector<Layer>> layers(ids.size());
  std::vector<Status> results(ids.size());
  const progress::Time started = std::chrono::system_clock::now();
  progress.status("exporting layers", 0, 0, started, false);
  const auto make = [&](size_t i, const LayerChoice& wanted) -> Status {
    layers[i] = TRY(ensure_own_layers(store, ids[i], wanted, pool, stop));
    return {};
  };
  pool.parallel_for(ids.size(), [&](size_t i) { results[i] = make(i, choice); });
  for (Status& result : results) TRY(std::move(result));
  LayerChoice unsplit = choice;
  unsplit.split_above = 0;
  for (const size_t i : too_many(layers)) TRY(make(i, unsplit));
  progress.status("exporting layers", 0, 0, started, true);
  std::vector<Layer> stack;
  for (std::vector<Layer>& own : layers) std::ranges::move(own, std::back_inserter(stack));
  return stack;
}

}  // namespace slipway::exporter
