// TarReader: a strict, streaming reader of tar archives from anywhere: ustar, pax, GNU long names
// and base-256 numbers, V7. Hostile input: every malformed header is an InvalidInput error, and
// nothing that a header claims is allocated before it was read.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "layer/tar_entry.h"

namespace slipway::layer {

// Gives the next bytes of a stream, empty at its end. The view lives until the next call.
using ByteStream = std::function<Result<std::string_view>()>;

class TarReader {
 public:
  explicit TarReader(ByteStream stream) : stream_(std::move(stream)) {}

  // The next member, its unread data skipped; nullopt after the end of the archive.
  Result<std::optional<TarEntry>> next();
  // The next piece of the current member's data; empty when all of it was given. The view lives
  // until the next call of any method.
  Result<std::string_view> data();
  // Reads to the end of the stream, past the end mark: digests cover that too.
  Status drain();

 private:
  struct Extended;  // what pax and GNU headers say about the next member
  Status read_exactly(char* to, size_t count);
  Result<bool> read_block(char* block);
  Result<std::string> read_text(uint64_t size, const char* what);
  Status skip_member();
  Status take_special(char type, uint64_t size, Extended& next);

  ByteStream stream_;
  std::string_view rest_;                      // of the piece that the stream gave last
  uint64_t data_left_ = 0;                     // of the current member
  size_t padding_left_ = 0;                    // after its data
  std::map<std::string, std::string> global_;  // pax 'g' records
  bool ended_ = false;
};

}  // namespace slipway::layer
