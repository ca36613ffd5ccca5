// `slipway history`: earlier builds, what they said and what they made.
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "cli/history.h"
#include "cli/history_diff.h"
#include "cli/history_log.h"
#include "cli/listing.h"
#include "cli/session.h"
#include "oci/json_writer.h"
#include "oci/rfc3339.h"
#include "progress/recorder.h"

namespace slipway::cli {
namespace {

struct HistoryFlags {
  std::vector<std::string> refs;
  std::vector<std::string> filters;
  std::string ref;
  std::string format;
  std::string progress = "plain";
  std::string step;
  bool quiet = false;
  bool no_trunc = false;
  bool all = false;
  HistoryDiffFlags diff;
};

std::string iso_time(progress::Time time) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return format_rfc3339(nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000);
}

// What could be typed again in a shell.
std::string shell_text(const std::vector<std::string>& command) {
  std::vector<std::string> words;
  for (const std::string& word : command) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                                            "yz0123456789-_./:=@,+%") == std::string::npos;
    if (plain) {
      words.push_back(word);
      continue;
    }
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    words.push_back(quoted + "'");
  }
  return join(words, " ");
}

std::string steps_text(const BuildInfo& build) {
  if (build.total_steps == 0) return "-";
  return fmt::format("{}/{} ({}% cached)", build.completed_steps, build.total_steps,
                     build.cached_steps * 100 / build.total_steps);
}

Result<bool> passes(const BuildInfo& build, const std::vector<std::string>& filters) {
  for (const std::string& filter : filters) {
    const size_t equals = std::min(filter.find('='), filter.size());
    const std::string key = filter.substr(0, equals);
    const std::string value = equals < filter.size() ? filter.substr(equals + 1) : "";
    if (key == "status") {
      const std::vector<std::string> known = {"running", "completed", "error", "canceled",
                                              "interrupted"};
      if (std::ranges::find(known, value) == known.end()) {
        return make_error(ErrorCode::InvalidInput, "--filter status=\"{}\" is not known{}", value,
                          did_you_mean(value, known))
            .with_hint("there are " + join(known, ", "));
      }
      if (to_string(build.status) != value) return false;
    } else if (key == "name") {
      if (build.name.find(value) == std::string::npos) return false;
    } else {
      return make_error(ErrorCode::InvalidInput, "--filter: \"{}\" is not known{}", key,
                        did_you_mean(key, {"status", "name"}))
          .with_hint("there are status=STATUS and name=TEXT");
    }
  }
  return true;
}

Listing::Row row_of(const BuildInfo& build, progress::Time now, bool no_trunc) {
  constexpr size_t kLongestName = 40;
  std::string name = build.name;
  if (!no_trunc && name.size() > kLongestName) name = name.substr(0, kLongestName - 3) + "...";
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - build.started);
  const auto duration = build.duration(now);
  return {build.ref,
          name,
          std::string(to_string(build.status)),
          steps_text(build),
          human_duration(age) + " ago",
          iso_time(build.started),
          {build.completed ? iso_time(*build.completed) : "", build.completed ? "" : "null"},
          {build.status == BuildStatus::Interrupted ? "-" : build_duration(duration), ""},
          Listing::Value::number(build.total_steps),
          Listing::Value::number(build.completed_steps),
          Listing::Value::number(build.cached_steps),
          shell_text(build.command),
          build.error};
}

Result<int> list_builds(const HistoryFlags& flags, const BuildHistory& history) {
  Listing listing({{"Ref", "BUILD ID"},
                   {"Name", "NAME"},
                   {"Status", "STATUS"},
                   {"Steps", "STEPS"},
                   {"CreatedSince", "CREATED"},
                   {"CreatedAt", ""},
                   {"CompletedAt", ""},
                   {"Duration", "DURATION"},
                   {"TotalSteps", ""},
                   {"CompletedSteps", ""},
                   {"CachedSteps", ""},
                   {"Command", ""},
                   {"Error", ""}});
  const progress::Time now = std::chrono::system_clock::now();
  std::string refs;
  for (const BuildInfo& build : TRY(history.list())) {
    if (!TRY(passes(build, flags.filters))) continue;
    refs += build.ref + "\n";
    listing.add(row_of(build, now, flags.no_trunc));
  }
  const std::string text = TRY(listing.text(flags.format));
  TRY(write_all(STDOUT_FILENO, flags.quiet ? refs : text));
  return 0;
}

