#include "cli/history.h"

#include <sys/random.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/url_password.h"
#include "oci/json_fields.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;
using progress::Time;

constexpr size_t kRefLength = 25;
constexpr size_t kMaxRecordBytes = 16 << 20;

constexpr std::pair<BuildStatus, std::string_view> kStatusNames[] = {
    {BuildStatus::Running, "running"},
    {BuildStatus::Completed, "completed"},
    {BuildStatus::Failed, "error"},
    {BuildStatus::Canceled, "canceled"},
    {BuildStatus::Interrupted, "interrupted"},
};

std::optional<BuildStatus> parse_status(std::string_view text) {
  for (const auto& [status, name] : kStatusNames) {
    if (name == text) return status;
  }
  return std::nullopt;
}

Result<std::string> random_ref() {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string ref;
  while (ref.size() < kRefLength) {
    unsigned char byte = 0;
    if (::getrandom(&byte, 1, 0) != 1) return errno_error("get random bytes");
    // Those beyond the last multiple would favour the first letters.
    if (byte < 256 / kLetters.size() * kLetters.size()) ref += kLetters[byte % kLetters.size()];
  }
  return ref;
}

bool is_ref(std::string_view text) {
  return text.size() == kRefLength && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

std::string to_text(Time time) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return format_rfc3339(nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000);
}

Result<Time> parse_time(std::string_view text) {
  Time time{std::chrono::seconds(TRY(rfc3339_seconds(text)))};
  int64_t unit = 100'000'000;
  for (size_t at = text.find('.'); at != std::string_view::npos && ++at < text.size();) {
    if (text[at] < '0' || text[at] > '9') break;
    time += std::chrono::nanoseconds((text[at] - '0') * unit);
    unit /= 10;
  }
  return time;
}

std::string to_json(const BuildInfo& info) {
  Json object{{"ref", info.ref},
              {"name", info.name},
              {"command", info.command},
              {"targets", info.targets},
              {"status", to_string(info.status)},
              {"started", to_text(info.started)},
              {"completed", info.completed ? Json(to_text(*info.completed)) : Json()},
              {"error", info.error.empty() ? Json() : Json(info.error)},
              {"total_steps", info.total_steps},
              {"completed_steps", info.completed_steps},
              {"cached_steps", info.cached_steps},
              {"warnings", info.warnings},
              {"metadata", Json::parse(info.metadata_json, nullptr, false)}};
  if (!object["metadata"].is_object()) object["metadata"] = Json::object();
  // Command lines may hold any bytes.
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<BuildInfo> parse_info(std::string_view text) {
  const nlohmann::json object = TRY(json_fields::parse_object(text, kMaxRecordBytes));
  BuildInfo info;
  info.ref = TRY(json_fields::string(object, "ref"));
  info.name = TRY(json_fields::string(object, "name"));
  info.command = TRY(json_fields::strings(object, "command"));
  info.targets = TRY(json_fields::strings(object, "targets"));
  info.started = TRY(parse_time(TRY(json_fields::string(object, "started"))));
  const std::string completed = TRY(json_fields::string(object, "completed"));
  if (!completed.empty()) info.completed = TRY(parse_time(completed));
  const auto status = parse_status(TRY(json_fields::string(object, "status")));
  if (!status) return Error(ErrorCode::InvalidInput, "unknown status of a build");
  info.status = *status;
  info.error = TRY(json_fields::string(object, "error"));
  info.total_steps = TRY(json_fields::integer(object, "total_steps"));
  info.completed_steps = TRY(json_fields::integer(object, "completed_steps"));
  info.cached_steps = TRY(json_fields::integer(object, "cached_steps"));
  info.warnings = TRY(json_fields::integer(object, "warnings"));
  if (const nlohmann::json* metadata = TRY(json_fields::object(object, "metadata"))) {
    info.metadata_json = metadata->dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return info;
}

// Every directory that may be a record, in no order.
std::vector<std::string> all_refs(const std::filesystem::path& directory) {
  std::vector<std::string> refs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (is_ref(entry.path().filename().native())) refs.push_back(entry.path().filename());
  }
  return refs;
}

// Nothing is ever written to the lock, so its time can tell when the build began, to the nanosecond
// (the kernel's own times are some milliseconds coarse) and without a look into the record.
Status set_start_time(const std::filesystem::path& record, Time started) {
  std::error_code error;
  std::filesystem::last_write_time(record / "lock", std::chrono::file_clock::from_sys(started),
                                   error);
  if (error) return Error::from_errno(error.value(), "set the time of " + record.string());
  return {};
}

std::filesystem::file_time_type start_time(const std::filesystem::path& record) {
  std::error_code error;
  auto time = std::filesystem::last_write_time(record / "lock", error);
  // A record that is just being made has no lock yet.
  if (error) time = std::filesystem::last_write_time(record, error);
  return time;
}

bool goes_on(const std::filesystem::path& record) {
  // Shared, so that several who look do not take each other for the build.
  auto lock = FileLock::try_acquire(record / "lock", FileLock::Mode::Shared);
  return lock && !*lock;
}

}  // namespace

