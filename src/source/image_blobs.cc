#include "source/image_blobs.h"

#include <chrono>
#include <optional>

#include <fmt/format.h>

namespace slipway::source {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReportInterval{100};

// Tells how a transfer advances, but not more often than somebody can look.
class TransferReport {
 public:
  TransferReport(progress::VertexReporter& reporter, const Descriptor& blob)
      : reporter_(reporter), id_(blob.digest.str()), total_(static_cast<int64_t>(blob.size)) {
    reporter_.status(id_, 0, total_, started_, false);
  }
  void add(size_t bytes) {
    current_ += static_cast<int64_t>(bytes);
    const steady_clock::time_point now = steady_clock::now();
    if (now - last_ < kReportInterval) return;
    last_ = now;
    reporter_.status(id_, current_, total_, started_, false);
  }
  void done() { reporter_.status(id_, current_, std::max(total_, current_), started_, true); }

 private:
  progress::VertexReporter& reporter_;
  std::string id_;
  int64_t current_ = 0;
  int64_t total_;
  progress::Time started_ = std::chrono::system_clock::now();
  steady_clock::time_point last_ = steady_clock::now();
};

}  // namespace

Result<std::string> ensure_small_blob(store::Store& store, BlobOrigin& origin,
                                      const Descriptor& wanted, std::stop_token stop) {
  Result<std::string> known = store.content().read(wanted.digest);
  if (known || known.error().code() != ErrorCode::NotFound) return known;
  std::string bytes = TRY(origin.read(wanted, stop));
  TRY(store.content().put(bytes));
  return bytes;
}

Status ensure_blob(store::Store& store, BlobOrigin& origin, const Descriptor& wanted,
                   progress::VertexReporter& reporter, std::stop_token stop) {
  store::LocalContentStore& content = store.content();
  if (TRY(content.size(wanted.digest))) return {};
  const store::RangeLock claim = TRY(store.claim("fetch " + wanted.digest.str(), stop));
  if (TRY(content.size(wanted.digest))) return {};  // somebody else was faster

  TransferReport report(reporter, wanted);
  const std::unique_ptr<store::ContentWriter> writer = TRY(content.writer());
  const registry::ByteSink sink = [&](std::string_view bytes) -> Status {
    TRY(writer->write(bytes));
    report.add(bytes.size());
    return {};
  };
  TRY(origin.copy(wanted, sink, stop));
  TRY(writer->commit(wanted.digest).context(fmt::format("fetch from {}", origin.name())));
  report.done();
  return {};
}

}  // namespace slipway::source
