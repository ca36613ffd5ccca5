// `slipway du`: what the store holds on disk, and what of it could go.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/usage_filter.h"
#include "cli/usage_report.h"

namespace slipway::cli {
namespace {

struct DuFlags {
  std::vector<std::string> filters;
  std::string format;
  bool verbose = false;
  bool no_trunc = false;
};

Result<int> show_usage(const DuFlags& flags, Invocation& invocation) {
  const int64_t now = store::now_microseconds();
  const UsageFilter filter = TRY(UsageFilter::parse(flags.filters, now));
  const auto store = TRY(open_full_store(invocation));
  std::vector<store::UsageRecord> records = TRY(store::usage_records(*store));
  std::erase_if(records, [&](const auto& record) { return !filter.matches(record); });
  const bool for_people = flags.format.empty() || flags.format == "table";
  std::string text = flags.verbose && for_people
                         ? usage_details(records, now)
                         : TRY(usage_listing(records, flags.format, flags.no_trunc, now)) +
                               (for_people ? "\n" : "");
  if (for_people) text += usage_totals(records);
  TRY(write_all(STDOUT_FILENO, text));
  return 0;
}

}  // namespace

Command make_du_command(CLI::App& app) {
  const auto flags = std::make_shared<DuFlags>();
  app.footer(
      "Sizes are what is allocated on disk; every block is counted once, so the total is what "
      "\"du -s\"\nsays of the store. A file that several snapshots and cache mounts have is "
      "counted in "
      "the newest\nsnapshot; -v tells how much each has in common with others.\n\n"
      "Examples:\n"
      "  slipway du --filter type=exec.cachemount\n"
      "  slipway du --filter until=168h,reclaimable --format '{{.Bytes}} {{.Description}}'");
  app.add_option("--filter", flags->filters,
                 "id, parent, type, description with =, != or ~= (a regular expression); inuse, "
                 "shared, private, mutable, immutable, reclaimable; until=24h. Several: all must "
                 "hold")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  app.add_option("--format", flags->format,
                 "table, json, or a template of .ID .Type .Reclaimable .Size .LastUsedSince "
                 ".Description .Bytes .Inodes .Parent .CreatedAt .LastUsedAt .UsageCount .InUse "
                 ".Shared .LinkedBytes")
      ->type_name("FORMAT");
  app.add_flag("--verbose,-v", flags->verbose, "All there is to say about each thing");
  app.add_flag("--no-trunc", flags->no_trunc, "Print whole IDs and descriptions");
  return {[flags](Invocation& invocation) { return show_usage(*flags, invocation); }, true};
}

}  // namespace slipway::cli
