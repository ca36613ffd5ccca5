#include "frontend/dockerfile/fix/edited_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;

TEST(EditedText, KnowsItsEditsOnTheOriginal) {
  EditedText text("one two three");
  text.apply({{4, 7, "2"}});
  text.apply({{0, 3, "1"}, {5, 5, " and"}});
  EXPECT_EQ(text.text(), "1 2 and three");
  EXPECT_THAT(text.edits(), ElementsAre(TextEdit{0, 3, "1"}, TextEdit{4, 7, "2 and"}));
  EXPECT_EQ(apply_edits(text.original(), text.edits()), text.text());
  EXPECT_EQ(text.original_offset(text.text().find("three")), 8u);
  EXPECT_EQ(text.original_offset(0), 3u);
}

TEST(EditedText, MayEditWhatItPutIn) {
  EditedText text("ab");
  text.apply({{1, 1, "xyz"}});
  text.apply({{2, 3, "-"}});
  EXPECT_THAT(text.edits(), ElementsAre(TextEdit{1, 1, "x-z"}));
  text.apply({{1, 4, ""}});
  EXPECT_THAT(text.edits(), ElementsAre());
}

TEST(EditedText, EditsFitTogetherWhereTheyAreApart) {
  EXPECT_TRUE(fit_together({{2, 4, ""}, {0, 2, ""}, {4, 4, "x"}}, 4));
  EXPECT_FALSE(fit_together({{0, 3, ""}, {2, 4, ""}}, 4));
  EXPECT_FALSE(fit_together({{3, 5, ""}}, 4));
}

TEST(UnifiedDiff, ShowsThreeLinesAroundEachChange) {
  const std::string text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  EXPECT_EQ(unified_diff("f", text, {{8, 9, "five"}}),
            "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  EXPECT_EQ(unified_diff("f", text, {{0, 2, ""}, {18, 18, "10\n"}}),
            "--- a/f\n+++ b/f\n@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n"
            "@@ -7,3 +6,4 @@\n 7\n 8\n 9\n+10\n");
}

TEST(UnifiedDiff, MayMakeAFile) {
  EXPECT_EQ(unified_diff("f", "", {{0, 0, "a\n"}}),
            "--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n");
}

TEST(UnifiedDiff, TellsOfAMissingLastNewline) {
  EXPECT_EQ(unified_diff("f", "a\nb", {{3, 3, "\nc"}}),
            "--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"
            "\\ No newline at end of file\n");
}

}  // namespace
}  // namespace slipway::dockerfile
