#include "ops/stub_layers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/exact_directory.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace slipway::ops {
namespace {

constexpr const char* kStandardFiles[] = {"/etc/hosts", "/etc/resolv.conf"};

// The parts of a destination, or nothing when it is no plain absolute path: the executor then makes
// the mount point itself, looking at the image.
std::vector<std::string> plain_parts(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part : split(path, '/')) {
    if (part == "..") return {};
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  return parts;
}

Status ensure_directory(const std::string& path) {
  Status made = make_directory(path);
  if (!made && made.error().errno_value() == EEXIST) return {};
  return made;
}

Status make_stub(const std::string& layer, const std::string& destination, bool directory) {
  const std::vector<std::string> parts = plain_parts(destination);
  std::string path = layer;
  for (size_t i = 0; i < parts.size(); ++i) {
    path += "/" + parts[i];
    if (i + 1 < parts.size() || directory) {
      TRY(ensure_directory(path));
    } else {
      TRY(open_file(path, O_WRONLY | O_CREAT, 0644));
    }
  }
  return {};
}

}  // namespace

Status StubLayers::fill(const std::filesystem::path& layer, const MountPoints& points) {
  TRY(make_directory(layer));
  for (const char* path : kStandardFiles) TRY(make_stub(layer, path, false));
  for (const std::string& path : points.directories) TRY(make_stub(layer, path, true));
  for (const std::string& path : points.files) {
    // A file below a place where another mount needs a file: left to the executor.
    if (Status made = make_stub(layer, path, false);
        !made && made.error().errno_value() != ENOTDIR) {
      return made;
    }
  }
  return {};
}

Result<std::filesystem::path> StubLayers::layer(const MountPoints& points) {
  auto layers = layers_.lock();
  if (const auto found = layers->find(points); found != layers->end()) return found->second;
  const std::filesystem::path path = directory_.path() / std::to_string(layers->size());
  TRY(fill(path, points));
  layers->emplace(points, path);
  return path;
}

}  // namespace slipway::ops
