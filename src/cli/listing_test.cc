#include "cli/listing.h"

#include <gmock/gmock.h>

namespace slipway::cli {
namespace {

using testing::HasSubstr;

Listing images() {
  Listing listing({{"Name", "NAME"}, {"Bytes", ""}, {"Size", "SIZE"}});
  listing.add({"grün", Listing::Value::number(1500), "1.5kB"});
  listing.add({"core:latest", Listing::Value::number(3), "3B"});
  return listing;
}

TEST(Listing, TableAlignsCellsAsSeen) {
  EXPECT_EQ(*images().text(""),
            "NAME          SIZE\n"
            "grün          1.5kB\n"
            "core:latest   3B\n");
}

TEST(Listing, JsonHasAnObjectALine) {
  EXPECT_EQ(*images().text("json"),
            "{\"Name\":\"grün\",\"Bytes\":1500,\"Size\":\"1.5kB\"}\n"
            "{\"Name\":\"core:latest\",\"Bytes\":3,\"Size\":\"3B\"}\n");
}

TEST(Listing, TemplateTakesFields) {
  EXPECT_EQ(*images().text("{{.Name}}\\t{{ .Bytes }}!"), "grün\t1500!\ncore:latest\t3!\n");
  EXPECT_THAT(*images().text("{{json .Name}} {{json .}}"), HasSubstr("\"grün\" {\"Name\":"));
}

TEST(Listing, TemplateMistakesAreNamed) {
  EXPECT_THAT(images().text("{{.Nam}}").error().message(), HasSubstr("did you mean .Name"));
  EXPECT_THAT(images().text("jsn").error().message(), HasSubstr("did you mean json"));
  EXPECT_FALSE(images().text("{{.Name"));
  const Listing empty(std::vector<Listing::Column>{{"Name", "NAME"}});
  EXPECT_FALSE(empty.text("{{.Nam}}"));
}

TEST(HumanDuration, ReadsAsDockers) {
  using namespace std::chrono_literals;
  EXPECT_EQ(human_duration(0s), "Less than a second");
  EXPECT_EQ(human_duration(90s), "About a minute");
  EXPECT_EQ(human_duration(59min), "59 minutes");
  EXPECT_EQ(human_duration(89min), "About an hour");
  EXPECT_EQ(human_duration(47h), "47 hours");
  EXPECT_EQ(human_duration(24h * 15), "2 weeks");
  EXPECT_EQ(human_duration(24h * 365 * 55), "55 years");
}

TEST(BuildDuration, KeepsWhatMatters) {
  using namespace std::chrono_literals;
  EXPECT_EQ(build_duration(1234ms), "1.2s");
  EXPECT_EQ(build_duration(59'980ms), "1m 00s");
  EXPECT_EQ(build_duration(3725s), "1h 02m");
}

}  // namespace
}  // namespace slipway::cli
