// COPY and ADD: one file op with an action for each source, or a merge of it with --link.
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/lint/value_rules.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

namespace {

// What COPY and ADD have in common.
struct CopyRequest {
  const InstructionInfo& info;
  const SourcesAndDest& paths;
  bool is_add = false;
  std::optional<Output> from;  // where local sources are
  bool of_context = false;     // `from` is the main context
  const Linter& linter;
  std::string chown;
  std::string chmod;
  std::string checksum;
  bool link = false;
  bool parents = false;
  std::vector<std::string> excludes;
  std::optional<bool> keep_git_dir;
  std::optional<bool> unpack;
};

struct Chmod {
  int32_t mode = -1;
  std::string symbolic;
};

// "u=rwX,g=u" and the like, as chmod(1) reads them.
bool is_symbolic_mode(std::string_view text) {
  for (const std::string& clause : split(text, ',')) {
    size_t i = clause.find_first_not_of("ugoa");
    if (i == std::string::npos || std::string_view("+-=").find(clause[i]) == std::string::npos) {
      return false;
    }
    while (i < clause.size()) {
      if (std::string_view("+-=").find(clause[i]) == std::string::npos) return false;
      i = std::min(clause.find_first_not_of("rwxXstugo", i + 1), clause.size());
    }
  }
  return true;
}

Result<Chmod> parse_chmod(const std::string& text) {
  if (text.empty()) return Chmod{};
  const Error not_octal = make_error(
      ErrorCode::InvalidInput,
      "invalid chmod parameter: '{}'. it should be octal string and between 0 and 07777", text);
  uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (mode > 07777) return not_octal;
    return Chmod{static_cast<int32_t>(mode), ""};
  }
  if (text[0] >= '0' && text[0] <= '9') return not_octal;
  if (!is_symbolic_mode(text)) {
    return make_error(ErrorCode::InvalidInput, "invalid chmod parameter: '{}'", text);
  }
  return Chmod{0, text};
}

bool names_user(const graph::ChownOpt& owner) {
  for (const std::optional<graph::UserOpt>* user : {&owner.user, &owner.group}) {
    if (*user && std::holds_alternative<graph::UserOpt::Name>((*user)->value)) return true;
  }
  return false;
}

class CopyConverter {
 public:
  CopyConverter(ConvertContext& context, StageState& stage, CopyRequest request)
      : context_(context), stage_(stage), request_(std::move(request)) {}

  Status convert() {
    const std::string& os = stage_.platform->os;
    dest_ = action_path(stage_.state.dir, TRY(destination(os)), true);
    chmod_ = TRY(parse_chmod(request_.chmod));
    TRY(check_checksum());
    // BuildKit links only where no mode has to be changed.
    linked_ = request_.link && request_.chmod.empty();
    base_ = linked_ ? std::nullopt : stage_.state.output;
    if (base_) inputs_.push_back(*base_);
    if (!request_.chown.empty()) {
      owner_ = parse_chown(request_.chown, base_ ? 0 : graph::kNone);
      if (request_.link && names_user(*owner_)) {
        return make_error(ErrorCode::InvalidInput,
                          "--chown={}: user and group names can't be resolved when used with "
                          "--link, use numeric uid[:gid] instead",
                          request_.chown);
      }
    }
    shown_ = shown_command(context_.lexer, request_.info.source, stage_.state.env.map());
    name_ = step_name(context_, stage_, shown_, &*stage_.platform, &stage_.state.env);

    std::string history = history_start();
    for (const std::string& source : request_.paths.sources) {
      history += " " + source;
      TRY(add_source(source));
    }
    for (const InlineSource& content : request_.paths.contents) {
      history += " <<" + content.path;
      TRY(add_content(content, os));
    }
    history += " " + request_.paths.dest + " # buildkit";
    stage_.state.output = add_ops();
    add_history(context_, stage_, std::move(history), true);
    return {};
  }

 private:
  Result<std::string> destination(std::string_view os) const {
    std::string dest =
        TRY(without_drive(request_.paths.dest, os, true).context("removing drive letter"));
    if (is_absolute(dest, os)) return normalize_path("/", dest, os, true);
    if (dest == "." || dest.empty()) dest = "./";
    return normalize_path(stage_.state.dir, dest, os, true);
  }

  Status check_checksum() const {
    if (request_.checksum.empty()) return {};
    if (request_.paths.sources.size() != 1) {
      return make_error(ErrorCode::InvalidInput,
                        "checksum can't be specified for multiple sources");
    }
    const std::string& source = request_.paths.sources.front();
    if (!is_http_source(source) && !is_git_source(source)) {
      return make_error(ErrorCode::InvalidInput, "checksum requires HTTP(S) or Git sources");
    }
    return {};
  }

  std::string history_start() const {
    std::string text = request_.is_add ? "ADD" : "COPY";
    if (request_.parents) text += " --parents";
    if (!request_.chown.empty()) text += " --chown=" + request_.chown;
    if (!request_.chmod.empty()) text += " --chmod=" + request_.chmod;
    return text;
  }

