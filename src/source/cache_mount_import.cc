#include "source/cache_mount_import.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/file_io.h"
#include "base/guarded.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "layer/diff.h"
#include "layer/tree_links.h"
#include "oci/manifest.h"
#include "source/image_blobs.h"
#include "store/disk_space.h"

namespace slipway::source {
namespace {

// Chunks that are fetched and unpacked at the same time.
constexpr size_t kParallel = 4;

Error no_cache_mounts(const BlobOrigin& origin) {
  return make_error(ErrorCode::InvalidInput, "{} holds no cache mounts", origin.name());
}

// Blobs that this import fetched: they are what their names say.
using FetchedBlobs = Guarded<std::set<Digest>>;

class Unpacking {
 public:
  Unpacking(store::Store& store, BlobOrigin& origin, std::filesystem::path directory,
            FetchedBlobs& fetched, progress::VertexReporter& reporter)
      : store_(store),
        origin_(origin),
        directory_(std::move(directory)),
        fetched_(fetched),
        reporter_(reporter) {}

  // All but the last in any order; the last one sets the times of directories.
  Status run(const std::vector<CacheMountChunk>& chunks, const std::stop_token& outer) {
    TRY(run_together({chunks.begin(), chunks.end() - 1}, outer));
    return unpack(chunks.back(), outer);
  }

  // After a failure: removes the copies of the store that it may be due to. False: there are none.
  Result<bool> drop_damaged() {
    auto damaged = damaged_.lock();
    for (const Digest& blob : *damaged) TRY(store_.content().remove(blob));
    return !damaged->empty();
  }

 private:
  // On threads of its own, as they wait for the network. The first failure stops the rest.
  Status run_together(const std::vector<CacheMountChunk>& chunks, const std::stop_token& outer) {
    std::stop_source stop;
    const std::stop_callback forward(outer, [&] { stop.request_stop(); });
    std::atomic<size_t> next = 0;
    Guarded<Status> outcome;
    const auto work = [&] {
      for (size_t index = next++; index < chunks.size(); index = next++) {
        if (stop.stop_requested()) return;
        Status done = unpack(chunks[index], stop.get_token());
        if (done) continue;
        auto first = outcome.lock();
        if (*first) *first = std::move(done);
        stop.request_stop();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < std::min(chunks.size(), kParallel); ++i) threads.emplace_back(work);
    }
    TRY(std::move(*outcome.lock()));
    return outer.stop_requested() ? Status(Error(ErrorCode::Cancelled, "cancelled")) : Status();
  }

  Status unpack(const CacheMountChunk& chunk, const std::stop_token& stop) {
    const Digest& blob = chunk.blob.digest;
    if (!TRY(store_.content().size(blob))) {
      TRY(ensure_blob(store_, origin_, chunk.blob, reporter_, stop));
      fetched_.lock()->insert(blob);
    }
    Status applied = apply(chunk, stop);
    if (!applied && applied.error().code() == ErrorCode::InvalidInput &&
        !fetched_.lock()->contains(blob)) {
      damaged_.lock()->insert(blob);
    }
    return std::move(applied).context("unpack " + chunk.blob.digest.str());
  }

  Status apply(const CacheMountChunk& chunk, const std::stop_token& stop) {
    const UniqueFd blob = TRY(store_.content().open(chunk.blob.digest));
    layer::ApplyOptions options;
    options.user_xattrs = store_.core()->user_xattrs();
    options.overlay = false;
    options.max_tar_bytes = chunk.tar_bytes;
    const layer::AppliedLayer applied =
        TRY(layer::apply_layer(blob.get(), directory_, options, stop));
    if (applied.diff_id == chunk.diff_id) return {};
    return make_error(ErrorCode::InvalidInput, "its content is {} instead of {}",
                      applied.diff_id.str(), chunk.diff_id.str());
  }

