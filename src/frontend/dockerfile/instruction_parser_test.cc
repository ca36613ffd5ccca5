#include "frontend/dockerfile/instruction_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/directive.h"
#include "frontend/dockerfile/expand.h"
#include "frontend/dockerfile/run_mount.h"
#include "frontend/dockerfile/shell_lexer.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Dockerfile parse(std::string_view text) {
  auto dockerfile = parse_dockerfile(text, "Dockerfile");
  EXPECT_TRUE(dockerfile) << (dockerfile ? "" : dockerfile.error().message());
  return dockerfile ? *std::move(dockerfile) : Dockerfile{};
}

// The only instruction of a stage.
template <typename T>
T only(std::string_view line) {
  const Dockerfile dockerfile = parse("FROM scratch\n" + std::string(line));
  return std::get<T>(dockerfile.stages.at(0).instructions.at(0));
}

std::string error_of(std::string_view line) {
  const auto result = parse_dockerfile("FROM scratch\n" + std::string(line), "Dockerfile");
  return result ? "" : result.error().message();
}

WordExpander expander(std::vector<std::string> entries) {
  return [environment = environment_of(entries)](std::string_view word) {
    return ShellLexer().word(word, environment);
  };
}

Result<std::vector<RunMount>> mounts(std::string_view line, std::vector<std::string> env = {}) {
  return parse_mounts(only<RunInstruction>(line), expander(std::move(env)));
}

TEST(InstructionParser, StagesHoldTheirInstructions) {
  const Dockerfile dockerfile =
      parse("ARG BASE=x\nFROM --platform=$P ${BASE} AS Build\nRUN a\nCMD b\nFROM build\nUSER me\n");
  EXPECT_EQ(dockerfile.meta_args.at(0).args.at(0).value, "x");
  ASSERT_THAT(dockerfile.stages, SizeIs(2));
  EXPECT_EQ(dockerfile.stages[0].name, "build");
  EXPECT_EQ(dockerfile.stages[0].base_name, "${BASE}");
  EXPECT_EQ(dockerfile.stages[0].platform, "$P");
  EXPECT_THAT(dockerfile.stages[0].instructions, SizeIs(2));
  const SourceSpan span{"Dockerfile", 6, 6};
  EXPECT_EQ(info_of(dockerfile.stages[1].instructions.at(0)).span, span);
}

TEST(InstructionParser, CopyTakesFlagsAndHeredocs) {
  const auto copy = only<CopyInstruction>(
      "COPY --from=x --link --chmod=u=rwX,g=u --exclude=a --exclude=b src <<-EOF /d/\n\thi\nEOF\n");
  EXPECT_EQ(copy.from, "x");
  EXPECT_TRUE(copy.link);
  EXPECT_FALSE(copy.parents);
  EXPECT_THAT(copy.excludes, ElementsAre("a", "b"));
  EXPECT_THAT(copy.paths.sources, ElementsAre("src"));
  EXPECT_THAT(copy.paths.contents, ElementsAre(InlineSource{"EOF", "hi\n", true}));
  EXPECT_EQ(copy.paths.dest, "/d/");
}

TEST(InstructionParser, HealthcheckDurationsAreNanoseconds) {
  const auto check = only<HealthcheckInstruction>(
      "HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f http://localhost/");
  EXPECT_EQ(check.interval, 90'000'000'000);
  EXPECT_EQ(check.retries, 3);
  EXPECT_THAT(check.test, ElementsAre("CMD-SHELL", "curl -f http://localhost/"));
  EXPECT_THAT(only<HealthcheckInstruction>("HEALTHCHECK NONE").test, ElementsAre("NONE"));
}

TEST(InstructionParser, OnbuildKeepsItsTriggerWithHeredocs) {
  const auto onbuild = only<OnbuildInstruction>("ONBUILD  RUN <<EOF\nmake\nEOF\n");
  EXPECT_EQ(onbuild.expression, "RUN <<EOF\nmake\nEOF");
  const SourceSpan span{"Dockerfile", 1, 1};
  const auto trigger = parse_onbuild_trigger(onbuild.expression, span);
  ASSERT_TRUE(trigger);
  EXPECT_EQ(std::get<RunInstruction>(*trigger).command.files.at(0).data, "make\n");
  EXPECT_EQ(info_of(*trigger).span, span);
  EXPECT_FALSE(parse_onbuild_trigger("FROM x", span));
}

TEST(InstructionParser, SuggestsTheNearestName) {
  EXPECT_EQ(error_of("RNU x"),
            "dockerfile parse error on line 2: unknown instruction: RNU (did you mean RUN?)");
  EXPECT_EQ(error_of("COPY --chmd=1 a b"),
            "dockerfile parse error on line 2: unknown flag: --chmd (did you mean --chmod?)");
  EXPECT_THAT(mounts("RUN --mount=type=cache,taget=/x true").error().message(),
              HasSubstr("unexpected key 'taget' in 'taget=/x' (did you mean target?)"));
  EXPECT_THAT(mounts("RUN --mount=type=cahe,target=/x true").error().message(),
              HasSubstr("unsupported mount type \"cahe\" (did you mean cache?)"));
}

TEST(InstructionParser, ReportsAllMistakesInOrderOfLines) {
  const auto result = parse_dockerfile("FROM a b\nENV x\nFOO\nRUN --link x\n", "Dockerfile");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "dockerfile parse error on line 1: FROM requires either one or three arguments\n"
            "dockerfile parse error on line 2: ENV must have two arguments\n"
            "dockerfile parse error on line 3: unknown instruction: FOO (did you mean FROM?)\n"
            "dockerfile parse error on line 4: unknown flag: --link");
  ASSERT_THAT(result.error().spans(), SizeIs(4));
  EXPECT_EQ(result.error().spans()[2].first_line, 3);
}