  Status add_source(const std::string& source) {
    const std::optional<GitRef> git = TRY(parse_git_ref(source));
    if (git && !git->looks_like_a_path) return add_git(*git);
    if (is_http_source(source)) return add_url(source);
    return add_local(source);
  }

  Status add_git(GitRef git) {
    if (!request_.is_add) {
      return make_error(ErrorCode::InvalidInput, "source can't be a git ref for COPY");
    }
    if (request_.keep_git_dir && git.keep_git_dir && *request_.keep_git_dir != *git.keep_git_dir) {
      return make_error(ErrorCode::InvalidInput, "inconsistent keep-git-dir configuration");
    }
    if (!git.keep_git_dir) git.keep_git_dir = request_.keep_git_dir;
    if (!request_.checksum.empty() && !git.checksum.empty() && request_.checksum != git.checksum) {
      return make_error(ErrorCode::InvalidInput, "checksum mismatch \"{}\" != \"{}\"",
                        request_.checksum, git.checksum);
    }
    if (git.checksum.empty()) git.checksum = request_.checksum;
    git.mtime.clear();
    add_action(context_.graph.add(git_source(git, named(name_))), plain_copy("/"));
    return {};
  }

  Status add_url(const std::string& url) {
    if (!request_.is_add) {
      return make_error(ErrorCode::InvalidInput, "source can't be a URL for COPY");
    }
    if (!request_.checksum.empty()) TRY(Digest::parse(request_.checksum));
    const std::string file = url_file_name(url);
    graph::VertexMetadata metadata = named(name_);
    metadata.description[graph::kDockerfileCommand] = "";
    graph::FileCopy copy = plain_copy(join_path("/", file));
    copy.attempt_unpack = request_.unpack.value_or(false);
    add_action(context_.graph.add(http_source(url, file, request_.checksum, std::move(metadata))),
               std::move(copy));
    return {};
  }

  Status add_local(std::string source) {
    const std::string& os = stage_.platform->os;
    if (request_.of_context && context_.ignored) {
      check_copy_source(source, request_.is_add, *context_.ignored, request_.info.span,
                        request_.linter);
    }
    graph::FileCopy copy = plain_copy("");
    if (request_.parents) {
      // Below "/./" paths keep their directories; without it, all of the path is kept.
      const size_t pivot = source.find("/./");
      std::string pattern = pivot == std::string::npos ? source : source.substr(pivot + 3);
      source = pivot == std::string::npos ? "/" : source.substr(0, pivot);
      pattern = TRY(normalize_path("/", pattern, os, false).context("removing drive letter"));
      copy.include_patterns = {pattern.starts_with('/') ? pattern.substr(1) : pattern};
      if (!has_wildcards(source) && !has_wildcards(pattern)) {
        copy.required_paths = {TRY(normalize_path("/", join_path(source, pattern), os, false)
                                       .context("removing drive letter"))};
      }
    }
    source = TRY(normalize_path("/", source, os, false).context("removing drive letter"));
    copy.src = clean_path(source);
    copy.follow_symlink = true;
    copy.dir_copy_contents = true;
    copy.attempt_unpack = request_.unpack.value_or(request_.is_add);
    copy.allow_wildcard = true;
    copy.allow_empty_wildcard = true;
    add_action(request_.from, std::move(copy));
    return {};
  }

  // A heredoc: a file made for it.
  Status add_content(const InlineSource& content, std::string_view os) {
    const std::string path =
        TRY(without_drive(content.path, os, false).context("removing drive letter"));
    graph::FileMkfile mkfile;
    mkfile.path = action_path("/", path, false);
    mkfile.mode = 0644;
    mkfile.data = content.data;
    PendingOp op;
    op.op = graph::FileOp{{{graph::kNone, graph::kNone, 0, std::move(mkfile)}}};
    op.metadata = named("[internal] preparing inline document");
    op.metadata.caps["file.base"] = true;
    add_action(context_.graph.add(std::move(op)), plain_copy(join_path("/", to_slash(path, os))));
    return {};
  }

  graph::FileCopy plain_copy(std::string source) const {
    graph::FileCopy copy;
    copy.src = std::move(source);
    copy.dest = dest_;
    copy.owner = owner_;
    copy.mode = chmod_.mode;
    copy.mode_str = chmod_.symbolic;
    copy.create_dest_path = true;
    copy.exclude_patterns = request_.excludes;
    return copy;
  }

  void add_action(const std::optional<Output>& source, graph::FileCopy copy) {
    int64_t input = graph::kNone;
    if (source) {
      input = static_cast<int64_t>(inputs_.size());
      inputs_.push_back(*source);
    }
    actions_.push_back({graph::kNone, input, graph::kNone, std::move(copy)});
  }