Status print_step(const std::filesystem::path& events, const std::string& step) {
  StepFilter filter(step);
  std::string partial;
  TRY(replay_plain(events, [&](std::string_view text) -> Status {
    partial += text;
    size_t begin = 0;
    for (size_t end; (end = partial.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(partial).substr(begin, end - begin);
      if (filter.passes(line)) TRY(write_all(STDOUT_FILENO, std::string(line) + "\n"));
    }
    partial.erase(0, begin);
    return {};
  }));
  if (filter.found()) return {};
  return make_error(ErrorCode::NotFound, "the build has no step {}", step)
      .with_hint("see all of them with \"slipway history logs\"");
}

Result<int> print_logs(const HistoryFlags& flags, const BuildHistory& history) {
  const BuildInfo build = TRY(history.find(flags.ref));
  const std::filesystem::path events = history.events_file(build.ref);
  if (flags.progress == "rawjson") {
    if (!flags.step.empty()) {
      return Error(ErrorCode::InvalidInput, "--step cannot be used with --progress rawjson");
    }
    TRY(replay_events(events, [](const progress::Event& event) {
      return write_all(STDOUT_FILENO, progress::to_json_line(event));
    }));
    return 0;
  }
  if (!flags.step.empty()) {
    TRY(print_step(events, flags.step));
    return 0;
  }
  TRY(replay_plain(events, [](std::string_view text) { return write_all(STDOUT_FILENO, text); }));
  if (!build.error.empty()) TRY(write_all(STDOUT_FILENO, "ERROR: " + build.error + "\n"));
  return 0;
}

std::string inspect_json(const BuildInfo& build) {
  JsonWriter json(2);
  json.begin_object();
  json.key("Ref").string(build.ref);
  json.key("Name").string(build.name);
  json.key("Command").strings(build.command);
  json.key("Targets").strings(build.targets);
  json.key("Status").string(to_string(build.status));
  json.key("StartedAt").string(iso_time(build.started));
  json.key("CompletedAt");
  if (build.completed) {
    json.string(iso_time(*build.completed));
  } else {
    json.null();
  }
  json.key("Error").string(build.error);
  json.key("NumTotalSteps").number(build.total_steps);
  json.key("NumCompletedSteps").number(build.completed_steps);
  json.key("NumCachedSteps").number(build.cached_steps);
  json.key("NumWarnings").number(build.warnings);
  json.key("Metadata").raw(build.metadata_json);
  json.end_object();
  return json.take() + "\n";
}

std::string inspect_text(const BuildInfo& build) {
  const progress::Time now = std::chrono::system_clock::now();
  std::vector<std::vector<std::string>> lines = {
      {"Name:", build.name},
      {"Build ID:", build.ref},
      {"Command:", shell_text(build.command)},
      {"Targets:", join(build.targets, ", ")},
      {"Status:", std::string(to_string(build.status))},
      {"Started:", iso_time(build.started)},
  };
  if (build.status != BuildStatus::Interrupted) {
    lines.push_back({"Duration:", build_duration(build.duration(now))});
  }
  lines.push_back({"Build steps:", steps_text(build)});
  std::string text = aligned(lines);
  if (!build.error.empty()) text += "\nError:\n" + build.error + "\n";
  if (build.metadata_json != "{}") text += "\nMetadata:\n" + build.metadata_json + "\n";
  return text;
}

Result<int> inspect(const HistoryFlags& flags, const BuildHistory& history) {
  const BuildInfo build = TRY(history.find(flags.ref));
  TRY(write_all(STDOUT_FILENO, flags.format == "json" ? inspect_json(build) : inspect_text(build)));
  return 0;
}

Result<int> remove_builds(const HistoryFlags& flags, const BuildHistory& history) {
  if (flags.refs.empty() && !flags.all) {
    return Error(ErrorCode::InvalidInput, "no build was named")
        .with_hint("give its reference, or --all");
  }
  std::vector<std::string> refs;
  if (flags.all) {
    for (const BuildInfo& build : TRY(history.list())) {
      if (build.status != BuildStatus::Running) refs.push_back(build.ref);
    }
  }
  for (const std::string& ref : flags.refs) refs.push_back(TRY(history.find(ref)).ref);
  for (const std::string& ref : refs) TRY(history.remove(ref));
  return 0;
}

void add_ref(CLI::App& command, std::string& ref) {
  command
      .add_option("ref", ref,
                  "The build: its ID or the beginning of it; ^1 is the last but one. "
                  "Default: the last")
      ->type_name("REF");
}

}  // namespace

