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

Status Trash::empty() {
  auto remover = remover_.lock();
  *remover = {};  // ended: two that remove the same get in each other's way
  return remove_tree(directory());
}

}  // namespace slipway::store
