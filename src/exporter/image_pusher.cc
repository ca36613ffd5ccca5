#include "exporter/image_pusher.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/guarded.h"
#include "oci/manifest.h"

namespace slipway::exporter {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReportInterval{100};
constexpr size_t kReadBytes = 256 << 10;
constexpr int kMaxIndexDepth = 4;

// Everything below a manifest or index.
struct Contents {
  std::vector<Descriptor> blobs;      // configs and layers, each once
  std::vector<Descriptor> manifests;  // children before parents; the target last
  std::set<Digest> seen;
};

Status collect(store::ContentStore& content, const Descriptor& target, int depth,
               Contents& contents) {
  if (!contents.seen.insert(target.digest).second) return {};
  const std::string text = TRY(content.read(target.digest));
  if (is_index_type(target.media_type)) {
    if (depth == kMaxIndexDepth) {
      return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}",
                        kMaxIndexDepth);
    }
    const Index index = TRY(parse_index(text));
    for (const Descriptor& child : index.manifests) {
      if (is_index_type(child.media_type) || is_manifest_type(child.media_type)) {
        TRY(collect(content, child, depth + 1, contents));
      } else if (contents.seen.insert(child.digest).second) {
        contents.blobs.push_back(child);  // an index of blobs: a build cache
      }
    }
  } else {
    const Manifest manifest = TRY(parse_manifest(text));
    if (contents.seen.insert(manifest.config.digest).second) {
      contents.blobs.push_back(manifest.config);
    }
    for (const Descriptor& layer : manifest.layers) {
      if (contents.seen.insert(layer.digest).second) contents.blobs.push_back(layer);
    }
  }
  contents.manifests.push_back(target);
  return {};
}

