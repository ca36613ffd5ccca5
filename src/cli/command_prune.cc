// `slipway prune`: makes room.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/background_prune.h"
#include "cli/command.h"
#include "cli/garbage_settings.h"
#include "cli/session.h"
#include "cli/usage_filter.h"
#include "cli/usage_report.h"
#include "store/garbage.h"
#include "store/prune.h"

namespace slipway::cli {
namespace {

struct PruneFlags {
  std::vector<std::string> filters;
  std::string keep_duration;
  std::string reserved_space;
  std::string max_used_space;
  std::string min_free_space;
  bool all = false;
  bool force = false;
  bool dry_run = false;
  bool verbose = false;
  bool garbage = false;

  bool says_what() const {
    return all || !filters.empty() || !keep_duration.empty() || !reserved_space.empty() ||
           !max_used_space.empty() || !min_free_space.empty();
  }
};

Result<store::SpaceLimits> space_limits(const PruneFlags& flags, const store::DiskSpace& disk) {
  const auto parse = [&](const char* flag, const std::string& text) -> Result<uint64_t> {
    if (text.empty()) return uint64_t{0};
    return parse_space(text, disk).context(flag);
  };
  return store::SpaceLimits{TRY(parse("--reserved-space", flags.reserved_space)),
                            TRY(parse("--max-used-space", flags.max_used_space)),
                            TRY(parse("--min-free-space", flags.min_free_space))};
}

// The earlier of what --filter until and --keep-duration say.
Result<std::optional<int64_t>> used_before(const PruneFlags& flags, const UsageFilter& filter,
                                           int64_t now) {
  std::optional<int64_t> before = filter.used_before();
  if (flags.keep_duration.empty()) return before;
  const int64_t kept = TRY(parse_duration(flags.keep_duration).context("--keep-duration")) / 1000;
  return std::optional(std::min(before.value_or(now), now - kept));
}

// A line from the user. Signals must be able to end the wait.
Result<bool> confirm(const std::string& question, const std::stop_token& stop) {
  TRY(write_all(STDERR_FILENO, question + " [y/N] "));
  std::string answer;
  while (!answer.ends_with('\n')) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 100) <= 0) continue;
    char c;
    if (::read(STDIN_FILENO, &c, 1) != 1) break;
    answer += c;
  }
  const std::string word = to_lower(trim(answer));
  return word == "y" || word == "yes";
}

// What to do, and doing it.
using Pruner = std::function<Result<store::PruneReport>(bool dry_run)>;

Result<Pruner> pruner_of_flags(const PruneFlags& flags, store::Store& store, int64_t now,
                               const std::stop_token& stop) {
  const UsageFilter filter = TRY(UsageFilter::parse(flags.filters, now));
  store::PruneOptions options;
  options.all = flags.all;
  options.limits = TRY(space_limits(flags, TRY(store::disk_space(store.layout().root()))));
  options.used_before = TRY(used_before(flags, filter, now));
  options.filter = [filter](const store::UsageRecord& record) { return filter.matches(record); };
  const bool everything = !filter.has_conditions();
  return Pruner([=, &store](bool dry_run) mutable -> Result<store::PruneReport> {
    options.dry_run = dry_run;
    if (!dry_run && everything) TRY(store.images().forget_unnamed(options.used_before));
    return store::prune(store, options, stop);
  });
}

Result<Pruner> pruner_of_rules(const PruneFlags& flags, store::Store& store,
                               const Invocation& invocation, int64_t now) {
  if (flags.says_what()) {
    return Error(ErrorCode::InvalidInput,
                 "--gc applies the rules of automatic collection: it goes with no filter and limit")
        .with_hint("SLIPWAY_GC_MAX_USED_SPACE and others change them");
  }
  const store::DiskSpace disk = TRY(store::disk_space(store.layout().root()));
  const GarbageSettings settings = TRY(garbage_settings(invocation.environment, disk));
  return Pruner([=, &store, stop = invocation.stop](bool dry_run) -> Result<store::PruneReport> {
    if (!dry_run) note_collection(store.layout().root());
    return store::collect_garbage(store, store::garbage_rules(settings.limits), now, dry_run, stop);
  });
}

Result<int> prune(const PruneFlags& flags, Invocation& invocation) {
  const int64_t now = store::now_microseconds();
  const auto store = TRY(open_full_store(invocation));
  const Pruner pruner = flags.garbage ? TRY(pruner_of_rules(flags, *store, invocation, now))
                                      : TRY(pruner_of_flags(flags, *store, now, invocation.stop));
  if (!flags.force && !flags.dry_run) {
    const store::PruneReport would = TRY(pruner(true));
    const std::string question =
        fmt::format("This removes {} ({} entries) that no running build uses. Continue?",
                    human_bytes(would.bytes), would.removed.size());
    if (!TRY(confirm(question, invocation.stop))) {
      return Error(ErrorCode::InvalidInput, "prune was not confirmed: nothing was removed")
          .with_hint("use -f to prune without being asked");
    }
  }
  const store::PruneReport report = TRY(pruner(flags.dry_run));
  TRY(store->barrier());
  std::string text;
  if (flags.verbose) {
    text = usage_details(report.removed, now);
  } else if (!report.removed.empty()) {
    text = TRY(usage_listing(report.removed, "", false, now)) + "\n";
  }
  text +=
      fmt::format("{}: {}\n", flags.dry_run ? "Would free" : "Total", human_bytes(report.bytes));
  TRY(write_all(STDOUT_FILENO, text));
  return 0;
}

}  // namespace

Command make_prune_command(CLI::App& app) {
  const auto flags = std::make_shared<PruneFlags>();
  app.footer(
      "Removes cached results, cache mounts and content that nothing refers to, what was used "
      "longest\nago first. What a running build uses and what named images need stays.\n\n"
      "Examples:\n"
      "  slipway prune\n"
      "  slipway prune -f --filter until=168h\n"
      "  slipway prune -f --max-used-space 50GB");
  app.add_flag(
      "-a,--all", flags->all,
      "Unpacked layers of base images, digests of context files and damaged databases, too");
  app.add_flag("-f,--force", flags->force, "Do not ask");
  app.add_option("--filter", flags->filters,
                 "Only what holds this: until=24h (not used since), type=exec.cachemount, "
                 "id, description~=REGEX, shared ...; see \"slipway du --help\"")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  app.add_option("--keep-duration", flags->keep_duration, "Only what was not used for so long: 24h")
      ->type_name("DURATION");
  app.add_option("--reserved-space,--keep-storage", flags->reserved_space,
                 "Stop when the store takes no more than this: 10GB, or 10% of the disk")
      ->type_name("SIZE");
  app.add_option("--max-used-space", flags->max_used_space,
                 "Remove only until the store takes no more than this")
      ->type_name("SIZE");
  app.add_option("--min-free-space", flags->min_free_space,
                 "Remove only until this much of the disk is free")
      ->type_name("SIZE");
  app.add_flag(
      "--gc", flags->garbage,
      "By the rules of automatic collection (SLIPWAY_GC_MAX_USED_SPACE ...; docs/store.md)");
  app.add_flag("--dry-run", flags->dry_run, "Only say what would go");
  app.add_flag("-v,--verbose", flags->verbose, "All there is to say about each thing");
  return {[flags](Invocation& invocation) { return prune(*flags, invocation); }, true};
}

}  // namespace slipway::cli
