#include "cli/image_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using layer::EntryType;
using layer::TarEntry;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string member(TarEntry entry, const std::string& data = "") {
  entry.size = data.size();
  return layer::encode_tar_header(entry) + data +
         std::string(layer::tar_padding(data.size()), '\0');
}
std::string file(const std::string& name, const std::string& data, uint32_t mode = 0644) {
  return member({.name = name, .mode = mode}, data);
}
std::string directory(const std::string& name) {
  return member({.name = name + "/", .type = EntryType::Directory, .mode = 0755});
}
std::string hard_link(const std::string& name, const std::string& to) {
  return member({.name = name, .type = EntryType::HardLink, .link_name = to});
}
std::string whiteout(const std::string& name) {
  return file(name, "");
}

// An image of layers, each the members of a tar archive.
class ImageDiffTest : public testing::Test {
 protected:
  DiffSide image(std::vector<std::string> layers, const std::string& config = "{}") {
    DiffSide side;
    side.config_json = config;
    for (std::string& tar : layers) {
      tar += std::string(layer::kTarEndBytes, '\0');
      const Digest digest = Digest::sha256_of(tar);
      side.manifest.layers.push_back({"", digest, tar.size()});
      side.diff_ids.push_back(digest);
      side.steps.push_back("RUN " + std::to_string(side.steps.size()));
      blobs_[digest] = std::move(tar);
    }
    return side;
  }
  // "path: change,change" of every file that differs.
  std::vector<std::string> differences(const DiffSide& a, const DiffSide& b) {
    read_.clear();
    const OpenLayer open = [&](const DiffSide& side, size_t i) -> Result<layer::ByteStream> {
      read_.push_back(i);
      return layer::ByteStream(
          [this, rest = std::string_view(blobs_.at(side.manifest.layers.at(i).digest))]() mutable
              -> Result<std::string_view> { return std::exchange(rest, std::string_view()); });
    };
    const auto difference = compare_images(a, b, open);
    if (!difference) return {difference.error().message()};
    text_ = diff_text(a, b, *difference);
    std::vector<std::string> lines;
    for (const FileDifference& found : difference->files) {
      std::string line = found.path + ":";
      for (const std::string& change : found.changes) line += " " + change;
      lines.push_back(std::move(line));
    }
    return lines;
  }

  std::map<Digest, std::string> blobs_;
  std::vector<size_t> read_;  // layers
  std::string text_;
};

TEST_F(ImageDiffTest, NamesWhatChangedAndTheStep) {
  const DiffSide a = image({file("base", "x"), file("a", "1") + file("m", "1") + file("only", "")});
  const DiffSide b = image({file("base", "x"), file("a", "2") + file("m", "1", 0755)});
  EXPECT_THAT(differences(a, b), ElementsAre("/a: content", "/m: mode", "/only: only in A"));
  EXPECT_THAT(text_, HasSubstr("mode 0644 -> 0755 (layer 2: RUN 1)"));
}

TEST_F(ImageDiffTest, SharedLayersAreReadOnlyWhereTheyMatter) {
  const std::string base = file("kept", "x") + file("a", "0");
  const DiffSide a = image({base, file("a", "1")});
  EXPECT_THAT(differences(a, image({base, file("a", "2")})), ElementsAre("/a: content"));
  EXPECT_THAT(read_, ElementsAre(1, 1));
  EXPECT_THAT(differences(a, image({base, file("b", "2")})),
              ElementsAre("/a: content", "/b: only in B"));
  EXPECT_THAT(read_, ElementsAre(1, 1, 0));
  EXPECT_THAT(differences(a, a), IsEmpty());
  EXPECT_THAT(read_, IsEmpty());
}

TEST_F(ImageDiffTest, WhiteoutsHideWhatIsBelow) {
  const std::string base = directory("d") + file("d/x", "x") + file("d/y", "y") + file("z", "z");
  const DiffSide a = image({base});
  EXPECT_THAT(differences(a, image({base, whiteout(".wh.d")})),
              ElementsAre("/d: only in A", "/d/x: only in A", "/d/y: only in A"));
  EXPECT_THAT(differences(a, image({base, file("d/.wh..wh..opq", "") + file("d/x", "x")})),
              ElementsAre("/d/y: only in A"));
  EXPECT_THAT(differences(a, image({base, file("d", "now a file")})),
              ElementsAre("/d: type mode", "/d/x: only in A", "/d/y: only in A"));
  EXPECT_THAT(differences(a, image({base, file("t", ""), whiteout(".wh.t")})), IsEmpty());
}

TEST_F(ImageDiffTest, AHardLinkIsTheFileItNames) {
  const std::string base = file("f", "x");
  EXPECT_THAT(differences(image({base, hard_link("l", "./f")}), image({base, file("l", "x")})),
              IsEmpty());
  EXPECT_THAT(differences(image({base, hard_link("l", "f")}), image({base, file("l", "y")})),
              ElementsAre("/l: content"));
}

TEST_F(ImageDiffTest, ConfigurationsAreComparedByField) {
  const DiffSide a = image({}, R"({"config":{"Env":["A=1","B=2"],"User":"u"},"rootfs":{"x":1}})");
  const DiffSide b = image({}, R"({"config":{"Env":["A=1"]},"rootfs":{"x":2}})");
  differences(a, b);
  EXPECT_THAT(text_,
              HasSubstr("  config.Env[1]: \"B=2\" -> (none)\n  config.User: \"u\" -> (none)\n"));
}

TEST_F(ImageDiffTest, BuildkitsHistoryIsShownAsTheStep) {
  EXPECT_EQ(step_of_history("RUN /bin/sh -c make # buildkit"), "RUN /bin/sh -c make");
  EXPECT_EQ(step_of_history("/bin/sh -c #(nop)  CMD [\"x\"]"), "CMD [\"x\"]");
}

}  // namespace
}  // namespace slipway::cli
