#include "source/skeleton_unpacker.h"

#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "base/exact_directory.h"
#include "layer/diff.h"
#include "source/image_blobs.h"
#include "source/image_unpacker.h"

namespace slipway::source {
namespace {

constexpr size_t kThreads = 8;  // most of the time they wait for a registry

// All of a text at once.
layer::ByteStream stream_of(const std::string& text) {
  return [&text, done = false]() mutable -> Result<std::string_view> {
    return std::exchange(done, true) ? std::string_view() : std::string_view(text);
  };
}

// Tens of thousands of names that nobody will ask for again are nothing for a disk. What does not
// fit fails, and the layers are fetched.
constexpr char kMemory[] = "mode=0755,size=256m,nr_inodes=400000";

}  // namespace

Result<std::filesystem::path> SkeletonUnpacker::fresh_directory() {
  auto place = place_.lock();
  if (place->directory.empty()) {
    const std::filesystem::path directory = TRY(store_.scratch_path("skeletons"));
    TRY(make_directory(directory));
    Result<Mount> memory =
        Mount::create("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, kMemory);
    if (memory) place->memory = *std::move(memory);
    place->directory = directory;
  }
  const std::filesystem::path fresh = place->directory / std::to_string(place->made++);
  TRY(make_directory(fresh));
  return fresh;
}

Status SkeletonUnpacker::unpack_layer(Layer& layer, const Descriptor& skeleton, BlobOrigin& origin,
                                      std::stop_token stop) {
  const std::lock_guard lock(layer.mutex);
  if (layer.unpacked) return {};
  const std::string archive = TRY(ensure_small_blob(store_, origin, skeleton, stop));
  const std::filesystem::path directory = TRY(fresh_directory());
  layer::ApplyOptions options;
  options.user_xattrs = store_.core()->user_xattrs();
  options.skeleton = true;
  layer::AppliedLayer applied =
      TRY(layer::apply_layer(stream_of(archive), directory, options, stop)
              .context(fmt::format("unpack skeleton {}", skeleton.digest.str())));
  layer.directory = directory;
  layer.implied_directories = std::move(applied.implied_directories);
  layer.unpacked = true;
  return {};
}

Result<std::vector<std::filesystem::path>> SkeletonUnpacker::unpack(
    const ResolvedImage& image, const std::vector<Descriptor>& skeletons, std::stop_token stop) {
  std::vector<std::shared_ptr<Layer>> layers;
  for (const Digest& chain_id : TRY(chain_ids(image))) {
    auto known = layers_.lock();
    std::shared_ptr<Layer>& layer = (*known)[chain_id];
    if (layer == nullptr) layer = std::make_shared<Layer>();
    layers.push_back(layer);
  }
  std::vector<Status> done(layers.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < layers.size(); i = next++) {
      done[i] = unpack_layer(*layers[i], skeletons.at(i), *image.origin, stop);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < std::min(layers.size(), kThreads); ++i) threads.emplace_back(work);
    work();
  }
  for (Status& status : done) TRY(std::move(status));

  std::vector<std::filesystem::path> directories;
  for (const std::shared_ptr<Layer>& layer : layers) {
    const std::lock_guard lock(layer->mutex);
    if (!layer->adopted) {
      TRY(layer::adopt_directories(layer->directory, layer->implied_directories, directories,
                                   store_.core()->user_xattrs()));
      layer->adopted = true;
    }
    directories.insert(directories.begin(), layer->directory);
  }
  return directories;
}

}  // namespace slipway::source