Command make_history_command(CLI::App& app) {
  const auto flags = std::make_shared<HistoryFlags>();
  app.require_subcommand(1);
  app.footer(
      "The last 100 builds are kept.\n\n"
      "Examples:\n"
      "  slipway history ls --filter status=error\n"
      "  slipway history logs --step 'RUN uv sync'\n"
      "  slipway history diff ^1 ^0");

  CLI::App* list = app.add_subcommand("ls", "List earlier builds, the last one first");
  list->add_option("--filter", flags->filters, "status=STATUS, name=TEXT")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  list->add_option("--format", flags->format,
                   "table, json, or a template of .Ref .Name .Status .Steps .CreatedSince "
                   ".CreatedAt .CompletedAt .Duration .TotalSteps .CompletedSteps .CachedSteps "
                   ".Command .Error")
      ->type_name("FORMAT");
  list->add_flag("-q,--quiet", flags->quiet, "Print only the IDs");
  list->add_flag("--no-trunc", flags->no_trunc, "Print whole names");

  CLI::App* logs = app.add_subcommand("logs", "Print what a build said, whole");
  add_ref(*logs, flags->ref);
  logs->add_option("--progress", flags->progress, "plain or rawjson")
      ->type_name("MODE")
      ->capture_default_str()
      ->check(CLI::IsMember({"plain", "rawjson"}));
  logs->add_option("--step", flags->step, "Only this step: its number or a part of its name")
      ->type_name("STEP");

  CLI::App* look = app.add_subcommand("inspect", "Show what a build was and what it made");
  add_ref(*look, flags->ref);
  look->add_option("--format", flags->format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));

  CLI::App* diff = app.add_subcommand(
      "diff", "Show what differs between the images of two builds, or any two images");
  diff->add_option("a", flags->diff.a,
                   "A build, a local image, oci-layout://DIR[:TAG] or docker-image://NAME")
      ->type_name("A")
      ->required();
  diff->add_option("b", flags->diff.b, "What to compare it with")->type_name("B")->required();
  diff->add_option("--target", flags->diff.target, "Of builds that made several images")
      ->type_name("TARGET");
  diff->add_option("--platform", flags->diff.platform,
                   "Of multi-platform images (default: this machine's)")
      ->type_name("OS/ARCH");
  diff->add_option("--format", flags->diff.format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  diff->add_flag("--exit-code", flags->diff.exit_code, "Exit with 1 when they differ");

  CLI::App* remove = app.add_subcommand("rm", "Remove records of builds");
  remove->add_option("ref", flags->refs, "Builds to forget")->type_name("REF");
  remove->add_flag("-a,--all", flags->all, "All that have ended");

  return {[flags, list, logs, look, diff](Invocation& invocation) -> Result<int> {
            const auto store = TRY(open_store(invocation));
            const BuildHistory history(store->layout().history());
            if (list->parsed()) return list_builds(*flags, history);
            if (logs->parsed()) return print_logs(*flags, history);
            if (diff->parsed()) return run_history_diff(flags->diff, *store, invocation);
            if (look->parsed()) return inspect(*flags, history);
            return remove_builds(*flags, history);
          },
          true};
}

}  // namespace slipway::cli
