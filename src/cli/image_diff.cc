#include "cli/image_diff.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/listing.h"
#include "oci/json_writer.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;
using layer::EntryType;
using layer::TarEntry;

// Members of an image config that the layers' comparison shows better.
constexpr char kDiffIds[] = "rootfs";

void flatten(const Json& value, const std::string& name, std::map<std::string, std::string>& all) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      flatten(member, name.empty() ? key : name + "." + key, all);
    }
  } else if (value.is_array() && !value.empty()) {
    for (size_t i = 0; i < value.size(); ++i)
      flatten(value[i], fmt::format("{}[{}]", name, i), all);
  } else {
    all[name] = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

std::vector<FieldDifference> compare_configs(const std::string& a, const std::string& b) {
  std::map<std::string, std::string> fields[2];
  const std::string* texts[] = {&a, &b};
  for (int i = 0; i < 2; ++i) {
    Json config = Json::parse(*texts[i], nullptr, false);
    if (config.is_object()) config.erase(kDiffIds);
    flatten(config, "", fields[i]);
  }
  std::vector<FieldDifference> differences;
  std::set<std::string> names;
  for (const auto& side : fields) {
    for (const auto& [name, value] : side) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto value = [&](int side) {
      const auto found = fields[side].find(name);
      return found == fields[side].end() ? std::string() : found->second;
    };
    if (value(0) != value(1)) differences.push_back({name, value(0), value(1)});
  }
  return differences;
}

template <typename Values>
const typename Values::value_type* at(const Values& values, size_t index) {
  return index < values.size() ? &values[index] : nullptr;
}

std::vector<LayerDifference> compare_layers(const DiffSide& a, const DiffSide& b) {
  std::vector<LayerDifference> differences;
  const size_t count = std::max(a.manifest.layers.size(), b.manifest.layers.size());
  for (size_t i = 0; i < count; ++i) {
    const Descriptor* left = at(a.manifest.layers, i);
    const Descriptor* right = at(b.manifest.layers, i);
    if (left != nullptr && right != nullptr && left->digest == right->digest) continue;
    const Digest* left_id = at(a.diff_ids, i);
    const Digest* right_id = at(b.diff_ids, i);
    const bool same = left_id != nullptr && right_id != nullptr && *left_id == *right_id;
    LayerDifference difference;
    difference.layer = i;
    if (left != nullptr) difference.a = *left;
    if (right != nullptr) difference.b = *right;
    difference.content = !same;
    differences.push_back(std::move(difference));
  }
  return differences;
}

// How two files differ; empty: not at all.
std::vector<std::string> changes_between(const ImageFile& a, const ImageFile& b) {
  const TarEntry& x = a.entry;
  const TarEntry& y = b.entry;
  std::vector<std::string> changes;
  if (x.type != y.type) {
    changes.emplace_back("type");
  } else if (x.type == EntryType::File && a.content != b.content) {
    changes.emplace_back("content");
  } else if (x.link_name != y.link_name) {
    changes.emplace_back("target");
  } else if (x.device_major != y.device_major || x.device_minor != y.device_minor) {
    changes.emplace_back("device");
  }
  if (x.mode != y.mode) changes.emplace_back("mode");
  if (x.uid != y.uid || x.gid != y.gid) changes.emplace_back("owner");
  if (x.mtime != y.mtime || x.mtime_nanoseconds != y.mtime_nanoseconds) {
    changes.emplace_back("mtime");
  }
  if (x.xattrs != y.xattrs) changes.emplace_back("xattr");
  return changes;
}

// The layers that both images have at the bottom are read only where one image alone changes a path
// above them, and then only for those paths.
class FileComparison {
 public:
  FileComparison(const DiffSide& a, const DiffSide& b, const OpenLayer& open)
      : a_(a), b_(b), open_(open) {}

  Result<std::vector<FileDifference>> run() {
    const size_t shared = shared_layers();
    TRY(read(a_, shared, a_.manifest.layers.size(), tree_a_));
    TRY(read(b_, shared, b_.manifest.layers.size(), tree_b_));
    collect_paths();
    ImageTree base([this](const std::string& path) { return matters(path); });
    if (needs_base()) TRY(read(a_, 0, shared, base));
    std::vector<FileDifference> differences;
    for (const auto& [path, file] : base.files()) paths_.insert(path);
    for (const std::string& path : paths_) {
      FileDifference difference{
          "/" + path, {}, file_of(tree_a_, base, path), file_of(tree_b_, base, path)};
      difference.changes = changes_of(difference);
      if (!difference.changes.empty()) differences.push_back(std::move(difference));
    }
    return differences;
  }

 private:
  size_t shared_layers() const {
    size_t shared = 0;
    while (shared < std::min({a_.diff_ids.size(), b_.diff_ids.size(), a_.manifest.layers.size(),
                              b_.manifest.layers.size()}) &&
           a_.diff_ids[shared] == b_.diff_ids[shared]) {
      ++shared;
    }
    return shared;
  }

  Status read(const DiffSide& side, size_t begin, size_t end, ImageTree& tree) const {
    for (size_t i = begin; i < end; ++i) {
      layer::ByteStream stream = TRY(open_(side, i));
      TRY(tree.add_layer(i, std::move(stream))
              .context(fmt::format("{}: layer {}", side.name, i + 1)));
    }
    return {};
  }

  void collect_paths() {
    for (const ImageTree* tree : {&tree_a_, &tree_b_}) {
      for (const auto& [path, file] : tree->files()) {
        paths_.insert(path);
        if (file.entry.type == EntryType::HardLink) paths_.insert(file.entry.link_name);
      }
    }
  }

  bool matters(const std::string& path) const {
    return paths_.contains(path) || tree_a_.hides(path) != tree_b_.hides(path);
  }

  bool needs_base() const {
    if (tree_a_.hidden() != tree_b_.hidden()) return true;
    return std::ranges::any_of(paths_, [&](const std::string& path) {
      return tree_a_.find(path) == nullptr || tree_b_.find(path) == nullptr;
    });
  }

  static const ImageFile* look_up(const ImageTree& tree, const ImageTree& base,
                                  const std::string& path) {
    if (const ImageFile* file = tree.find(path)) return file;
    return tree.hides(path) ? nullptr : base.find(path);
  }

  // A hard link is the file that it is linked to.
  static std::optional<ImageFile> file_of(const ImageTree& tree, const ImageTree& base,
                                          const std::string& path) {
    const ImageFile* found = look_up(tree, base, path);
    if (found == nullptr) return std::nullopt;
    if (found->entry.type != EntryType::HardLink) return *found;
    const ImageFile* linked = look_up(tree, base, found->entry.link_name);
    if (linked == nullptr || linked->entry.type == EntryType::HardLink) return *found;
    ImageFile file = *linked;
    file.entry.name = path;
    file.layer = found->layer;
    return file;
  }

  static std::vector<std::string> changes_of(const FileDifference& difference) {
    if (difference.a && difference.b) return changes_between(*difference.a, *difference.b);
    if (difference.a) return {"only in A"};
    if (difference.b) return {"only in B"};
    return {};
  }

  const DiffSide& a_;
  const DiffSide& b_;
  const OpenLayer& open_;
  ImageTree tree_a_, tree_b_;
  std::set<std::string> paths_;
};

std::string_view type_name(EntryType type) {
  switch (type) {
    case EntryType::File:
      return "file";
    case EntryType::HardLink:
      return "hard link";
    case EntryType::Symlink:
      return "symlink";
    case EntryType::CharDevice:
      return "character device";
    case EntryType::BlockDevice:
      return "block device";
    case EntryType::Directory:
      return "directory";
    case EntryType::Fifo:
      return "fifo";
  }
  return "";
}

std::string mtime_text(const TarEntry& entry) {
  return format_rfc3339(entry.mtime, entry.mtime_nanoseconds);
}

std::string xattr_text(const TarEntry& entry) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : entry.xattrs) {
    std::string hex;
    for (const unsigned char c : value) hex += fmt::format("{:02x}", c);
    parts.push_back(name + "=0x" + hex);
  }
  return parts.empty() ? "none" : join(parts, " ");
}