  store::Store& store_;
  BlobOrigin& origin_;
  const std::filesystem::path directory_;
  FetchedBlobs& fetched_;
  Guarded<std::set<Digest>> damaged_;
  progress::VertexReporter& reporter_;
};

Status set_attributes(const std::filesystem::path& directory, const PackedCacheMount& mount) {
  if (::chown(directory.c_str(), mount.uid, mount.gid) != 0) return errno_error("change owner");
  if (::chmod(directory.c_str(), mount.mode) != 0) return errno_error("change mode");
  return {};
}

constexpr char kContents[] = "data";

// The directory with the contents in a fresh draft. Whatever a damaged chunk left goes with the
// draft that it was unpacked into.
Result<TempDir> unpack(store::Store& store, BlobOrigin& origin, const PackedCacheMount& mount,
                       progress::VertexReporter& reporter, const std::stop_token& stop) {
  FetchedBlobs fetched;
  for (;;) {
    TempDir draft = TRY(store.scratch_directory("cache-import-"));
    const std::filesystem::path contents = draft.path() / kContents;
    TRY(make_directories(contents));
    Unpacking unpacking(store, origin, contents, fetched, reporter);
    Status unpacked = unpacking.run(mount.chunks, stop);
    if (unpacked) unpacked = set_attributes(contents, mount);
    if (unpacked) return draft;
    // Each blob can be fetched again only once.
    if (!TRY(unpacking.drop_damaged())) return std::move(unpacked).error();
  }
}

// What an artifact says of itself binds nobody, but no chunk may unpack to more than it says.
Status check_room(const store::Store& store, const PackedCacheMount& mount) {
  const uint64_t bytes = unpacked_bytes(mount);
  const store::DiskSpace disk = TRY(store::disk_space(store.layout().root()));
  if (bytes <= disk.free) return {};
  return make_error(ErrorCode::ResourceExhausted,
                    "it takes {} unpacked, and the disk of the store has {} left",
                    human_bytes(bytes), human_bytes(disk.free))
      .with_hint("\"slipway prune\" makes room; \"slipway cache-mount import --id\" imports less");
}

}  // namespace

Result<std::vector<PackedCacheMount>> read_cache_mounts(BlobOrigin& origin,
                                                        const Descriptor& target,
                                                        std::stop_token stop) {
  const std::string text = TRY(origin.read(target, stop));
  const Result<Manifest> manifest = parse_manifest(text);
  if (!manifest || manifest->config.media_type != kCacheMountsConfigType) {
    return no_cache_mounts(origin);
  }
  const std::string config = TRY(origin.read(manifest->config, stop));
  return parse_cache_mounts(config, manifest->layers).context(origin.name());
}

Result<bool> import_cache_mount(store::Store& store, BlobOrigin& origin,
                                const PackedCacheMount& mount, store::ExistingCache existing,
                                progress::VertexReporter& reporter, std::stop_token stop) {
  const std::string what = "import cache mount " + store::shown_id(mount.id);
  TRY(check_room(store, mount).context(what));
  const std::string status = "importing " + store::shown_id(mount.id);
  const progress::Time started = std::chrono::system_clock::now();
  reporter.status(status, 0, static_cast<int64_t>(mount.bytes), started, false);
  const TempDir draft = TRY(unpack(store, origin, mount, reporter, stop).context(what));
  const std::filesystem::path contents = draft.path() / kContents;
  const auto merge = [&](const std::filesystem::path& there) {
    return layer::link_tree_over(there, contents, {}, stop);
  };
  const bool adopted =
      TRY(store::adopt_cache_mount(store, mount.id, mount.base, contents, existing, merge, stop));
  reporter.status(status, static_cast<int64_t>(mount.bytes), static_cast<int64_t>(mount.bytes),
                  started, true);
  return adopted;
}

Result<std::string> StoredBlobs::read(const Descriptor& wanted, std::stop_token) {
  return store_.content().read(wanted.digest);
}

Status StoredBlobs::copy(const Descriptor& wanted, BlobSink&, std::stop_token) {
  return make_error(ErrorCode::InvalidInput, "the archive is incomplete: {} is not in it",
                    wanted.digest.str());
}

}  // namespace slipway::source
