// BuildHistory: the records of earlier builds. Each is a directory REF/ with build.json (what it
// was and how it ended) and events.jsonl (everything it told, as progress/recorder.h writes it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/guarded.h"
#include "base/result.h"
#include "progress/recorder.h"
#include "progress/sink.h"

namespace slipway::cli {

enum class BuildStatus {
  Running,
  Completed,
  Failed,
  Canceled,
  Interrupted,  // its process is gone and did not say how it ended
};
std::string_view to_string(BuildStatus status);

struct BuildInfo {
  std::string ref;  // 25 characters of [a-z0-9]
  std::string name;
  std::vector<std::string> command;  // as it was typed, without passwords of URLs
  std::vector<std::string> targets;
  progress::Time started;
  std::optional<progress::Time> completed;
  BuildStatus status = BuildStatus::Running;
  std::string error;
  int64_t total_steps = 0;
  int64_t completed_steps = 0;  // the cached ones among them
  int64_t cached_steps = 0;
  int64_t warnings = 0;
  std::string metadata_json = "{}";  // an object: what --metadata-file got

  progress::Time::duration duration(progress::Time now) const {
    return completed.value_or(now) - started;
  }
};

// The record of the build that is going on. Destroyed without complete(): the build shows as
// interrupted.
class BuildRecord {
 public:
  BuildRecord(BuildRecord&&) noexcept;
  BuildRecord& operator=(BuildRecord&&) noexcept;
  ~BuildRecord();

  const std::string& ref() const { return info_.ref; }
  // Takes the events of the build; may be used from any thread until complete(). Lives as long as
  // this object, also when that is moved.
  progress::Sink& sink();
  // How it ended. `metadata_json`: the object that --metadata-file gets; empty: none.
  Status complete(const Status& outcome, const std::string& metadata_json = {});

 private:
  friend class BuildHistory;
  class CountingRecorder;
  BuildRecord(std::filesystem::path directory, BuildInfo info, FileLock lock,
              std::unique_ptr<CountingRecorder> recorder);

  std::filesystem::path directory_;
  BuildInfo info_;
  FileLock lock_;  // held while the build goes on
  std::unique_ptr<CountingRecorder> recorder_;
};

class BuildHistory {
 public:
  static constexpr size_t kKept = 100;

  // `directory`: Layout::history(). Nothing is read yet.
  explicit BuildHistory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Begins the record of a build. `command`: its arguments, "slipway" first. The name is that of
  // the targets when it is empty.
  static Result<BuildRecord> begin(const std::filesystem::path& directory,
                                   const std::vector<std::string>& command,
                                   std::vector<std::string> targets, std::string name = {});

  // The newest first. Records that cannot be read are left out.
  Result<std::vector<BuildInfo>> list() const;
  // By reference or a unique prefix of it; empty or "^0": the newest, "^1": the one before...
  // NotFound, or InvalidInput when several begin so.
  Result<BuildInfo> find(std::string_view ref) const;
  // Removes one; InvalidInput while its build goes on.
  Status remove(const std::string& ref) const;
  // Removes the oldest beyond `kept`, except those of builds that go on.
  Status trim(size_t kept = kKept) const;

  std::filesystem::path events_file(const std::string& ref) const {
    return directory_ / ref / "events.jsonl";
  }

 private:
  Result<BuildInfo> read(const std::string& ref) const;

  std::filesystem::path directory_;
};

}  // namespace slipway::cli