TEST(InstructionParser, RejectsInstructionsOutsideOfStages) {
  const auto result = parse_dockerfile("RUN a\nRUN b\n", "Dockerfile");
  EXPECT_EQ(result.error().message(),
            "dockerfile parse error on line 1: no build stage in current context");
}

TEST(RunMount, DefaultsDependOnTheType) {
  const auto all = mounts(
      "RUN --mount=target=/a --mount=type=cache,target=/b --mount=type=secret,id=s,env=TOKEN "
      "--mount=type=tmpfs,target=/t,size=64m true");
  ASSERT_TRUE(all);
  EXPECT_TRUE((*all)[0].readonly);
  EXPECT_FALSE((*all)[1].readonly);
  EXPECT_EQ((*all)[2].env, "TOKEN");
  EXPECT_EQ((*all)[3].size_limit, 64 << 20);
}

TEST(RunMount, ExpandsValuesButNotFrom) {
  const auto all =
      mounts("RUN --mount=type=cache,id=$ID,target=${DIR}/x,mode=0750 true", {"ID=c", "DIR=/d"});
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0].id, "c");
  EXPECT_EQ((*all)[0].target, "/d/x");
  EXPECT_EQ((*all)[0].mode, 0750u);
  EXPECT_THAT(error_of("RUN --mount=from=$X,target=/x true"),
              HasSubstr("'from' doesn't support variable expansion, define alias stage instead"));
}

TEST(RunMount, OptionsHaveToFitTheType) {
  for (const char* line :
       {"RUN --mount=type=bind,mode=1,target=/x true",
        "RUN --mount=type=cache,size=1,target=/x true", "RUN --mount=type=secret true",
        "RUN --mount=type=ssh,sharing=locked true", "RUN --mount=type=secret,id=a,src=b true",
        "RUN --mount=type=bind,required true", "RUN --mount=type=bind,z true"}) {
    EXPECT_FALSE(mounts(line)) << line;
  }
}

TEST(Expand, ChangesTheFieldsThatSupportIt) {
  Instruction copy = only<CopyInstruction>("COPY --chown=$U $S <<A <<'B' $D\n$U\nA\n$U\nB\n");
  ASSERT_TRUE(expand(copy, expander({"U=me", "S=src", "D=/d"})));
  const ShellLexer lexer({.keep_quotes = true});
  ASSERT_TRUE(expand_heredocs(
      copy, [&](std::string_view text) { return lexer.word(text, environment_of({"U=me"})); }));
  const auto& typed = std::get<CopyInstruction>(copy);
  EXPECT_EQ(typed.chown, "me");
  EXPECT_THAT(typed.paths.sources, ElementsAre("src"));
  EXPECT_EQ(typed.paths.dest, "/d");
  EXPECT_EQ(typed.paths.contents.at(0).data, "me\n");
  EXPECT_EQ(typed.paths.contents.at(1).data, "$U\n");

  Instruction run = only<RunInstruction>("RUN echo $U");
  ASSERT_TRUE(expand(run, expander({"U=me"})));
  EXPECT_THAT(std::get<RunInstruction>(run).command.args, ElementsAre("echo $U"));
}

TEST(Directives, SyntaxIsFoundInEveryForm) {
  EXPECT_EQ(find_syntax("#!/usr/bin/env x\n# syntax = a/b:1 --opt\nFROM x")->value, "a/b:1 --opt");
  EXPECT_EQ(find_syntax("// syntax=a\n{}")->value, "a");
  EXPECT_EQ(find_syntax("{\"syntax\": \"a\"}")->value, "a");
  EXPECT_FALSE(find_syntax("FROM x\n# syntax=a\n"));
  EXPECT_EQ(find_directive("# check=skip=A;error=true\n", "check")->value, "skip=A;error=true");
}

}  // namespace
}  // namespace slipway::dockerfile