std::string_view to_string(BuildStatus status) {
  for (const auto& [known, name] : kStatusNames) {
    if (known == status) return name;
  }
  return "unknown";
}

// Writes the events and counts the steps and warnings.
class BuildRecord::CountingRecorder : public progress::Sink {
 public:
  explicit CountingRecorder(std::unique_ptr<progress::Recorder> recorder)
      : recorder_(std::move(recorder)) {}

  void handle(const progress::Event& event) override {
    recorder_->handle(event);
    if (std::holds_alternative<progress::WarningEvent>(event)) ++steps_.lock()->warnings;
    const auto* vertex = std::get_if<progress::VertexEvent>(&event);
    if (vertex == nullptr) return;
    auto steps = steps_.lock();
    steps->all.insert(vertex->digest);
    if (!vertex->completed || !vertex->error.empty()) return;
    steps->completed.insert(vertex->digest);
    if (vertex->cached) steps->cached.insert(vertex->digest);
  }

  void count(BuildInfo& info) {
    auto steps = steps_.lock();
    info.total_steps = static_cast<int64_t>(steps->all.size());
    info.completed_steps = static_cast<int64_t>(steps->completed.size());
    info.cached_steps = static_cast<int64_t>(steps->cached.size());
    info.warnings = steps->warnings;
  }

 private:
  struct Steps {
    std::set<Digest> all, completed, cached;
    int64_t warnings = 0;
  };
  std::unique_ptr<progress::Recorder> recorder_;
  Guarded<Steps> steps_;
};

BuildRecord::BuildRecord(std::filesystem::path directory, BuildInfo info, FileLock lock,
                         std::unique_ptr<CountingRecorder> recorder)
    : directory_(std::move(directory)),
      info_(std::move(info)),
      lock_(std::move(lock)),
      recorder_(std::move(recorder)) {}
BuildRecord::BuildRecord(BuildRecord&&) noexcept = default;
BuildRecord& BuildRecord::operator=(BuildRecord&&) noexcept = default;
BuildRecord::~BuildRecord() = default;

progress::Sink& BuildRecord::sink() {
  return *recorder_;
}

Status BuildRecord::complete(const Status& outcome, const std::string& metadata_json) {
  info_.completed = std::chrono::system_clock::now();
  info_.status = BuildStatus::Completed;
  if (!outcome) {
    const bool canceled = outcome.error().code() == ErrorCode::Cancelled;
    info_.status = canceled ? BuildStatus::Canceled : BuildStatus::Failed;
    info_.error = outcome.error().message();
  }
  if (!metadata_json.empty()) info_.metadata_json = metadata_json;
  recorder_->count(info_);
  TRY(write_file_atomic(directory_ / "build.json", to_json(info_), 0600));
  return BuildHistory(directory_.parent_path()).trim();
}

