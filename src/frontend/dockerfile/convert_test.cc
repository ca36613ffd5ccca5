#include "frontend/dockerfile/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/convert_testing.h"
#include "frontend/dockerfile/executable.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> names(const Conversion& conversion) {
  std::vector<std::string> names;
  for (const graph::Vertex& vertex : conversion.definition.vertices()) {
    names.push_back(vertex.name());
  }
  return names;
}

// Dockerfile and options of a folder in testdata/convert; golden.json is the official frontend's
// answer (make_goldens.sh).
class ConvertGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ConvertGolden, is_buildkits) {
  const fs::path folder = fs::path(SLIPWAY_TESTDATA) / "convert" / GetParam();
  ConvertOptions options = options_for(folder / "Dockerfile");
  for (const std::string& option : split(read_text(folder / "options"), '\n')) {
    if (!option.empty()) apply_option(options, option, folder);
  }
  Result<Dockerfile> dockerfile = parse_dockerfile(read_text(folder / "Dockerfile"), "Dockerfile");
  ASSERT_TRUE(dockerfile) << dockerfile.error().message();
  StubImages images;
  const Result<Conversion> conversion = convert(*dockerfile, options, images);
  ASSERT_TRUE(conversion) << conversion.error().message();
  const auto golden = nlohmann::json::parse(read_text(folder / "golden.json"));
  EXPECT_EQ(difference(*conversion, golden["results"][0]), "");
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvertGolden,
                         ::testing::Values("archive_context", "config", "contexts", "epoch_stage",
                                           "git_context", "git_context_args", "http_context",
                                           "mounts", "options", "platforms", "scratch", "sources"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Convert, all_base_images_are_asked_for_at_once) {
  Result<Dockerfile> dockerfile = parse_dockerfile(
      "FROM a AS one\nFROM b AS unused\nFROM c\nCOPY --from=one / /\nCOPY --from=d / /\n", "f");
  ASSERT_TRUE(dockerfile);
  StubImages images;
  ASSERT_TRUE(convert(*dockerfile, {}, images));
  EXPECT_EQ(images.calls, 1);
  EXPECT_THAT(images.asked, ElementsAre("docker.io/library/a:latest", "docker.io/library/c:latest",
                                        "docker.io/library/d:latest"));
}

TEST(Convert, triggers_of_the_base_image_run_first_and_may_bring_images) {
  Result<Dockerfile> dockerfile = parse_dockerfile("FROM base\nRUN own\n", "Dockerfile");
  ASSERT_TRUE(dockerfile);
  StubImages images;
  images.on_build = {"COPY --from=tools /t /t", "RUN triggered"};
  // `tools` has triggers as well, but is no base.
  const Result<Conversion> conversion = convert(*dockerfile, {}, images);
  ASSERT_TRUE(conversion) << conversion.error().message();
  EXPECT_EQ(images.calls, 2);
  EXPECT_THAT(names(*conversion), ElementsAre(HasSubstr("FROM docker.io/library/base:latest"),
                                              HasSubstr("FROM docker.io/library/tools:latest"),
                                              "[2/4] ONBUILD COPY --from=tools /t /t",
                                              "[3/4] ONBUILD RUN triggered", "[4/4] RUN own"));
}

TEST(Convert, another_targets_result_can_be_the_base) {
  const Result<Conversion> base = convert_text("FROM a\nENV X=1\nRUN make\n");
  ASSERT_TRUE(base);
  ConvertOptions options;
  options.named_contexts["base"] =
      InputContext{std::make_shared<graph::Definition>(base->definition), base->config};
  const Result<Conversion> conversion = convert_text("FROM base\nRUN test $X\n", options);
  ASSERT_TRUE(conversion) << conversion.error().message();
  ASSERT_EQ(conversion->definition.vertices().size(), 3u);
  EXPECT_EQ(conversion->definition.vertex(1).digest, base->definition.vertex(1).digest);
  EXPECT_EQ(names(*conversion).back(), "[1/2] RUN test 1");
  EXPECT_EQ(conversion->config.history.size(), 3u);
}

// The time that SOURCE_DATE_EPOCH asks for, with a source whose time is known.
std::string epoch_of(const std::string& text, ConvertOptions options) {
  options.source_time = [](const graph::SourceOp& source, const std::string& step_name) {
    EXPECT_THAT(step_name, HasSubstr("resolve"));
    return source.identifier.ends_with("/dated") ? std::optional<int64_t>(77) : std::nullopt;
  };
  const Result<Conversion> conversion = convert_text(text, options);
  if (!conversion) return conversion.error().message();
  return conversion->epoch ? std::to_string(*conversion->epoch) : "none";
}

TEST(Convert, the_epoch_can_be_that_of_a_context_or_a_stage) {
  ConvertOptions options;
  options.build_args["SOURCE_DATE_EPOCH"] = "context";
  EXPECT_EQ(epoch_of("FROM a\n", options), "none");  // a directory has no time
  options.main_context = UrlContext{"https://host/dated", true};
  EXPECT_EQ(epoch_of("FROM a\n", options), "77");
  options.named_contexts["other"] = UrlContext{"https://host/dated"};
  options.main_context = UrlContext{"https://host/undated"};
  EXPECT_EQ(epoch_of("FROM a\n", options), "none");
  options.build_args["SOURCE_DATE_EPOCH"] = "other";
  EXPECT_EQ(epoch_of("FROM a\n", options), "77");
  const std::string stage = "FROM scratch AS src\nARG A=dated\nADD https://host/$A /\n";
  options.build_args["SOURCE_DATE_EPOCH"] = "src";
  EXPECT_EQ(epoch_of(stage + "FROM a\n", options), "77");
  EXPECT_THAT(epoch_of(stage + "ADD https://host/2 /\nFROM a\n", options),
              HasSubstr("exactly one remote ADD"));
  EXPECT_THAT(epoch_of(stage + "ENV A=b\nFROM a\n", options),
              HasSubstr("unsupported ENV instruction"));
  EXPECT_THAT(epoch_of("FROM b AS src\nFROM a\n", options), HasSubstr("must use FROM scratch"));
  options.build_args["SOURCE_DATE_EPOCH"] = "nobody";
  EXPECT_EQ(epoch_of(stage, options), "invalid SOURCE_DATE_EPOCH: nobody");
}

TEST(Convert, only_used_paths_of_the_context_are_followed) {
  const Result<Conversion> conversion =
      convert_text("FROM a\nCOPY b/c d /\nRUN --mount=source=e,target=/e true\n");
  ASSERT_TRUE(conversion);
  EXPECT_TRUE(conversion->uses_main_context);
  EXPECT_THAT(conversion->context_paths, ElementsAre("b/c", "d", "e"));
  EXPECT_FALSE(convert_text("FROM a\nRUN true\n")->uses_main_context);
}

TEST(Convert, the_same_input_gives_the_same_digests) {
  const std::string text = "FROM a\nCOPY --link . /x\nRUN --mount=target=/src make\n";
  EXPECT_EQ(convert_text(text)->definition.vertices().back().digest,
            convert_text(text)->definition.vertices().back().digest);
}

TEST(Convert, scratch_has_no_vertices) {
  const Result<Conversion> conversion = convert_text("FROM scratch\nLABEL a=b\n");
  ASSERT_TRUE(conversion);
  EXPECT_EQ(conversion->definition.root(), std::nullopt);
  EXPECT_EQ(conversion->config.config.labels.at("a"), "b");
}

TEST(Convert, a_mistake_names_its_line) {
  const Result<Conversion> conversion = convert_text("FROM a\n\nRUN x\nCOPY --from=1 / /\n");
  ASSERT_FALSE(conversion);
  EXPECT_EQ(conversion.error().message(), "invalid stage index 1");
  EXPECT_THAT(conversion.error().spans(), ElementsAre(SourceSpan{"Dockerfile", 4, 4}));
}

struct Mistake {
  const char* text;
  const char* message;
};

TEST(Convert, refuses_what_buildkit_refuses) {
  const Mistake mistakes[] = {
      {"FROM $NOTHING\n", "base name ($NOTHING) should not be blank"},
      {"FROM --platform=$X a\n", "empty platform value from expression $X"},
      {"FROM UPPER\n", "failed to parse stage name \"UPPER\""},
      {"FROM a\nCOPY --from=$b c d\n", "variable expansion is not supported for --from"},
      {"FROM a AS x\nCOPY --from=y / /\nFROM a AS y\nCOPY --from=x / /\n",
       "circular dependency detected on stage: x"},
      {"FROM a AS x\nCOPY --from=x / /\n", "circular dependency detected on stage: x"},
      {"FROM a\nCOPY --chmod=9 b c\n", "invalid chmod parameter: '9'"},
      {"FROM a\nCOPY --chmod=07778 b c\n", "invalid chmod parameter: '07778'"},
      {"FROM a\nCOPY --link --chown=me b c\n", "user and group names can't be resolved"},
      {"FROM a\nCOPY http://x/y z\n", "source can't be a URL for COPY"},
      {"FROM a\nADD --checksum=sha256:00 b c\n", "checksum requires HTTP(S) or Git sources"},
      {"FROM a\nRUN --mount=type=cache,target=/ x\n", "invalid mount target \"/\""},
      {"FROM a AS x\nRUN --mount=from=b,target=/b x\nFROM c AS b\nFROM x\n",
       "cannot mount from stage \"b\" to \"/b\""},
      {"FROM a AS x\nRUN --mount=type=cache,target=/c x\nFROM c AS scratch\nFROM x\n",
       "cannot mount from stage \"scratch\" to \"/c\""},
      {"FROM a\nEXPOSE 70000\n", "invalid containerPort: 70000"},
      {"FROM a\nEXPOSE 80/icmp\n", "invalid proto: icmp"},
      {"FROM a\nSTOPSIGNAL HUPP\n", "invalid signal: HUPP"},
      {"FROM a\nRUN \xff\n", "RUN: invalid UTF-8"},
      {"FROM a\nRUN \xed\xa0\x80\n", "RUN: invalid UTF-8"},  // a surrogate
      {"FROM a\nRUN <<E\na \xff\nE\n", "RUN: invalid UTF-8"},
  };
  for (const Mistake& mistake : mistakes) {
    const Result<Conversion> conversion = convert_text(mistake.text);
    ASSERT_FALSE(conversion) << mistake.text;
    EXPECT_THAT(conversion.error().message(), HasSubstr(mistake.message));
    EXPECT_NE(conversion.error().spans(), std::vector<SourceSpan>()) << mistake.text;
  }
}

TEST(Convert, a_cache_starts_as_what_a_stage_named_scratch_is) {
  const Result<Conversion> conversion =
      convert_text("FROM a AS scratch\nFROM b\nRUN --mount=type=cache,target=/c x\n");
  ASSERT_TRUE(conversion);
  const graph::Definition& definition = conversion->definition;
  const graph::Vertex& run = definition.vertex(definition.root()->vertex);
  ASSERT_EQ(run.inputs.size(), 2u);
  const graph::Vertex& start = definition.vertex(run.inputs[1].vertex);
  EXPECT_THAT(std::get<graph::SourceOp>(start.op).identifier, HasSubstr("/a:latest"));
}

TEST(Convert, an_unknown_target_comes_with_the_nearest_one) {
  ConvertOptions options;
  options.target = "biuld";
  const Result<Conversion> conversion = convert_text("FROM a AS build\n", options);
  ASSERT_FALSE(conversion);
  EXPECT_EQ(conversion.error().message(), "target stage \"biuld\" could not be found");
  EXPECT_EQ(conversion.error().hint(), "did you mean build?");
}

TEST(Convert, a_missing_base_image_is_an_error_of_its_from) {
  Result<Dockerfile> dockerfile = parse_dockerfile("FROM a AS x\nFROM b\nCOPY --from=x / /\n", "f");
  ASSERT_TRUE(dockerfile);
  StubImages images;
  images.missing = "docker.io/library/a:latest";
  const Result<Conversion> conversion = convert(*dockerfile, {}, images);
  ASSERT_FALSE(conversion);
  EXPECT_EQ(conversion.error().message(), "a: docker.io/library/a:latest: not found");
  EXPECT_THAT(conversion.error().spans(), ElementsAre(SourceSpan{"f", 1, 1}));
}

TEST(Executable, docker_dockerfile_in_any_version_is_this_frontend) {
  for (const char* image : {"docker/dockerfile:1.4", "docker/dockerfile-upstream:master",
                            "docker.io/docker/dockerfile@sha256:"
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    EXPECT_TRUE(check_frontend(std::string("# syntax=") + image + "\nFROM a\n", "f", {})) << image;
  }
  EXPECT_TRUE(check_frontend("FROM a\n", "f", {}));
  const Status other = check_frontend("# syntax=me/frontend:1\nFROM a\n", "f", {});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(other.error().spans(), ElementsAre(SourceSpan{"f", 1, 1}));
  EXPECT_TRUE(check_frontend("# syntax=me/frontend:1\nFROM a\n", "f",
                             {{"BUILDKIT_SYNTAX", "dockerfile.v0"}}));
}

TEST(Executable, devices_are_asked_about_with_the_lines_that_request_them) {
  const graph::Definition definition =
      convert_text("FROM a\nRUN --device=v.c/gpu x\nRUN y\nRUN --device=v.c/gpu z\n")->definition;
  const auto refuse = [](const std::vector<graph::CdiDevice>& requests) -> Status {
    return make_error(ErrorCode::NotFound, "no {}", requests.at(0).name);
  };
  const Status status = check_devices(definition, refuse);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "no v.c/gpu");
  EXPECT_THAT(status.error().spans(),
              ElementsAre(SourceSpan{"Dockerfile", 2, 2}, SourceSpan{"Dockerfile", 4, 4}));
  EXPECT_TRUE(check_devices(convert_text("FROM a\nRUN x\n")->definition, refuse));
}

// The sources and copies of a graph, in order: "https://h/a", "/context -> / (unpacked)".
std::vector<std::string> files_of(const graph::Definition& definition) {
  std::vector<std::string> texts;
  for (const graph::Vertex& vertex : definition.vertices()) {
    if (const auto* source = std::get_if<graph::SourceOp>(&vertex.op)) {
      texts.push_back(source->identifier);
    }
    const auto* file = std::get_if<graph::FileOp>(&vertex.op);
    if (file == nullptr) continue;
    const auto& copy = std::get<graph::FileCopy>(file->actions.at(0).action);
    texts.push_back(copy.src + (copy.attempt_unpack ? " unpacked" : " copied"));
  }
  return texts;
}

TEST(ContextSource, a_directory_of_an_archive_is_a_context) {
  ConvertOptions options;
  options.main_context = url_context("https://h/a.tgz#:sub/./x");
  EXPECT_THAT(files_of(*main_context_definition(options)),
              ElementsAre("https://h/a.tgz", "/context unpacked", "/sub/x copied"));
  options.main_context = url_context("https://h/a.tgz#:.");
  EXPECT_THAT(files_of(*main_context_definition(options)),
              ElementsAre("https://h/a.tgz", "/context unpacked"));
  EXPECT_FALSE(url_context("https://h/a.tgz").is_archive);
  EXPECT_EQ(url_context("https://h/a.git#:sub").url, "https://h/a.git#:sub");
  options.named_contexts["files"] = url_context("https://h/b.tgz#:sub");
  options.main_context = LocalContext{"context", {}, {}};
  const Result<Conversion> named = convert_text("FROM scratch\nCOPY --from=files a /\n", options);
  ASSERT_TRUE(named) << named.error().message();
  EXPECT_THAT(files_of(named->definition),
              ElementsAre("https://h/b.tgz", "/context unpacked", "/sub copied", "/a copied"));
}

TEST(ContextSource, reads_buildkits_forms) {
  const Result<ContextSource> layout = parse_context_source(
      "oci-layout://store:tag@sha256:"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  ASSERT_TRUE(layout);
  EXPECT_EQ(std::get<OciLayoutContext>(*layout).store, "store");
  EXPECT_EQ(std::get<ImageContext>(*parse_context_source("docker-image://a/b:c")).reference,
            "a/b:c");
  EXPECT_EQ(std::get<LocalContext>(*parse_context_source("local:x")).name, "x");
  EXPECT_EQ(std::get<UrlContext>(*parse_context_source("git@github.com:a/b")).url,
            "git@github.com:a/b");
  EXPECT_FALSE(parse_context_source("nothing"));
  EXPECT_FALSE(parse_context_source("ftp://x"));
  EXPECT_FALSE(parse_context_source("oci-layout://store:tag"));
}

}  // namespace
}  // namespace slipway::dockerfile
