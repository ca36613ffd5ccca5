#include "cli/fix_session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/call_session.h"
#include "cli/context_files.h"
#include "cli/failure_report.h"
#include "cli/fix_report.h"
#include "cli/progress_mode.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/fix/ignore_plan.h"
#include "frontend/dockerfile/ignore_file.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIgnoreFileBytes = 16 << 20;
constexpr std::string_view kIgnoreRule = dockerfile::rules::kLargeDirectoryNotIgnored.name;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Status check_rule_names(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const std::string_view rule : dockerfile::fixable_rules()) known.emplace_back(rule);
  for (const std::string& name : names) {
    if (contains(known, name)) continue;
    return make_error(ErrorCode::InvalidInput, "there is no fix for rule {}{}", name,
                      did_you_mean(name, known))
        .with_hint("fixes exist for " + join(known, ", "));
  }
  return {};
}

bool wants(const FixSessionOptions& options, std::string_view rule) {
  return (options.only.empty() || contains(options.only, rule)) && !contains(options.skip, rule);
}

// A target with what its files say.
struct FixTarget {
  const CheckedTarget* checked;
  dockerfile::Dockerfile dockerfile;
  dockerfile::CheckOptions options;
  std::vector<std::string> excludes;  // of its context, once they are fixed
};

class FixSession {
 public:
  FixSession(Invocation& invocation, const FixSessionOptions& options)
      : invocation_(invocation), options_(options) {}

  Result<int> run() {
    TRY(check_rule_names(options_.only));
    TRY(check_rule_names(options_.skip));
    ShownProgress shown = TRY(show_progress(options_.progress, invocation_.environment));
    const CheckedTargets checked =
        check_targets(invocation_, options_.targets, options_.base_directory, *shown.sink);
    shown.finish();
    const auto fail = [&](const Error& error) {
      std::fputs(describe(error, checked.dockerfiles).c_str(), stderr);
      return exit_code(error);
    };
    if (!checked.targets) return fail(checked.targets.error());
    if (const Status planned = plan(*checked.targets); !planned) return fail(planned.error());
    if (options_.write) TRY(write());
    return print();
  }

 private:
  Status plan(const std::vector<CheckedTarget>& checked) {
    std::vector<FixTarget> targets;
    for (const CheckedTarget& each : checked) targets.push_back(TRY(read(each)));
    TRY(plan_ignore_files(targets));
    if (options_.ignore_files_only) return {};
    for (const FixTarget& target : targets) TRY(plan_dockerfile(target));
    return {};
  }

  Result<FixTarget> read(const CheckedTarget& checked) const {
    FixTarget target{&checked,
                     TRY(dockerfile::parse_dockerfile(checked.text, checked.file)),
                     TRY(dockerfile::check_options_of(checked.text, checked.options.build_args)),
                     {}};
    for (const std::string_view rule : dockerfile::fixable_rules()) {
      if (!wants(options_, rule)) target.options.skip.emplace(rule);
    }
    const auto* local = std::get_if<dockerfile::LocalContext>(&checked.options.main_context);
    if (local != nullptr) target.excludes = local->excludes;
    return target;
  }

  // One for all targets that are built with it.
  Status plan_ignore_files(std::vector<FixTarget>& targets) {
    std::map<fs::path, std::vector<FixTarget*>> users;
    for (FixTarget& target : targets) {
      if (!target.checked->context.empty()) users[target.checked->ignore_file].push_back(&target);
    }
    for (const auto& [path, those] : users) {
      const bool wanted = std::ranges::all_of(
          those, [](const FixTarget* t) { return t->options.allows(kIgnoreRule, false); });
      if (wanted) TRY(plan_ignore_file(path, those));
    }
    return {};
  }

