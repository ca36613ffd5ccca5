// What stages start from: scratch, an image, or a named context.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "base/url_password.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/lint/value_rules.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

namespace {

ImageConfig empty_image(const Platform& platform) {
  ImageConfig image;
  image.platform = platform;
  image.config.working_dir = "/";
  if (platform.os != "windows") image.config.env = {"PATH=" + default_path(platform.os)};
  return image;
}

// One stage's base on its way from name to state.
struct Plan {
  StageState* stage;
  bool reachable = false;
  Platform platform;
  std::string original_name;
  Reference reference;
  const ContextSource* source = nullptr;  // named context
  std::string source_name;                // as found: may carry the platform
  std::optional<size_t> query;            // index into the queries
};

std::string image_log_name(const ConvertContext& context, const Plan& plan) {
  const std::string platform =
      context.options.multi_platform ? format_platform(plan.platform) + " " : "";
  return fmt::format("[{}internal] load metadata for {}", platform, plan.reference.str());
}

std::optional<ImageQuery> query_for(const ConvertContext& context, const Plan& plan) {
  if (plan.source == nullptr) {
    return ImageQuery{plan.reference, plan.platform, std::nullopt, image_log_name(context, plan)};
  }
  const std::string log_prefix = fmt::format("[context {}] load metadata for ", plan.source_name);
  if (const auto* image = std::get_if<ImageContext>(plan.source)) {
    Result<Reference> reference = Reference::parse(image->reference);
    if (!reference) return std::nullopt;  // load_image reports it
    return ImageQuery{reference->with_default_tag(), plan.platform, std::nullopt,
                      log_prefix + image->reference};
  }
  if (const auto* layout = std::get_if<OciLayoutContext>(plan.source)) {
    // The name is for messages only: the layout and the digest decide.
    const std::string name = plan.source_name.substr(0, plan.source_name.find("::"));
    Result<Reference> reference = Reference::parse(name);
    if (!reference) return std::nullopt;
    Reference pinned = reference->with_digest(layout->digest);
    std::string log_name = log_prefix + pinned.str();
    return ImageQuery{std::move(pinned), plan.platform, *layout, std::move(log_name)};
  }
  return std::nullopt;
}

// A named context as a state and, where it has one, an image config.
struct Loaded {
  BuildState state;
  std::optional<ImageConfig> image;
};

class ContextLoader {
 public:
  ContextLoader(ConvertContext& context, const Plan& plan, const ImageQuery* query,
                ResolvedImage* answer)
      : context_(context), plan_(plan), query_(query), answer_(answer) {}

  Result<Loaded> operator()(const LocalContext& local) {
    graph::SourceOp source{"local://" + local.name, {}};
    graph::VertexMetadata metadata = named(title("load from client"));
    metadata.caps = {{"source.local", true}, {"source.local.sharedkeyhint", true}};
    source.attrs["local.sharedkeyhint"] =
        fmt::format("context:{}-{}", plan_.source_name, local.shared_key);
    if (!local.excludes.empty()) {
      source.attrs["local.excludepatterns"] = json_list(local.excludes);
      metadata.caps["source.local.excludepatterns"] = true;
    }
    Loaded loaded;
    loaded.state.output = context_.graph.add(
        {std::move(source), {}, std::nullopt, std::move(metadata), std::nullopt});
    context_.late_locals.push_back({loaded.state.output->node, plan_.stage});
    return loaded;
  }

  Result<Loaded> operator()(const ImageContext& image) {
    if (image.reference == "scratch") return Loaded{};
    TRY(Reference::parse(image.reference));
    CHECK(answer_ != nullptr);
    Loaded loaded;
    // Not pinned: a policy or another builder may still decide what the name stands for.
    loaded.state.output = context_.graph.add(image_source(
        answer_->reference, plan_.platform, ImagePull::Default, named(title(image.reference))));
    return with_answer(std::move(loaded));
  }

  Result<Loaded> operator()(const OciLayoutContext& layout) {
    if (answer_ == nullptr) {
      return make_error(ErrorCode::InvalidInput, "could not parse oci-layout reference \"{}\"",
                        plan_.source_name);
    }
    graph::SourceOp source{"oci-layout://" + query_->reference.str(),
                           {{"oci.store", layout.store}}};
    graph::VertexMetadata metadata = named(title("OCI load from client"));
    metadata.caps["source.ocilayout"] = true;
    Loaded loaded;
    loaded.state.output = context_.graph.add(
        {std::move(source), {}, plan_.platform, std::move(metadata), std::nullopt});
    return with_answer(std::move(loaded));
  }

