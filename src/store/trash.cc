#include "store/trash.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "base/file_io.h"

namespace slipway::store {

Status Trash::take(const std::filesystem::path& directory) {
  TRY(make_directories(this->directory()));
  std::string target = this->directory() / "t-XXXXXX";
  if (::mkdtemp(target.data()) == nullptr) return errno_error("make {}", target);
  // Another process may have removed the empty target: that is as good.
  if (::rename(directory.c_str(), target.c_str()) != 0) return errno_error("discard {}", target);
  auto remover = remover_.lock();
  if (!remover->joinable()) {
    *remover = std::jthread([trash = this->directory()](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        remove_slowly(trash, stop);
        for (int i = 0; i < 20 && !stop.stop_requested(); ++i) {
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
      }
    });
  }
  return {};
}

// Other processes do the same: what is gone is gone.
void Trash::remove_slowly(const std::filesystem::path& trash, const std::stop_token& stop) {
  using Listing = std::filesystem::directory_iterator;
  std::error_code error;
  for (Listing heap(trash, error); !error && heap != Listing(); heap.increment(error)) {
    std::error_code inner;
    for (Listing entry(heap->path(), inner); !inner && entry != Listing(); entry.increment(inner)) {
      if (stop.stop_requested()) return;
      (void)::remove(entry->path().c_str());
    }
    (void)::rmdir(heap->path().c_str());
  }
}

// The directory itself stays: others may be about to move something into it. They may also be
// removing what is in it, and then find that we were faster, or we that they were.
Status Trash::empty() {
  auto remover = remover_.lock();
  *remover = {};  // ended: what it is about to remove would be there still
  std::error_code error;
  std::filesystem::directory_iterator heaps(directory(), error);
  for (; !error && heaps != std::filesystem::directory_iterator(); heaps.increment(error)) {
    std::error_code ignored;
    std::filesystem::remove_all(heaps->path(), ignored);
  }
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return Error::from_errno(error.value(), "list " + directory().string());
}

}  // namespace slipway::store