  Status plan_ignore_file(const fs::path& path, const std::vector<FixTarget*>& users) {
    const fs::path& context = users[0]->checked->context;
    auto files = TRY(DirectoryFiles::create(context, users[0]->excludes));
    Result<std::string> text = read_file(path, kMaxIgnoreFileBytes);
    if (!text && text.error().code() != ErrorCode::NotFound) return text.error();
    dockerfile::IgnoreInput input{text ? *text : "", &files, {}};
    for (const FixTarget* user : users) input.dockerfiles.push_back(&user->dockerfile);
    dockerfile::IgnorePlan plan = TRY(dockerfile::plan_ignores(input));
    if (!plan.patterns.empty()) {
      for (FixTarget* user : users) user->excludes = dockerfile::read_ignore_file(plan.text);
      auto smaller = TRY(DirectoryFiles::create(context, users[0]->excludes));
      report_.contexts.push_back({shown(context), files.bytes("."), smaller.bytes(".")});
    }
    if (plan.patterns.empty() && plan.left.empty()) return {};
    const std::string added = plan.text.substr(input.text.size());
    std::vector<dockerfile::TextEdit> edits;
    if (!added.empty()) edits.push_back({input.text.size(), input.text.size(), added});
    report_.files.push_back({shown(path), path, std::move(input.text), std::move(plan.text),
                             std::move(edits), std::move(plan.fixes), std::move(plan.left)});
    return {};
  }

  Status plan_dockerfile(const FixTarget& target) {
    const CheckedTarget& checked = *target.checked;
    std::optional<DirectoryFiles> files;
    if (!checked.context.empty()) {
      files = TRY(DirectoryFiles::create(checked.context, target.excludes));
    }
    const auto& conversion = checked.result.conversion;
    dockerfile::FixPlan plan = TRY(dockerfile::plan_fixes(
        {checked.text, checked.file, checked.options.target,
         conversion ? &conversion->config : nullptr, files ? &*files : nullptr, target.options}));
    std::erase_if(plan.left, [&](const dockerfile::Left& left) {
      return left.rule == kIgnoreRule || !wants(options_, left.rule);
    });
    FileFix fix{checked.path.empty() ? checked.file : shown(checked.path),
                checked.path,
                checked.text,
                std::move(plan.text),
                std::move(plan.edits),
                std::move(plan.fixes),
                std::move(plan.left)};
    add_dockerfile(std::move(fix));
    return {};
  }

  // Several targets may be built from one file; then it has to suit all of them.
  void add_dockerfile(FileFix fix) {
    const auto same = std::ranges::find_if(report_.files, [&](const FileFix& other) {
      return !fix.path.empty() && other.path == fix.path;
    });
    if (same == report_.files.end()) {
      report_.files.push_back(std::move(fix));
      return;
    }
    if (same->text == fix.text) return;
    for (const dockerfile::Fixed& fixed : same->fixes) {
      same->left.push_back({fixed.rule, fixed.line, fixed.what,
                            "several targets are built from this file, and not all can have it"});
    }
    same->text = same->original;
    same->edits.clear();
    same->fixes.clear();
  }

  // As the user would name it.
  std::string shown(const fs::path& path) const {
    const fs::path relative =
        path.lexically_normal().lexically_relative(invocation_.environment.working_directory);
    const bool below = !relative.empty() && *relative.begin() != "..";
    return below ? relative.string() : path.string();
  }

  Status write() const {
    for (const FileFix& file : report_.files) {
      if (!file.changes()) continue;
      if (file.path.empty()) {
        return make_error(ErrorCode::InvalidInput, "{} is no file that could be written", file.name)
            .with_hint("without --write the difference is shown");
      }
    }
    for (const FileFix& file : report_.files) {
      if (file.changes()) TRY(write_file(file));
    }
    return {};
  }

  // Through symbolic links, and with the mode that it has.
  static Status write_file(const FileFix& file) {
    std::error_code error;
    fs::path path = fs::canonical(file.path, error);
    if (error) path = file.path;
    struct stat status{};
    const bool exists = ::stat(path.c_str(), &status) == 0;
    return write_file_atomic(path, file.text, exists ? status.st_mode & 07777 : 0644)
        .context("write " + file.name);
  }

  Result<int> print() const {
    const bool written = options_.write;
    if (options_.format == FixFormat::Json) {
      TRY(write_all(STDOUT_FILENO, fix_json(report_)));
    } else {
      if (!written) TRY(write_all(STDOUT_FILENO, fix_diff(report_)));
      TRY(write_all(STDERR_FILENO, fix_summary(report_, written)));
    }
    return report_.changes() && !written ? 1 : 0;
  }

  Invocation& invocation_;
  const FixSessionOptions& options_;
  FixReport report_;
};

}  // namespace

Result<int> run_fix_session(Invocation& invocation, const FixSessionOptions& options) {
  return FixSession(invocation, options).run();
}

}  // namespace slipway::cli
