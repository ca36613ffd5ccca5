#include "store/garbage.h"

#include <algorithm>
#include <set>

namespace slipway::store {
namespace {

constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr int64_t kHour = int64_t{3600} * 1'000'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kUnnamedImages = 48 * kHour;  // may be tagged or pushed by their ID so long

bool is_easily_made(const UsageRecord& record) {
  return record.kind == UsageKind::Blob;  // of which prune takes what is a stray or reproducible
}

PruneOptions options_of(const GarbageRule& rule, int64_t now, bool dry_run) {
  PruneOptions options;
  options.all = rule.all;
  if (rule.unused_for) options.used_before = now - *rule.unused_for;
  options.limits = rule.limits;
  if (rule.only_easily_made) options.filter = is_easily_made;
  options.dry_run = dry_run;
  return options;
}

}  // namespace

SpaceLimits default_limits(const DiskSpace& disk) {
  return {.reserved = std::min(disk.total / 10, 10 * kGigabyte),
          .max_used = std::min(disk.total / 10 * 8, 100 * kGigabyte),
          .min_free = disk.total / 5};
}

std::vector<GarbageRule> garbage_rules(const SpaceLimits& limits) {
  return {
      {.only_easily_made = true, .unused_for = 2 * kDay, .limits = {.max_used = 512'000'000}},
      {.unused_for = 60 * kDay, .limits = limits},
      {.limits = limits},
      {.all = true, .limits = limits},
  };
}

Result<PruneReport> collect_garbage(Store& store, const std::vector<GarbageRule>& rules,
                                    int64_t now, bool dry_run, std::stop_token stop) {
  if (!dry_run) TRY(store.images().forget_unnamed(now - kUnnamedImages));
  PruneReport total;
  std::set<std::string> told;  // a dry run finds things again
  std::optional<SpaceLimits> kept_to;
  for (const GarbageRule& rule : rules) {
    if (kept_to == rule.limits) continue;
    PruneReport report = TRY(prune(store, options_of(rule, now, dry_run), stop));
    total.enough = report.enough;
    if (report.enough) kept_to = rule.limits;
    for (UsageRecord& record : report.removed) {
      if (!told.insert(record.id).second) continue;
      total.bytes += record.bytes;
      total.removed.push_back(std::move(record));
    }
  }
  return total;
}

}  // namespace slipway::store
