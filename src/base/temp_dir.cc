#include "base/temp_dir.h"

#include <cstdlib>

#include "base/file_io.h"

namespace slipway {

Result<TempDir> TempDir::create(const std::filesystem::path& parent, std::string_view prefix) {
  std::string path = fmt::format("{}/{}XXXXXX", parent.string(), prefix);
  if (::mkdtemp(path.data()) == nullptr) return errno_error("create temporary directory {}", path);
  return TempDir(path);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  // A destructor cannot report; what could not be removed is found by the owner of the parent.
  if (!path_.empty()) (void)remove_tree(path_).has_value();
}

}  // namespace slipway
