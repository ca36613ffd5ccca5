#include "source/image_blobs.h"

#include <fmt/format.h>

#include "source/transfer_report.h"

namespace slipway::source {
namespace {

// A content writer that tells how far it is.
class ReportingSink final : public BlobSink {
 public:
  ReportingSink(store::ContentWriter& writer, TransferReport report,
                const std::function<void(uint64_t written)>& on_bytes)
      : writer_(writer), report_(std::move(report)), on_bytes_(on_bytes) {}

  Status write(std::string_view bytes) override {
    TRY(writer_.write(bytes));
    tell(bytes.size());
    return {};
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    return writer_.write_at(offset, bytes);
  }
  Status reached(uint64_t end) override {
    const uint64_t before = writer_.bytes_written();
    TRY(writer_.reached(end));
    tell(end - before);
    return {};
  }
  void done() { report_.done(); }

 private:
  void tell(uint64_t bytes) {
    report_.add(bytes);
    on_bytes_(writer_.bytes_written());
  }

  store::ContentWriter& writer_;
  TransferReport report_;
  const std::function<void(uint64_t written)>& on_bytes_;
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

std::string fetch_claim(const Descriptor& wanted) {
  return "fetch " + wanted.digest.str();
}

Status fetch_into(store::ContentWriter& writer, BlobOrigin& origin, const Descriptor& wanted,
                  progress::VertexReporter& reporter, std::stop_token stop,
                  const std::function<void(uint64_t written)>& on_bytes) {
  ReportingSink sink(writer, TransferReport(reporter, wanted.digest.str(), wanted.size), on_bytes);
  TRY(origin.copy(wanted, sink, std::move(stop)));
  TRY(writer.commit(wanted.digest).context(fmt::format("fetch from {}", origin.name())));
  sink.done();
  return {};
}

Status ensure_blob(store::Store& store, BlobOrigin& origin, const Descriptor& wanted,
                   progress::VertexReporter& reporter, std::stop_token stop) {
  store::LocalContentStore& content = store.content();
  if (TRY(content.size(wanted.digest))) return {};
  const store::RangeLock claim = TRY(store.claim(fetch_claim(wanted), stop));
  if (TRY(content.size(wanted.digest))) return {};  // somebody else was faster
  const std::unique_ptr<store::ContentWriter> writer = TRY(content.writer());
  return fetch_into(*writer, origin, wanted, reporter, std::move(stop), [](uint64_t) {});
}

}  // namespace slipway::source