// What `change` is about, of one file.
std::string value_of(const std::string& change, const ImageFile& file) {
  const TarEntry& entry = file.entry;
  if (change == "type") return std::string(type_name(entry.type));
  if (change == "content") {
    return fmt::format("{} bytes {}", entry.size, file.content.hex().substr(0, 12));
  }
  if (change == "target") return entry.link_name;
  if (change == "device") return fmt::format("{}:{}", entry.device_major, entry.device_minor);
  if (change == "mode") return fmt::format("{:04o}", entry.mode);
  if (change == "owner") return fmt::format("{}:{}", entry.uid, entry.gid);
  if (change == "mtime") return mtime_text(entry);
  return xattr_text(entry);
}

std::string step_text(const DiffSide& side, size_t layer) {
  const std::string* step = at(side.steps, layer);
  return fmt::format("layer {}{}", layer + 1, step == nullptr || step->empty() ? "" : ": " + *step);
}

std::string or_none(const std::string& text) {
  return text.empty() ? "(none)" : text;
}

std::string layers_text(const DiffSide& a, const DiffSide& b,
                        const std::vector<LayerDifference>& layers) {
  std::string text;
  const auto show = [](const std::optional<Descriptor>& layer) {
    return layer ? std::string(layer->digest.hex().substr(0, 12)) : std::string("(none)");
  };
  for (const LayerDifference& layer : layers) {
    const DiffSide& side = layer.a ? a : b;
    text +=
        fmt::format("  {}: {} -> {}{}\n", step_text(side, layer.layer), show(layer.a),
                    show(layer.b), layer.content ? "" : " (same files, compressed differently)");
  }
  return text;
}

