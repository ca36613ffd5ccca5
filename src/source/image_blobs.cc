#include "source/image_blobs.h"

#include <fmt/format.h>

#include "source/transfer_report.h"

namespace slipway::source {

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
  TransferReport report(reporter, wanted.digest.str(), wanted.size);
  const registry::ByteSink sink = [&](std::string_view bytes) -> Status {
    TRY(writer.write(bytes));
    report.add(bytes.size());
    on_bytes(writer.bytes_written());
    return {};
  };
  TRY(origin.copy(wanted, sink, std::move(stop)));
  TRY(writer.commit(wanted.digest).context(fmt::format("fetch from {}", origin.name())));
  report.done();
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
