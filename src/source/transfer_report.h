// TransferReport: tells how a transfer advances, but not more often than somebody can look.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "progress/sink.h"

namespace slipway::source {

class TransferReport {
 public:
  // `total` in bytes; 0 when nobody knows.
  TransferReport(progress::VertexReporter& reporter, std::string id, uint64_t total)
      : reporter_(reporter), id_(std::move(id)), total_(static_cast<int64_t>(total)) {
    reporter_.status(id_, 0, total_, started_, false);
  }

  void set_total(uint64_t total) { total_ = static_cast<int64_t>(total); }
  void add(size_t bytes) {
    current_ += static_cast<int64_t>(bytes);
    const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
    if (now - last_ < kInterval) return;
    last_ = now;
    reporter_.status(id_, current_, total_, started_, false);
  }
  // A failed attempt is forgotten.
  void restart() { current_ = 0; }
  void done() { reporter_.status(id_, current_, std::max(total_, current_), started_, true); }

 private:
  static constexpr std::chrono::milliseconds kInterval{100};

  progress::VertexReporter& reporter_;
  std::string id_;
  int64_t total_;
  int64_t current_ = 0;
  progress::Time started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace slipway::source
