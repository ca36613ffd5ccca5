#include "cli/warning_log.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

progress::WarningEvent warning(const std::string& message) {
  return {.message = message, .detail = "Why", .url = "https://x", .spans = {{"Dockerfile", 1, 1}}};
}

TEST(WarningLog, SaysNothingOfNothing) {
  EXPECT_EQ(WarningLog().text({}, {}), "");
}

TEST(WarningLog, CountsWhatIsSaidTwiceOnce) {
  WarningLog log;
  log.handle(warning("A: a (line 1)"));
  log.handle(warning("A: a (line 1)"));
  EXPECT_EQ(log.text({}, {}), "\n 1 warning found (use --debug to expand):\n - A: a (line 1)\n");
}

TEST(WarningLog, ExpandsToExcerpts) {
  WarningLog log;
  log.handle(warning("A: a (line 1)"));
  log.handle(warning("B: b (line 1)"));
  EXPECT_EQ(log.text({{"Dockerfile", "FROM x"}}, {.details = true, .colors = true}),
            "\n \x1b[33m2 warnings found:\x1b[0m\n"
            " - A: a (line 1)\nWhy\nMore info: https://x\n"
            "Dockerfile:1\n--------------------\n   1 | >>> FROM x\n--------------------\n\n"
            " - B: b (line 1)\nWhy\nMore info: https://x\n"
            "Dockerfile:1\n--------------------\n   1 | >>> FROM x\n--------------------\n\n");
}

}  // namespace
}  // namespace slipway::cli
