#include "frontend/dockerfile/outline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/convert_testing.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Outline outline(const std::string& text, ConvertOptions options = {}) {
  const Result<Conversion> conversion = convert_text(text, std::move(options));
  if (conversion) return conversion->outline;
  ADD_FAILURE() << conversion.error().message();
  return {};
}

// "NAME=value:line description"
std::vector<std::string> args_of(const Outline& outline) {
  std::vector<std::string> texts;
  for (const OutlineArg& arg : outline.args) {
    texts.push_back(fmt::format("{}={}:{}{}{}", arg.name, arg.value, arg.span.first_line,
                                arg.description.empty() ? "" : " ", arg.description));
  }
  return texts;
}

// "id:line", required ones with "!".
std::vector<std::string> texts_of(const std::vector<OutlineMount>& mounts) {
  std::vector<std::string> texts;
  for (const OutlineMount& mount : mounts) {
    texts.push_back(
        fmt::format("{}:{}{}", mount.id, mount.span.first_line, mount.required ? "!" : ""));
  }
  return texts;
}

TEST(Outline, HasTheArgumentsOfTheTargetsStagesWithTheirComments) {
  const Outline described = outline(
      "# VERSION of the base\n"
      "ARG VERSION=3\n"
      "ARG UNUSED=1\n"
      "# build makes it\n"
      "FROM alpine:$VERSION AS build\n"
      "# FLAGS for the compiler\n"
      "ARG FLAGS=-O2 DEBUG\n"
      "FROM scratch AS other\n"
      "ARG ELSEWHERE\n"
      "# app is what runs\n"
      "FROM scratch AS app\n"
      "COPY --from=build /a /\n");
  EXPECT_EQ(described.name, "app");
  EXPECT_EQ(described.description, "is what runs");
  EXPECT_THAT(args_of(described),
              ElementsAre("VERSION=3:2 of the base", "DEBUG=:7", "FLAGS=-O2:7 for the compiler"));
}

TEST(Outline, ShowsWhatWasGivenAndWhatItNeeds) {
  const std::string text =
      "ARG A=1\nARG B=${A}2\nARG B=${B}3\nARG C=4\nFROM alpine:$B\nARG C\nARG TARGETARCH\n";
  EXPECT_THAT(args_of(outline(text)), ElementsAre("A=1:1", "B=123:3", "C=4:4"));
  ConvertOptions options;
  options.build_args = {{"B", "x"}, {"C", "y"}};
  EXPECT_THAT(args_of(outline(text, options)), ElementsAre("B=x:3", "C=y:6"));
}

TEST(Outline, TakesTheNearestOfEqualNames) {
  EXPECT_THAT(args_of(outline("FROM scratch AS a\nARG X=1\nFROM a\nARG X=2\n")),
              ElementsAre("X=2:4"));
  EXPECT_THAT(args_of(outline("ARG X=1\nFROM alpine:$X AS a\nARG X=2\nFROM a\n")),
              ElementsAre("X=1:1"));
  ConvertOptions options;
  options.target = "a";
  EXPECT_THAT(args_of(outline("FROM scratch AS a\nARG X=1\nFROM a\nARG X=2\n", options)),
              ElementsAre("X=1:2"));
}

TEST(Outline, HasSecretsAndAgents) {
  const Outline mounts = outline(
      "FROM alpine\n"
      "RUN --mount=type=secret,id=a --mount=type=ssh --mount=type=secret,target=/x/b,required "
      "true\n"
      "RUN --mount=type=ssh,id=k,required --mount=type=secret,id=a,required --mount=type=cache,"
      "target=/c true\n");
  EXPECT_THAT(texts_of(mounts.secrets), ElementsAre("a:2", "b:2!"));
  EXPECT_THAT(texts_of(mounts.ssh), ElementsAre("default:2", "k:3!"));
  EXPECT_THAT(mounts.args, IsEmpty());
}

TEST(Outline, TriggersCountWhereTheyRun) {
  const std::string text =
      "FROM alpine AS base\nONBUILD ARG X=1\nONBUILD RUN --mount=type=secret,id=s true\n"
      "FROM base\n";
  const Outline triggered = outline(text);
  EXPECT_THAT(args_of(triggered), ElementsAre("X=1:4"));
  EXPECT_THAT(texts_of(triggered.secrets), ElementsAre("s:4"));
  ConvertOptions options;
  options.target = "base";
  EXPECT_THAT(outline(text, options).args, IsEmpty());
}

}  // namespace
}  // namespace slipway::dockerfile
