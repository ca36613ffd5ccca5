// `slipway prune`: makes room.
#include <poll.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/usage_filter.h"
#include "cli/usage_report.h"
#include "store/prune.h"

namespace slipway::cli {
namespace {

struct PruneFlags {
  std::vector<std::string> filters;
  std::string reserved_space;
  std::string max_used_space;
  std::string min_free_space;
  bool all = false;
  bool force = false;
  bool dry_run = false;
  bool verbose = false;
};

// Each in bytes; 0: not given.
struct SpaceLimits {
  int64_t reserved = 0;
  int64_t max_used = 0;
  int64_t min_free = 0;

  bool given() const { return reserved > 0 || max_used > 0 || min_free > 0; }
};

Result<SpaceLimits> space_limits(const PruneFlags& flags) {
  const auto parse = [](const char* flag, const std::string& text) -> Result<int64_t> {
    if (text.empty()) return int64_t{0};
    return parse_size(text).context(flag);
  };
  return SpaceLimits{TRY(parse("--reserved-space", flags.reserved_space)),
                     TRY(parse("--max-used-space", flags.max_used_space)),
                     TRY(parse("--min-free-space", flags.min_free_space))};
}

// How much may stay: BuildKit's rule, but where enough is free already nothing has to go.
Result<std::optional<uint64_t>> bytes_to_keep(const SpaceLimits& limits, store::Store& store) {
  if (!limits.given()) return std::optional<uint64_t>();
  const auto total = static_cast<int64_t>(store::total_bytes(TRY(store::usage_records(store))));
  int64_t keep = limits.max_used > 0 ? limits.max_used : total;
  if (limits.max_used == 0 && limits.min_free == 0) keep = 0;  // only a floor was given
  if (limits.min_free > 0) {
    struct statvfs disk;
    if (::statvfs(store.layout().root().c_str(), &disk) != 0) {
      return errno_error("statvfs {}", store.layout().root().string());
    }
    const auto free = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
    if (limits.min_free > free) keep = std::min(keep, total - (limits.min_free - free));
  }
  return std::optional(static_cast<uint64_t>(std::max({keep, limits.reserved, int64_t{0}})));
}

// Images that nobody gave a name would keep their content for ever.
Status forget_unnamed_images(store::Store& store, std::optional<int64_t> before) {
  for (const store::StoredImage& image : TRY(store.images().list())) {
    if (!Digest::parse(image.name) || (before && image.created >= *before)) continue;
    TRY(store.images().remove(image.name));
  }
  return {};
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

Result<int> prune(const PruneFlags& flags, Invocation& invocation) {
  const int64_t now = store::now_microseconds();
  const UsageFilter filter = TRY(UsageFilter::parse(flags.filters, now));
  const SpaceLimits limits = TRY(space_limits(flags));
  const auto store = TRY(open_store(invocation));
  store::PruneOptions options;
  options.all = flags.all;
  options.used_before = filter.used_before();
  options.keep_bytes = TRY(bytes_to_keep(limits, *store));
  options.filter = [&](const store::UsageRecord& record) { return filter.matches(record); };

  if (!flags.force && !flags.dry_run) {
    options.dry_run = true;
    const store::PruneReport would = TRY(store::prune(*store, options, invocation.stop));
    options.dry_run = false;
    const std::string question =
        fmt::format("This removes {} ({} entries) that no running build uses. Continue?",
                    human_bytes(would.bytes), would.removed.size());
    if (!TRY(confirm(question, invocation.stop))) {
      return Error(ErrorCode::InvalidInput, "prune was not confirmed: nothing was removed")
          .with_hint("use -f to prune without being asked");
    }
  }
  options.dry_run = flags.dry_run;
  if (!flags.dry_run && !filter.has_conditions()) {
    TRY(forget_unnamed_images(*store, filter.used_before()));
  }
  const store::PruneReport report = TRY(store::prune(*store, options, invocation.stop));
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
  app.add_flag("-a,--all", flags->all, "Unpacked layers of base images, too");
  app.add_flag("-f,--force", flags->force, "Do not ask");
  app.add_option("--filter", flags->filters,
                 "Only what holds this: until=24h (not used since), type=exec.cachemount, "
                 "id, description~=REGEX, shared ...; see \"slipway du --help\"")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  app.add_option("--reserved-space,--keep-storage", flags->reserved_space,
                 "Stop when the store takes no more than this")
      ->type_name("SIZE");
  app.add_option("--max-used-space", flags->max_used_space,
                 "Remove only until the store takes no more than this")
      ->type_name("SIZE");
  app.add_option("--min-free-space", flags->min_free_space,
                 "Remove only until this much of the disk is free")
      ->type_name("SIZE");
  app.add_flag("--dry-run", flags->dry_run, "Only say what would go");
  app.add_flag("-v,--verbose", flags->verbose, "All there is to say about each thing");
  return {[flags](Invocation& invocation) { return prune(*flags, invocation); }, true};
}

}  // namespace slipway::cli