std::string file_text(const DiffSide& a, const DiffSide& b, const FileDifference& file) {
  std::string text = "  " + file.path + ": ";
  if (!file.a || !file.b) {
    const ImageFile& only = file.a ? *file.a : *file.b;
    return text + fmt::format("{} ({}; {})\n", file.changes.at(0), type_name(only.entry.type),
                              step_text(file.a ? a : b, only.layer));
  }
  std::vector<std::string> parts;
  for (const std::string& change : file.changes) {
    parts.push_back(
        fmt::format("{} {} -> {}", change, value_of(change, *file.a), value_of(change, *file.b)));
  }
  const std::string left = step_text(a, file.a->layer);
  const std::string right = step_text(b, file.b->layer);
  return text + join(parts, ", ") + " (" + (left == right ? left : left + " -> " + right) + ")\n";
}

void write_side(JsonWriter& json, const DiffSide& side) {
  json.begin_object();
  json.key("Name").string(side.name);
  json.key("Digest").string(side.descriptor.digest.str());
  json.key("ConfigDigest").string(side.manifest.config.digest.str());
  json.end_object();
}

// A JSON text, or null.
void write_raw(JsonWriter& json, const std::string& text) {
  if (text.empty()) {
    json.null();
  } else {
    json.raw(text);
  }
}

void write_layer(JsonWriter& json, const DiffSide& side, const std::optional<Descriptor>& layer,
                 size_t index) {
  if (!layer) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("Digest").string(layer->digest.str());
  const Digest* diff_id = at(side.diff_ids, index);
  json.key("DiffID").string(diff_id == nullptr ? "" : diff_id->str());
  const std::string* step = at(side.steps, index);
  json.key("Step").string(step == nullptr ? "" : *step);
  json.end_object();
}

