#include "seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::fuzz {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Seeds, AreTheFilesOfThatNameInTheFolderAndBelow) {
  const TempDir folder = *TempDir::create("/tmp", "slipway-seeds-");
  const std::string path = folder.path();
  ASSERT_TRUE(make_directories(folder.path() / "b"));
  for (const char* name : {"b/x.txt", "a.txt", "c.json"}) {
    ASSERT_TRUE(write_file_atomic(folder.path() / name, name));
  }
  EXPECT_THAT(*read_seeds(path + "/*.txt"), ElementsAre("a.txt", "b/x.txt"));
  EXPECT_THAT(*read_seeds(path + "/c.json"), ElementsAre("c.json"));
  EXPECT_THAT(*read_seeds(path + "/none/*"), IsEmpty());
}

TEST(Seeds, OfFindingsAreTheirDockerfiles) {
  const TempDir folder = *TempDir::create("/tmp", "slipway-seeds-");
  ASSERT_TRUE(write_file_atomic(folder.path() / "Dockerfile.a", "FROM a"));
  ASSERT_TRUE(write_file_atomic(folder.path() / "Dockerfile.a.lint", "{}"));
  EXPECT_THAT(*read_seeds(folder.path().string() + "/*.lint"), ElementsAre("FROM a"));
}

TEST(Seeds, OfQuestionsAreWhatIsAskedAbout) {
  const TempDir folder = *TempDir::create("/tmp", "slipway-seeds-");
  const std::string file = folder.path() / "unit.jsonl";
  ASSERT_TRUE(write_file_atomic(file, R"({"req": {"f": "word", "in": "$A\n"}}
{"req": {"f": "ignore", "patterns": ["a", "!b"], "in": "x"}}
)"));
  EXPECT_THAT(*read_seeds(file), ElementsAre("$A\n", std::string("a\n!b\0x", 6)));
}

TEST(Dictionary, HasEscapes) {
  EXPECT_THAT(*parse_dictionary("# comment\n\"FROM a\\x0a\"\n\nname=\"\\\"\\\\\"\n"),
              ElementsAre("FROM a\n", "\"\\"));
  EXPECT_FALSE(parse_dictionary("FROM\n"));
}

}  // namespace
}  // namespace slipway::fuzz