  // Each action works on the result of the one before; their numbers start after the inputs.
  graph::FileOp chained_actions() {
    for (size_t i = 0; i < actions_.size(); ++i) {
      actions_[i].input = i > 0   ? static_cast<int64_t>(inputs_.size() + i - 1)
                          : base_ ? 0
                                  : graph::kNone;
    }
    if (!actions_.empty()) actions_.back().output = 0;
    return {std::move(actions_)};
  }

  Output add_ops() {
    PendingOp copy;
    copy.op = chained_actions();
    copy.inputs = std::move(inputs_);
    copy.metadata = metadata(name_);
    copy.metadata.caps["file.base"] = true;
    if (!linked_) return context_.graph.add(std::move(copy));

    // A layer of its own, merged with what is there: it stays valid when the base changes.
    const graph::ProgressGroup group = progress_group();
    copy.metadata.progress_group = group;
    copy.metadata.progress_group->weak = true;
    const Output copied = context_.graph.add(std::move(copy));
    if (!stage_.state.output) return copied;
    --stage_.step;
    PendingOp merge;
    merge.op = graph::MergeOp{{0, 1}};
    merge.inputs = {*stage_.state.output, copied};
    merge.metadata = metadata(
        step_name(context_, stage_, "LINK " + shown_, &*stage_.platform, &stage_.state.env));
    merge.metadata.caps["mergeop"] = true;
    merge.metadata.progress_group = group;
    return context_.graph.add(std::move(merge));
  }

  // The copy and the merge show as one step. The id only has to differ from other groups'.
  graph::ProgressGroup progress_group() const {
    const std::string id = fmt::format("{}\n{}\n{}\n{}", context_.options.file_name,
                                       request_.info.span.first_line, name_, context_.graph.size());
    return {std::string(Digest::sha256_of(id).hex().substr(0, 25)), name_, false};
  }

  graph::VertexMetadata metadata(std::string name) const {
    graph::VertexMetadata metadata = named(std::move(name));
    metadata.ignore_cache = stage_.ignores_cache;
    add_location(metadata, request_.info.span);
    return metadata;
  }

  ConvertContext& context_;
  StageState& stage_;
  CopyRequest request_;
  std::string dest_;
  Chmod chmod_;
  std::optional<graph::ChownOpt> owner_;
  bool linked_ = false;
  std::optional<Output> base_;
  std::string shown_;
  std::string name_;
  std::vector<Output> inputs_;
  std::vector<graph::FileAction> actions_;
};

void mark_used(std::set<std::string>& paths, const std::vector<std::string>& sources) {
  for (const std::string& source : sources) paths.insert(join_path("/", source));
}

}  // namespace

graph::ChownOpt parse_chown(std::string_view text, int64_t input) {
  const auto parse = [&](std::string_view name) {
    if (name == "root") return graph::UserOpt{graph::UserOpt::Id{0}};
    std::string_view digits = name;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int32_t id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      return graph::UserOpt{static_cast<graph::UserOpt::Id>(id)};
    }
    if (name.empty()) return graph::UserOpt{graph::UserOpt::Id{0}};
    return graph::UserOpt{graph::UserOpt::Name{std::string(name), input}};
  };
  graph::ChownOpt owner;
  const size_t colon = text.find(':');
  owner.user = parse(text.substr(0, colon));
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    owner.group = parse(text.substr(colon + 1));
  }
  return owner;
}

Status dispatch_add(ConvertContext& context, StageState& stage, const AddInstruction& add,
                    const Linter& linter) {
  TRY(CopyConverter(
          context, stage,
          {add.info, add.paths, true, context.main_context, true, linter, add.chown, add.chmod,
           add.checksum, add.link, false, add.excludes, add.keep_git_dir, add.unpack})
          .convert());
  for (const std::string& source : add.paths.sources) {
    if (source.starts_with("http://") || source.starts_with("https://")) continue;
    stage.context_paths.insert(join_path("/", source));
  }
  return {};
}

Status dispatch_copy(ConvertContext& context, StageState& stage, const CopyInstruction& copy,
                     const std::vector<StageState*>& sources, const Linter& linter) {
  StageState* from = sources.empty() ? nullptr : sources.front();
  if (from != nullptr && !from->is_dispatched) {
    return make_error(ErrorCode::InvalidInput,
                      "cannot copy from stage \"{}\", it needs to be defined before current stage "
                      "\"{}\"",
                      copy.from, stage.title);
  }
  TRY(CopyConverter(context, stage,
                    {copy.info, copy.paths, false,
                     from != nullptr ? from->state.output : context.main_context, from == nullptr,
                     linter, copy.chown, copy.chmod, "", copy.link, copy.parents, copy.excludes,
                     std::nullopt, std::nullopt})
          .convert());
  mark_used(from != nullptr ? from->paths_of_base() : stage.context_paths, copy.paths.sources);
  return {};
}

}  // namespace slipway::dockerfile