void write_file(JsonWriter& json, const DiffSide& side, const std::optional<ImageFile>& file) {
  if (!file) {
    json.null();
    return;
  }
  const TarEntry& entry = file->entry;
  json.begin_object();
  json.key("Type").string(type_name(entry.type));
  json.key("Content").string(file->content.str());
  json.key("Size").number(static_cast<int64_t>(entry.size));
  json.key("Mode").string(fmt::format("{:04o}", entry.mode));
  json.key("UID").number(int64_t{entry.uid});
  json.key("GID").number(int64_t{entry.gid});
  json.key("ModTime").string(mtime_text(entry));
  json.key("Target").string(entry.link_name);
  json.key("Xattrs").string(entry.xattrs.empty() ? "" : xattr_text(entry));
  json.key("Layer").number(static_cast<int64_t>(file->layer + 1));
  const std::string* step = at(side.steps, file->layer);
  json.key("Step").string(step == nullptr ? "" : *step);
  json.end_object();
}

}  // namespace

Result<ImageDifference> compare_images(const DiffSide& a, const DiffSide& b,
                                       const OpenLayer& open) {
  ImageDifference difference;
  difference.config = compare_configs(a.config_json, b.config_json);
  difference.layers = compare_layers(a, b);
  const bool same_files = std::ranges::none_of(difference.layers, &LayerDifference::content);
  if (!same_files) difference.files = TRY(FileComparison(a, b, open).run());
  return difference;
}

std::string diff_text(const DiffSide& a, const DiffSide& b, const ImageDifference& difference) {
  std::string text = fmt::format("A: {} ({})\nB: {} ({})\n", a.name, a.descriptor.digest.str(),
                                 b.name, b.descriptor.digest.str());
  if (difference.empty()) {
    return text + (a.descriptor.digest == b.descriptor.digest
                       ? "\nThe same image.\n"
                       : "\nThe same configuration and layers; the manifests differ.\n");
  }
  if (!difference.config.empty()) text += "\nConfiguration:\n";
  for (const FieldDifference& field : difference.config) {
    text += fmt::format("  {}: {} -> {}\n", field.field, or_none(field.a), or_none(field.b));
  }
  if (!difference.layers.empty()) text += "\nLayers:\n";
  text += layers_text(a, b, difference.layers);
  if (!difference.files.empty()) text += fmt::format("\nFiles ({}):\n", difference.files.size());
  for (const FileDifference& file : difference.files) text += file_text(a, b, file);
  return text;
}

std::string diff_json(const DiffSide& a, const DiffSide& b, const ImageDifference& difference) {
  JsonWriter json(2);
  json.begin_object();
  json.key("Equal").boolean(a.descriptor.digest == b.descriptor.digest);
  json.key("A");
  write_side(json, a);
  json.key("B");
  write_side(json, b);
  json.key("Config").begin_array();
  for (const FieldDifference& field : difference.config) {
    json.begin_object().key("Field").string(field.field);
    json.key("A");
    write_raw(json, field.a);
    json.key("B");
    write_raw(json, field.b);
    json.end_object();
  }
  json.end_array();
  json.key("Layers").begin_array();
  for (const LayerDifference& layer : difference.layers) {
    json.begin_object().key("Layer").number(static_cast<int64_t>(layer.layer + 1));
    json.key("SameFiles").boolean(!layer.content);
    json.key("A");
    write_layer(json, a, layer.a, layer.layer);
    json.key("B");
    write_layer(json, b, layer.b, layer.layer);
    json.end_object();
  }
  json.end_array();
  json.key("Files").begin_array();
  for (const FileDifference& file : difference.files) {
    json.begin_object().key("Path").string(file.path);
    json.key("Changes").strings(file.changes);
    json.key("A");
    write_file(json, a, file.a);
    json.key("B");
    write_file(json, b, file.b);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

std::string step_of_history(const std::string& created_by) {
  constexpr std::string_view kComment = " # buildkit";
  constexpr std::string_view kNop = "/bin/sh -c #(nop) ";
  std::string step = created_by;
  if (step.ends_with(kComment)) step.resize(step.size() - kComment.size());
  if (step.starts_with(kNop)) step.erase(0, kNop.size());
  std::ranges::replace(step, '\n', ' ');
  return std::string(trim(step));
}

}  // namespace slipway::cli
