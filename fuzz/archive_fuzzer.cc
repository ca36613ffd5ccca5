// Archives that come as build contexts: recognised by their first bytes, dated by their files.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/file_io.h"
#include "base/unique_fd.h"
#include "source/archive.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  const bool recognised = source::is_archive(content);
  CHECK(source::is_archive(content.substr(0, source::kArchiveHeaderBytes)) == recognised);
  const UniqueFd file(::memfd_create("archive", MFD_CLOEXEC));
  CHECK(write_all(file.get(), content));
  CHECK(::lseek(file.get(), 0, SEEK_SET) == 0);
  (void)source::newest_file_time(file.get());
  return 0;
}
