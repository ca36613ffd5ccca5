#include "executor/cdi_devices.h"

#include <algorithm>
#include <set>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = 4 << 20;

// BuildKit's words about devices.
constexpr char kClass[] = "org.mobyproject.buildkit.device.class";
constexpr char kAllowedToAll[] = "org.mobyproject.buildkit.device.autoallow";

std::vector<fs::path> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string extension = at->path().extension();
    if (extension == ".json" || extension == ".yaml") files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

std::string problem_of(const fs::path& file, const Error& error) {
  const int line = error.spans().empty() ? 0 : error.spans().front().first_line;
  const std::string place = line > 0 ? fmt::format("{}:{}", file.string(), line) : file.string();
  return place + ": " + error.message();
}

}  // namespace

CdiDevices CdiDevices::read(const std::vector<fs::path>& directories) {
  CdiDevices devices;
  std::vector<std::string> places;
  for (size_t i = 0; i < directories.size(); ++i) {
    places.push_back(directories[i].string());
    for (const fs::path& file : files_of(directories[i])) devices.read_file_of(file, i);
  }
  devices.places_ = join(places, ", ");
  return devices;
}

void CdiDevices::read_file_of(const fs::path& file, size_t directory) {
  const Result<std::string> text = read_file(file, kMaxFileBytes);
  if (!text) {
    problems_.push_back(problem_of(file, text.error()));
    return;
  }
  Result<CdiSpec> spec = parse_cdi_spec(*text, file.string());
  if (!spec) {
    problems_.push_back(problem_of(file, spec.error()));
    return;
  }
  add(std::make_shared<const CdiSpec>(*std::move(spec)), directory);
}

void CdiDevices::add(const std::shared_ptr<const CdiSpec>& spec, size_t directory) {
  for (size_t i = 0; i < spec->devices.size(); ++i) {
    const std::string name = spec->kind + "=" + spec->devices[i].name;
    const auto [at, is_new] = entries_.try_emplace(name, Entry{spec, i, directory, false});
    if (is_new) continue;
    if (at->second.directory == directory) {
      at->second.is_ambiguous = true;
      problems_.push_back(name + " is described twice");
    } else {
      at->second = {spec, i, directory, false};
    }
  }
}

const CdiDevices::Entry* CdiDevices::entry_of(const std::string& qualified_name) const {
  const auto found = entries_.find(qualified_name);
  if (found == entries_.end() || found->second.is_ambiguous) return nullptr;
  return &found->second;
}

// A device's own counts before its file's.
std::string CdiDevices::annotation(const Entry& entry, const std::string& name) const {
  const auto& own = entry.spec->devices[entry.device].annotations;
  if (const auto found = own.find(name); found != own.end()) return found->second;
  const auto& all = entry.spec->annotations;
  const auto found = all.find(name);
  return found == all.end() ? "" : found->second;
}

std::vector<std::string> CdiDevices::find(const std::string& request) const {
  const size_t equals = request.find('=');
  const std::string kind = request.substr(0, equals);
  const std::string name = equals == std::string::npos ? "" : request.substr(equals + 1);
  std::vector<std::string> found;
  for (const auto& [qualified, entry] : entries_) {
    if (entry.is_ambiguous || kind.find('/') == std::string::npos) continue;
    const bool of_kind = qualified.starts_with(kind + "=");
    if (name.empty() ? of_kind && found.empty() : name == "*" ? of_kind : qualified == request) {
      found.push_back(qualified);
    }
  }
  if (!found.empty()) return found;
  for (const auto& [qualified, entry] : entries_) {
    if (!entry.is_ambiguous && annotation(entry, kClass) == request) found.push_back(qualified);
  }
  return found;
}

bool CdiDevices::is_allowed_to_all(const std::string& qualified_name) const {
  const Entry* entry = entry_of(qualified_name);
  return entry != nullptr && parse_bool(annotation(*entry, kAllowedToAll)).value_or(false);
}

Result<CdiEdits> CdiDevices::edits_of(const std::vector<std::string>& qualified_names) const {
  CdiEdits edits;
  std::set<const CdiSpec*> seen;
  for (const std::string& name : qualified_names) {
    const Entry* entry = entry_of(name);
    if (entry == nullptr) return make_error(ErrorCode::NotFound, "device {} is not there", name);
    if (seen.insert(entry->spec.get()).second) edits.append(entry->spec->edits);
    edits.append(entry->spec->devices[entry->device].edits);
    if (edits.unsupported.empty()) continue;
    return make_error(ErrorCode::Unsupported, "device {} needs what steps do not get: {}", name,
                      join(edits.unsupported, ", "))
        .with_hint("leave it out of the device's CDI file, or the device out of the step");
  }
  return edits;
}

}  // namespace slipway::executor
