#include "source/glob.h"

#include <gtest/gtest.h>

namespace slipway::source {
namespace {

TEST(GlobTest, MatchesAsGoDoes) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  for (const Case& c : std::initializer_list<Case>{{"abc", "abc", true},
                                                   {"*", "abc", true},
                                                   {"*c", "abc", true},
                                                   {"a*", "abc", true},
                                                   {"a*b*c", "axbxc", true},
                                                   {"a*b*c", "axbx", false},
                                                   {"a?c", "abc", true},
                                                   {"?", "é", true},
                                                   {"[a-c]x", "bx", true},
                                                   {"[^a-c]x", "bx", false},
                                                   {"[]a]", "a", false},
                                                   {"\\*", "*", true},
                                                   {"\\*", "x", false},
                                                   {"[\\]]", "]", true},
                                                   {"", "", true},
                                                   {"", "a", false}}) {
    const Result<bool> result = glob_match(c.pattern, c.name);
    if (result) {
      EXPECT_EQ(*result, c.matches) << c.pattern << " " << c.name;
    } else {
      EXPECT_FALSE(c.matches) << c.pattern << " " << c.name;
    }
  }
}

TEST(GlobTest, MalformedPatternsAreErrors) {
  for (const char* pattern : {"[", "[a", "[a-", "a\\", "[-x]"}) {
    EXPECT_FALSE(glob_match(pattern, "a")) << pattern;
  }
}

TEST(GlobTest, EscapedWildcardsAreNone) {
  EXPECT_TRUE(has_wildcards("a*"));
  EXPECT_FALSE(has_wildcards("a\\*"));
}

}  // namespace
}  // namespace slipway::source