  Result<Loaded> operator()(const UrlContext& url) {
    Loaded loaded;
    const std::optional<GitRef> git = TRY(parse_git_ref(url.url));
    if (git) {
      loaded.state.output = context_.graph.add(
          git_source(*git, named("[internal] load git source " + without_passwords(url.url))));
    } else if (is_http_source(url.url)) {
      const Output file = context_.graph.add(
          http_source(url.url, kUrlContextFile, "", named(title(without_passwords(url.url)))));
      loaded.state.output = url.is_archive ? unpacked(context_.graph, file, url.directory) : file;
    } else {
      return make_error(ErrorCode::InvalidInput, "invalid git context {}", url.url);
    }
    return loaded;
  }

  Result<Loaded> operator()(const InputContext& input) {
    Loaded loaded;
    loaded.state.output = context_.graph.import(*input.definition);
    loaded.image = input.config;
    if (input.config) loaded.state.apply(*input.config);
    return loaded;
  }

 private:
  std::string title(std::string_view what) const {
    return fmt::format("[context {}] {}", plan_.source_name, what);
  }

  Loaded with_answer(Loaded loaded) const {
    loaded.image = answer_->config;
    // The source op knows its platform; the config's counts where it names one.
    loaded.state.platform = plan_.platform.normalized();
    loaded.state.apply(answer_->config);
    return loaded;
  }

  ConvertContext& context_;
  const Plan& plan_;
  const ImageQuery* query_;
  ResolvedImage* answer_;
};

void use_context_as_stage(StageState& stage, Loaded loaded) {
  stage.is_dispatched = true;
  stage.state = std::move(loaded.state);
  if (!loaded.image) return;
  loaded.image->created.clear();
  stage.image = *std::move(loaded.image);
  if (!stage.image.platform.architecture.empty() && !stage.image.platform.os.empty()) {
    stage.platform = stage.image.platform;
  }
}

void use_context_as_base(StageState& stage, Loaded loaded, const Platform& platform) {
  if (!loaded.image) loaded.image = empty_image(platform);
  stage.base_image = loaded.image;
  loaded.image->created.clear();
  stage.image = *std::move(loaded.image);
  stage.state = std::move(loaded.state);
  stage.state.platform = platform.normalized();
  stage.platform = platform;
}

// An image of no layers is scratch with a config.
bool has_no_layers(const ImageConfig& image) {
  return image.diff_ids.empty() &&
         std::ranges::all_of(image.history, [](const auto& entry) { return entry.empty_layer; });
}

// Where no platform was asked for, the image's own is taken if this machine builds for it.
Platform detected_platform(const ConvertContext& context, const ImageConfig& image,
                           const Platform& wanted) {
  const Platform& own = context.options.build_platform;
  if (image.platform.os == own.os && image.platform.architecture == own.architecture) return own;
  return wanted;
}

void use_image(ConvertContext& context, Plan& plan, ResolvedImage* answer) {
  StageState& stage = *plan.stage;
  bool scratch = false;
  Reference reference = plan.reference;
  if (answer != nullptr) {
    reference = answer->reference;
    stage.base_image = answer->config;
    answer->config.created.clear();
    if (!stage.platform && context.implicit_target) {
      plan.platform = detected_platform(context, answer->config, plan.platform);
    }
    if (!answer->digest.empty()) reference = reference.with_digest(answer->digest);
    scratch = has_no_layers(answer->config);
    stage.image = std::move(answer->config);
  }
  stage.base_name = reference.str();
  stage.platform = plan.platform;
  if (scratch) return;
  if (plan.reachable) {
    check_base_platform(plan.original_name, plan.platform, stage.image.platform, stage.info.span,
                        context.linter);
  }
  graph::VertexMetadata metadata =
      named(step_name(context, stage, "FROM " + stage.base_name, &plan.platform, nullptr));
  metadata.description[graph::kDockerfileCommand] = stage.is_implicit ? "" : stage.info.source;
  add_location(metadata, stage.info.span);
  stage.state.output = context.graph.add(
      image_source(reference, plan.platform, context.options.pull, std::move(metadata)));
  stage.state.platform = plan.platform.normalized();
}

Result<Plan> make_plan(ConvertContext& context, StageState& stage, bool reachable) {
  Plan plan{&stage,
            reachable,
            stage.platform.value_or(context.target_platform),
            stage.base_name,
            {},
            nullptr,
            {},
            {}};
  Result<Reference> reference = Reference::parse(stage.base_name);
  if (!reference) {
    return std::move(reference.error())
        .context(fmt::format("failed to parse stage name \"{}\"", stage.base_name));
  }
  plan.reference = reference->with_default_tag();
  if (!reachable) return plan;
  if (stage.named_context) {
    plan.source_name = *stage.named_context;
    plan.source = context.named_contexts.at(plan.source_name);
  } else {
    plan.source =
        TRY(find_context(context, plan.reference.str(), &plan.platform, plan.source_name));
  }
  return plan;
}

Status apply_plan(ConvertContext& context, Plan& plan, const ImageQuery* query,
                  Result<ResolvedImage>* answer) {
  StageState& stage = *plan.stage;
  if (answer != nullptr && !*answer) {
    Error error = std::move(answer->error());
    if (plan.source != nullptr) return error;
    const std::string near = nearest(plan.original_name, context.stages.titles());
    if (!near.empty()) error = std::move(error).with_hint(fmt::format("did you mean {}?", near));
    return std::move(error).context(plan.original_name);
  }
  ResolvedImage* image = answer == nullptr ? nullptr : &**answer;
  if (plan.source == nullptr) {
    use_image(context, plan, image);
    return {};
  }
  Loaded loaded = TRY(std::visit(ContextLoader(context, plan, query, image), *plan.source));
  if (stage.named_context) {
    use_context_as_stage(stage, std::move(loaded));
  } else {
    use_context_as_base(stage, std::move(loaded), plan.platform);
  }
  return {};
}

Status at_stage(Status status, const StageState& stage) {
  if (status || stage.info.span.first_line == 0) return status;
  return std::move(status.error()).at(stage.info.span);
}

}  // namespace

