#include "cli/history.h"

#include <gmock/gmock.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HistoryTest : public testing::Test {
 protected:
  BuildRecord begin(const std::string& target) {
    auto record = BuildHistory::begin(path(), {"slipway", "build", "."}, {target});
    if (!record) ADD_FAILURE() << record.error().message();
    return *std::move(record);
  }
  static void tell(BuildRecord& record, const std::string& name, bool cached) {
    const progress::Time now = std::chrono::system_clock::now();
    progress::VertexEvent step{Digest::sha256_of(name), name};
    record.sink().handle(step);
    step.started = step.completed = now;
    step.cached = cached;
    record.sink().handle(step);
  }
  std::filesystem::path path() const { return directory_.path(); }

  TempDir directory_ = *TempDir::create("/var/tmp", "history-");
  BuildHistory history_{directory_.path()};
};

TEST_F(HistoryTest, CompletedBuildHasCountsAndMetadata) {
  BuildRecord record = begin("core");
  tell(record, "FROM", true);
  tell(record, "RUN", false);
  EXPECT_EQ(history_.find("")->status, BuildStatus::Running);
  ASSERT_TRUE(record.complete({}, R"({"containerimage.digest":"sha256:1"})"));

  const BuildInfo info = *history_.find(record.ref().substr(0, 8));
  EXPECT_EQ(info.status, BuildStatus::Completed);
  EXPECT_EQ(info.name, "core");
  EXPECT_THAT(info.command, ElementsAre("slipway", "build", "."));
  EXPECT_EQ(info.total_steps, 2);
  EXPECT_EQ(info.completed_steps, 2);
  EXPECT_EQ(info.cached_steps, 1);
  EXPECT_THAT(info.metadata_json, HasSubstr("containerimage.digest"));
  EXPECT_GE(*info.completed, info.started);
  EXPECT_THAT(*read_file(history_.events_file(record.ref())), HasSubstr("\"name\":\"RUN\""));
}

TEST_F(HistoryTest, EndsAreToldApart) {
  ASSERT_TRUE(begin("failed").complete(Error(ErrorCode::StepFailed, "exit code: 3")));
  EXPECT_EQ(history_.find("")->status, BuildStatus::Failed);
  EXPECT_EQ(history_.find("")->error, "exit code: 3");
  ASSERT_TRUE(begin("canceled").complete(Error(ErrorCode::Cancelled, "cancelled")));
  EXPECT_EQ(history_.find("")->status, BuildStatus::Canceled);
  (void)begin("killed");
  EXPECT_EQ(history_.find("")->status, BuildStatus::Interrupted);
}

TEST_F(HistoryTest, FindsByPlaceAndRefusesWhatIsNotThere) {
  EXPECT_EQ(history_.find("").error().code(), ErrorCode::NotFound);
  (void)begin("older");
  (void)begin("newer");
  EXPECT_EQ(history_.find("")->name, "newer");
  EXPECT_EQ(history_.find("^1")->name, "older");
  EXPECT_EQ(history_.find("^2").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(history_.find("!").error().code(), ErrorCode::NotFound);
}

TEST_F(HistoryTest, TrimKeepsTheNewestAndWhatGoesOn) {
  const BuildRecord going_on = begin("going on");
  // Many within one tick of the kernel's clock.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(begin(std::to_string(i)).complete({}));
  ASSERT_TRUE(history_.trim(2));
  std::vector<std::string> names;
  for (const BuildInfo& build : *history_.list()) names.push_back(build.name);
  EXPECT_THAT(names, ElementsAre("19", "18", "going on"));
  EXPECT_FALSE(history_.remove(going_on.ref()));
}

TEST_F(HistoryTest, DamagedRecordIsLeftOut) {
  BuildRecord record = begin("damaged");
  ASSERT_TRUE(write_file_atomic(path() / record.ref() / "build.json", "{"));
  ASSERT_TRUE(begin("good").complete({}));
  EXPECT_EQ(history_.list()->size(), 1U);
}

}  // namespace
}  // namespace slipway::cli
