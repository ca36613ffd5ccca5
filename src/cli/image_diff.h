// What differs between two images: configuration, layers, files, and which step made them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/image_tree.h"
#include "oci/manifest.h"

namespace slipway::cli {

// An image that is compared.
struct DiffSide {
  std::string name;  // as it was asked for
  Descriptor descriptor;
  Manifest manifest;
  std::string config_json;
  std::vector<Digest> diff_ids;
  // The step that made each layer ("RUN make"); empty where the history does not say.
  std::vector<std::string> steps;
};

struct FieldDifference {
  std::string field;  // "config.Env[1]"
  std::string a, b;   // JSON; empty: not there
};

struct LayerDifference {
  size_t layer = 0;                // counted from the bottom
  std::optional<Descriptor> a, b;  // nullopt: there is no such layer
  bool content = false;            // the files differ, not only how they are compressed
};

struct FileDifference {
  std::string path;                  // "/app/x"
  std::vector<std::string> changes;  // "content", "mode", ...; or "only in A", "only in B"
  std::optional<ImageFile> a, b;
};

struct ImageDifference {
  std::vector<FieldDifference> config;
  std::vector<LayerDifference> layers;
  std::vector<FileDifference> files;  // by path

  bool empty() const { return config.empty() && layers.empty() && files.empty(); }
};

// Gives the tar stream of a layer. Only layers that can make a difference are read.
using OpenLayer = std::function<Result<layer::ByteStream>(const DiffSide& side, size_t layer)>;

Result<ImageDifference> compare_images(const DiffSide& a, const DiffSide& b, const OpenLayer& open);

// For people, and as JSON.
std::string diff_text(const DiffSide& a, const DiffSide& b, const ImageDifference& difference);
std::string diff_json(const DiffSide& a, const DiffSide& b, const ImageDifference& difference);

// "RUN make" of a history entry's created_by, as BuildKit writes it.
std::string step_of_history(const std::string& created_by);

}  // namespace slipway::cli