Result<const ContextSource*> find_context(const ConvertContext& context, std::string_view name,
                                          const Platform* platform, std::string& found_name) {
  if (to_lower(name) == "scratch" || to_lower(name) == "context") return nullptr;
  if (context.named_contexts.empty()) return nullptr;
  const Reference reference =
      TRY(Reference::parse(name).context(fmt::format("invalid context name {}", name)));
  std::string familiar = reference.familiar();
  if (familiar.ends_with(":latest")) familiar.resize(familiar.size() - 7);
  const Platform& wanted = platform != nullptr ? *platform : context.target_platform;
  for (const std::string& key :
       {familiar + "::" + format_platform(wanted.normalized()), familiar}) {
    const auto found = context.named_contexts.find(key);
    if (found == context.named_contexts.end()) continue;
    found_name = key;
    return found->second;
  }
  return nullptr;
}

Status resolve_bases(ConvertContext& context, const std::set<const StageState*>& reachable) {
  std::vector<Plan> plans;
  std::vector<ImageQuery> queries;
  for (size_t i = 0; i < context.stages.size(); ++i) {
    StageState& stage = *context.stages.at(i);
    if (stage.base != nullptr || stage.is_dispatched || stage.is_resolved) continue;
    const bool needed = context.options.all_stages || reachable.contains(&stage);
    stage.is_resolved = needed;
    if (stage.base_name == "scratch" && !stage.named_context) {
      stage.state = BuildState{};
      stage.image = empty_image(context.target_platform);
      stage.platform = context.target_platform;
      stage.is_dispatched = stage.is_implicit;
      continue;
    }
    Result<Plan> plan = make_plan(context, stage, needed);
    if (!plan) return at_stage(std::move(plan.error()), stage);
    if (needed) {
      if (std::optional<ImageQuery> query = query_for(context, *plan)) {
        plan->query = queries.size();
        queries.push_back(*std::move(query));
      }
    }
    plans.push_back(*std::move(plan));
  }

  std::vector<Result<ResolvedImage>> answers;
  if (!queries.empty()) answers = context.resolver.resolve(queries);
  CHECK(answers.size() == queries.size());
  for (Plan& plan : plans) {
    const ImageQuery* query = plan.query ? &queries[*plan.query] : nullptr;
    Result<ResolvedImage>* answer = plan.query ? &answers[*plan.query] : nullptr;
    TRY(at_stage(apply_plan(context, plan, query, answer), *plan.stage));
    if (plan.stage->is_implicit) plan.stage->is_dispatched = true;
  }
  return {};
}

}  // namespace slipway::dockerfile