Result<BuildRecord> BuildHistory::begin(const std::filesystem::path& directory,
                                        const std::vector<std::string>& command,
                                        std::vector<std::string> targets, std::string name) {
  BuildInfo info;
  info.ref = TRY(random_ref());
  info.name = name.empty() ? join(targets, ", ") : std::move(name);
  for (const std::string& word : command) info.command.push_back(without_passwords(word));
  info.targets = std::move(targets);
  info.started = std::chrono::system_clock::now();
  const std::filesystem::path record = directory / info.ref;
  TRY(make_directories(record, 0700));
  FileLock lock = TRY(FileLock::acquire(record / "lock", FileLock::Mode::Exclusive));
  TRY(set_start_time(record, info.started));
  auto recorder = std::make_unique<BuildRecord::CountingRecorder>(
      TRY(progress::Recorder::create(record / "events.jsonl")));
  TRY(write_file_atomic(record / "build.json", to_json(info), 0600));
  return BuildRecord(record, std::move(info), std::move(lock), std::move(recorder));
}

Result<BuildInfo> BuildHistory::read(const std::string& ref) const {
  BuildInfo info =
      TRY(parse_info(TRY(read_file(directory_ / ref / "build.json", kMaxRecordBytes))));
  if (info.status == BuildStatus::Running && !goes_on(directory_ / ref)) {
    // It may have ended between the two looks.
    info = TRY(parse_info(TRY(read_file(directory_ / ref / "build.json", kMaxRecordBytes))));
    if (info.status == BuildStatus::Running) info.status = BuildStatus::Interrupted;
  }
  return info;
}

Result<std::vector<BuildInfo>> BuildHistory::list() const {
  std::vector<BuildInfo> builds;
  for (const std::string& ref : all_refs(directory_)) {
    Result<BuildInfo> info = read(ref);
    if (info) builds.push_back(*std::move(info));
  }
  std::ranges::sort(builds, std::greater(), &BuildInfo::started);
  return builds;
}

Result<BuildInfo> BuildHistory::find(std::string_view ref) const {
  const std::vector<BuildInfo> builds = TRY(list());
  if (builds.empty()) return Error(ErrorCode::NotFound, "there is no record of a build yet");
  if (ref.empty()) return builds.front();
  if (ref.front() == '^') {
    size_t back = 0;
    for (const char c : ref.substr(1)) {
      if (c < '0' || c > '9') return make_error(ErrorCode::InvalidInput, "{}: not ^NUMBER", ref);
      back = std::min<size_t>(back * 10 + static_cast<size_t>(c - '0'), builds.size());
    }
    if (back < builds.size()) return builds[back];
    return make_error(ErrorCode::NotFound, "{}: there are only {} builds", ref, builds.size());
  }
  std::vector<const BuildInfo*> found;
  for (const BuildInfo& build : builds) {
    if (build.ref.starts_with(ref)) found.push_back(&build);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    return make_error(ErrorCode::NotFound, "there is no build {}", ref)
        .with_hint("see \"slipway history ls\"");
  }
  return make_error(ErrorCode::InvalidInput, "{} builds begin with {}", found.size(), ref)
      .with_hint("give more of the reference");
}

Status BuildHistory::remove(const std::string& ref) const {
  if (goes_on(directory_ / ref)) {
    return make_error(ErrorCode::InvalidInput, "build {} still goes on", ref);
  }
  return remove_tree(directory_ / ref).context("remove the record of build " + ref);
}

Status BuildHistory::trim(size_t kept) const {
  std::vector<std::string> refs = all_refs(directory_);
  if (refs.size() <= kept) return {};
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> by_age;
  for (std::string& ref : refs) {
    const auto started = start_time(directory_ / ref);
    by_age.emplace_back(started, std::move(ref));
  }
  std::ranges::sort(by_age, std::greater());
  for (size_t i = kept; i < by_age.size(); ++i) {
    if (!goes_on(directory_ / by_age[i].second)) TRY(remove(by_age[i].second));
  }
  return {};
}

}  // namespace slipway::cli