// body(0) ... body(count - 1) on a few threads; they block on the network, so these are not a
// pool's. The first failure stops the rest and is returned.
Status for_each(size_t count, size_t threads, std::stop_token outer,
                const std::function<Status(size_t, std::stop_token)>& body) {
  std::stop_source stop;
  const std::stop_callback forward(outer, [&] { stop.request_stop(); });
  std::atomic<size_t> next = 0;
  Guarded<std::optional<Error>> failure;
  const auto work = [&] {
    for (size_t index = next++; index < count; index = next++) {
      if (stop.stop_requested()) return;
      Status done = body(index, stop.get_token());
      if (done) continue;
      auto first = failure.lock();
      if (!*first) *first = std::move(done).error();
      stop.request_stop();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < std::min(count, threads); ++i) helpers.emplace_back(work);
    work();
  }
  if (std::optional<Error> error = std::move(*failure.lock())) return *std::move(error);
  if (outer.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
  return {};
}

class Push {
 public:
  Push(store::ContentStore& content, registry::Client& client, const Reference& name,
       const PushOptions& options, progress::VertexReporter& reporter)
      : content_(content), client_(client), name_(name), options_(options), reporter_(reporter) {}

  Status run(const Descriptor& target, std::stop_token stop) {
    if (TRY(is_there(name_, target.digest, stop))) {
      const progress::Time now = std::chrono::system_clock::now();
      reporter_.status(manifest_status(target), 0, 0, now, true);
      return {};
    }
    Contents contents;
    TRY(collect(content_, target, 0, contents).context("read the image to push"));
    const bool complete =
        !name_.tag().empty() &&
        TRY(is_there(name_.with_tag("").with_digest(target.digest), target.digest, stop));
    if (!complete) {
      TRY(push_blobs(contents.blobs, stop));
      for (size_t i = 0; i + 1 < contents.manifests.size(); ++i) {
        const Descriptor& child = contents.manifests[i];
        TRY(push_manifest(name_.with_tag("").with_digest(child.digest), child, stop));
      }
    }
    return push_manifest(name_, target, stop);
  }

 private:
  // Registries deny what does not exist to those who may not look: then pushing shows the truth.
  Result<bool> is_there(const Reference& reference, const Digest& digest, std::stop_token stop) {
    Result<bool> there = client_.has_manifest(reference, digest, stop);
    if (!there && there.error().code() == ErrorCode::PermissionDenied) return false;
    return there;
  }

  Status push_blobs(const std::vector<Descriptor>& blobs, std::stop_token stop) {
    const progress::Time started = std::chrono::system_clock::now();
    reporter_.status("pushing layers", 0, 0, started, false);
    TRY(for_each(
        blobs.size(), options_.parallel, stop,
        [&](size_t index, std::stop_token job_stop) { return push_blob(blobs[index], job_stop); }));
    reporter_.status("pushing layers", 0, 0, started, true);
    return {};
  }

  Status push_blob(const Descriptor& blob, std::stop_token stop) {
    if (TRY(client_.blob_exists(name_, blob.digest, stop))) return {};
    for (const Reference& source : options_.sources) {
      if (source.domain() != name_.domain() || source.path() == name_.path()) continue;
      if (TRY(client_.mount_blob(name_, blob.digest, source.path(), stop))) return {};
    }
    if (!TRY(content_.size(blob.digest))) TRY(fetch(blob, stop));

    const std::string status = "pushing " + blob.digest.str();
    const progress::Time started = std::chrono::system_clock::now();
    const int64_t total = static_cast<int64_t>(blob.size);
    reporter_.status(status, 0, total, started, false);
    const registry::ByteSourceFactory source =
        [&](uint64_t offset) -> Result<registry::ByteSource> {
      return open_source(blob, offset, status, started);
    };
    TRY(client_.push_blob(name_, blob, source, stop));
    reporter_.status(status, total, total, started, true);
    return {};
  }

  Result<registry::ByteSource> open_source(const Descriptor& blob, uint64_t offset,
                                           const std::string& status, progress::Time started) {
    // Shared because std::function must be copyable; there is one owner.
    auto fd = std::make_shared<UniqueFd>(TRY(content_.open(blob.digest)));
    if (::lseek(fd->get(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno_error("seek");
    return registry::ByteSource([this, fd, status, started, sent = static_cast<int64_t>(offset),
                                 total = static_cast<int64_t>(blob.size),
                                 last = steady_clock::now()]() mutable -> Result<std::string> {
      std::string bytes(kReadBytes, '\0');
      const ssize_t count = ::read(fd->get(), bytes.data(), bytes.size());
      if (count < 0) return errno_error("read blob");
      bytes.resize(static_cast<size_t>(count));
      sent += count;
      if (steady_clock::now() - last >= kReportInterval) {
        last = steady_clock::now();
        reporter_.status(status, sent, total, started, false);
      }
      return bytes;
    });
  }

  // Brings a base image's layer that is not in the store (any more).
  Status fetch(const Descriptor& blob, std::stop_token stop) {
    Error missing =
        make_error(ErrorCode::NotFound, "layer {} is not in the store", blob.digest.str());
    for (const Reference& source : options_.sources) {
      const std::unique_ptr<store::ContentWriter> writer = TRY(content_.writer());
      Status fetched = client_.fetch_blob(source, blob, *writer, stop);
      if (fetched) {
        TRY(writer->commit(blob.digest));
        return {};
      }
      if (fetched.error().code() == ErrorCode::Cancelled) return fetched;
      missing = std::move(fetched).error();
    }
    return missing;
  }

  std::string manifest_status(const Descriptor& manifest) const {
    return fmt::format("pushing manifest for {}", name_.with_digest(manifest.digest).str());
  }

  Status push_manifest(const Reference& reference, const Descriptor& manifest,
                       std::stop_token stop) {
    const std::string status = manifest_status(manifest);
    const progress::Time started = std::chrono::system_clock::now();
    reporter_.status(status, 0, 0, started, false);
    const std::string bytes = TRY(content_.read(manifest.digest));
    TRY(client_.push_manifest(reference, manifest.media_type, bytes, stop));
    reporter_.status(status, 0, 0, started, true);
    return {};
  }

  store::ContentStore& content_;
  registry::Client& client_;
  const Reference& name_;
  const PushOptions& options_;
  progress::VertexReporter& reporter_;
};

}  // namespace

Status push_image(store::ContentStore& content, registry::Client& client, const Descriptor& target,
                  const Reference& name, const PushOptions& options,
                  progress::VertexReporter& reporter, std::stop_token stop) {
  // A name with neither tag nor digest means its ":latest".
  return Push(content, client, name.with_default_tag(), options, reporter)
      .run(target, stop)
      .context(fmt::format("push {}", name.familiar()));
}

}  // namespace slipway::exporter
