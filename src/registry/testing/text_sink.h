// TextSink: a blob that is fetched into memory, by tests.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "oci/blob_sink.h"

namespace slipway::registry::testing {

class TextSink final : public BlobSink {
 public:
  // What has come without a gap.
  std::string text() { return content_.lock()->substr(0, end_); }

  Status write(std::string_view bytes) override {
    TRY(write_at(end_, bytes));
    return reached(end_ + bytes.size());
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    auto content = content_.lock();
    if (content->size() < offset + bytes.size()) content->resize(offset + bytes.size(), kGap);
    content->replace(offset, bytes.size(), bytes);
    return {};
  }
  // A gap shows in text(), and in the test that compares it.
  Status reached(uint64_t end) override {
    auto content = content_.lock();
    if (end <= end_ || end > content->size()) return Error(ErrorCode::Internal, "reached nothing");
    const size_t gap = content->find(kGap, end_);
    if (gap < end) return Error(ErrorCode::Internal, "reached a gap");
    end_ = end;
    return {};
  }

 private:
  static constexpr char kGap = '\1';  // no test's content has it
  Guarded<std::string> content_;
  uint64_t end_ = 0;
};

}  // namespace slipway::registry::testing
