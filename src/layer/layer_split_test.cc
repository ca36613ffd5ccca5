// A layer in parts: which parts there are, and that together they are the layer.
#include "layer/layer_split.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/mount.h"
#include "base/temp_dir.h"
#include "layer/diff.h"
#include "layer/test_content.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::StartsWith;

// Sizes of a small world: a kilobyte for a megabyte.
SplitOptions small_sizes() {
  SplitOptions options;
  options.threshold = 256 << 10;
  options.smallest_part = 16 << 10;
  options.whole_directory = 64 << 10;
  options.whole_package = 256 << 10;
  options.bucket_bytes = 32 << 10;
  return options;
}

class LayerSplitTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: overlay mounts, owners";
    base_ = make("base");
    upper_ = make("upper");
  }

  fs::path make(const std::string& name) {
    const fs::path path = temp_->path() / name;
    fs::create_directories(path);
    return path;
  }
  static void put(const fs::path& path, size_t kilobytes, char letter = 'x') {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, std::string(kilobytes << 10, letter)));
  }
  std::vector<LayerPart> plan(const SplitOptions& options = small_sizes()) {
    Result<std::vector<LayerPart>> parts = plan_split(upper_, options, {});
    if (!parts) ADD_FAILURE() << parts.error().message();
    return parts ? *std::move(parts) : std::vector<LayerPart>();
  }
  static std::vector<std::string> labels(const std::vector<LayerPart>& parts) {
    std::vector<std::string> labels;
    for (const LayerPart& part : parts) labels.push_back(part.label);
    return labels;
  }
  Digest diff_id(const LayerPart& part) {
    WriteOptions options;
    options.part = &part;
    return **layer_diff_id(upper_, options, {});
  }

  // Every part as a directory, topmost first, as overlayfs wants them.
  std::vector<fs::path> unpack(const std::vector<LayerPart>& parts) {
    std::vector<fs::path> directories;
    for (const LayerPart& part : parts) {
      WriteOptions options;
      options.part = &part;
      const Result<WrittenLayer> layer = write_layer(upper_, options, content_, pool_, {});
      EXPECT_TRUE(layer) << layer.error().message();
      EXPECT_EQ(layer->diff_id, diff_id(part));
      const UniqueFd blob = memory_file(content_.blobs[layer->descriptor.digest]);
      directories.insert(directories.begin(), make(fmt::format("part{}", directories.size())));
      const auto applied = apply_layer(blob.get(), directories.front(), {}, {});
      EXPECT_TRUE(applied) << applied.error().message();
      EXPECT_THAT(applied->implied_directories, testing::IsEmpty()) << part.label;
    }
    return directories;
  }

  // All that a user can see of the stack, a line for each path.
  std::map<std::string, std::string> look(std::vector<fs::path> layers) {
    layers.push_back(base_);
    std::string options = "lowerdir=";
    for (const fs::path& path : layers) {
      options += (options.ends_with('=') ? "" : ":") + path.string();
    }
    const Result<Mount> mount = Mount::create("overlay", make("merged"), "overlay", 0, options);
    EXPECT_TRUE(mount) << mount.error().message();
    std::map<std::string, std::string> seen;
    std::map<std::pair<ino_t, dev_t>, std::string> first;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(mount->target())) {
      paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    for (const fs::path& path : paths)
      seen[fs::relative(path, mount->target())] = line(path, first);
    return seen;
  }
  static std::string line(const fs::path& path,
                          std::map<std::pair<ino_t, dev_t>, std::string>& first) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0);
    std::string line =
        fmt::format("{:o} {}:{} {}", info.st_mode, info.st_uid, info.st_gid, info.st_mtim.tv_sec);
    if (S_ISREG(info.st_mode)) {
      line += " " + Digest::sha256_of(*read_file(path)).str();
      // Its hard link: the first path with the same inode.
      line += " " + first.try_emplace({info.st_ino, info.st_dev}, path).first->second;
    }
    if (S_ISLNK(info.st_mode)) line += " -> " + fs::read_symlink(path).string();
    char value[64];
    const ssize_t length = ::lgetxattr(path.c_str(), "user.note", value, sizeof value);
    if (length > 0) line += " " + std::string(value, static_cast<size_t>(length));
    return line;
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-layer-split-test-");
  fs::path base_;
  fs::path upper_;
  TestContent content_;
  ThreadPool pool_{2};
};

TEST_F(LayerSplitTest, SmallLayersStayWhole) {
  put(upper_ / "opt/a", 100);
  EXPECT_THAT(plan(), testing::IsEmpty());
}

TEST_F(LayerSplitTest, PackagesBelowSitePackagesAreParts) {
  const fs::path site = upper_ / "opt/venv/lib/python3.12/site-packages";
  put(site / "torch/lib/libtorch.so", 300);
  put(site / "torch/nn/functional.py", 20);
  put(site / "numpy/core/a.so", 70);
  put(site / "small/__init__.py", 1);
  put(site / "small-1.0.dist-info/RECORD", 1);
  put(upper_ / "opt/venv/bin/python", 1);
  const std::string root = "opt/venv/lib/python3.12/site-packages/";
  // numpy is above the size of a directory, not above that of a package; torch is above both.
  EXPECT_THAT(labels(plan()), ElementsAre(root + "numpy", root + "torch/lib", root + "torch/nn",
                                          "everything else"));
}

TEST_F(LayerSplitTest, APartDoesNotDependOnItsNeighboursOrTimes) {
  const fs::path site = upper_ / "venv/site-packages";
  put(site / "torch/torch.so", 200);
  put(site / "numpy/a.so", 100);
  put(site / "one/a.py", 2);
  const std::vector<LayerPart> before = plan();
  ASSERT_THAT(labels(before), ElementsAre("venv/site-packages/numpy", "venv/site-packages/torch",
                                          "everything else"));
  const std::vector<Digest> ids = {diff_id(before[0]), diff_id(before[1]), diff_id(before[2])};

  put(site / "another/b.so", 17);
  ::utimensat(AT_FDCWD, (site / "torch").c_str(), nullptr, 0);
  ::utimensat(AT_FDCWD, site.c_str(), nullptr, 0);
  const timespec times[2] = {{1'500'000'000, 0}, {1'500'000'000, 0}};
  ::utimensat(AT_FDCWD, (site / "numpy").c_str(), times, 0);
  const std::vector<LayerPart> after = plan();
  ASSERT_THAT(labels(after), ElementsAre("venv/site-packages/another", "venv/site-packages/numpy",
                                         "venv/site-packages/torch", "everything else"));
  EXPECT_EQ(diff_id(after[1]), ids[0]);
  EXPECT_EQ(diff_id(after[2]), ids[1]);
  EXPECT_NE(diff_id(after[3]), ids[2]);
}

TEST_F(LayerSplitTest, ManySmallPackagesAreSpreadSoThatOneMoreChangesLittle) {
  const fs::path site = upper_ / "site-packages";
  for (int i = 0; i < 100; ++i) put(site / fmt::format("package{}/m.py", i), 4);
  const std::vector<LayerPart> before = plan();
  ASSERT_GE(before.size(), 8u);
  std::set<Digest> known;
  for (const LayerPart& part : before) known.insert(diff_id(part));
  put(site / "extra/m.py", 1);
  put(site / "Extra-1.0.dist-info/RECORD", 1);
  size_t changed = 0;
  for (const LayerPart& part : plan()) changed += !known.contains(diff_id(part));
  EXPECT_EQ(changed, 2u) << "a bucket, and what holds the directories";
}

TEST_F(LayerSplitTest, ThereAreNeverMorePartsThanAllowed) {
  for (int i = 0; i < 60; ++i) put(upper_ / fmt::format("site-packages/p{}/lib.so", i), 17 + i);
  SplitOptions options = small_sizes();
  options.max_parts = 20;
  const std::vector<LayerPart> parts = plan(options);
  EXPECT_GT(parts.size(), 5u);
  EXPECT_LE(parts.size(), 20u);
}

// base: what the step deletes, hides and replaces. Through overlayfs, as a step does it.
TEST_F(LayerSplitTest, TogetherThePartsAreTheLayer) {
  put(base_ / "usr/lib/keep", 1);
  put(base_ / "usr/lib/gone", 1);
  put(base_ / "usr/share/doc/readme", 1);
  put(base_ / "opt/venv/site-packages/torch/old.py", 1);
  put(base_ / "opt/venv/site-packages/tool", 1);
  put(base_ / "opt/file", 1);
  fs::create_symlink("usr/lib", base_ / "lib");
  ASSERT_EQ(::chmod((base_ / "usr/lib").c_str(), 0711), 0);
  {
    const std::string options = fmt::format("lowerdir={},upperdir={},workdir={}", base_.string(),
                                            upper_.string(), make("work").string());
    const Result<Mount> mount = Mount::create("overlay", make("merged"), "overlay", 0, options);
    ASSERT_TRUE(mount);
    const fs::path root = mount->target();
    const fs::path site = root / "opt/venv/site-packages";
    fs::remove(root / "usr/lib/gone");
    fs::remove_all(root / "usr/share/doc");
    // An opaque directory above and inside of parts; a file that becomes a directory, and back.
    fs::remove_all(site / "torch");
    put(site / "torch/lib/torch.so", 300, 't');
    put(site / "torch/nn/f.py", 30, 'n');
    fs::create_directories(site / "torch/empty");
    fs::remove(site / "tool");
    put(site / "tool/big.so", 90, 'b');
    fs::remove(root / "opt/file");
    fs::create_symlink("nowhere", root / "opt/file");
    for (int i = 0; i < 30; ++i)
      put(site / fmt::format("p{}/m.py", i), 3, static_cast<char>('a' + i));
    put(site / "empty.py", 0);
    // Hard links: inside a part, between parts, between a part and the rest.
    fs::create_hard_link(site / "torch/lib/torch.so", site / "torch/lib/torch.so.2");
    fs::create_hard_link(site / "tool/big.so", root / "usr/lib/big.so");
    fs::create_hard_link(site / "torch/nn/f.py", site / "tool/f.py");
    ASSERT_EQ(::chown((site / "tool").c_str(), 12, 34), 0);
    ASSERT_EQ(::chmod((site / "torch/lib").c_str(), 02750), 0);
    ASSERT_EQ(::setxattr((site / "torch").c_str(), "user.note", "kept", 4, 0), 0);
    for (const fs::path& path : {site, site / "torch", root / "opt", root / "usr/lib"}) {
      const timespec times[2] = {{1'400'000'000, 0}, {1'400'000'000, 0}};
      ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
  }
  const std::vector<LayerPart> parts = plan();
  ASSERT_EQ(parts.front().label, "deleted files");
  ASSERT_GE(parts.size(), 5u);
  const auto whole = look({upper_});
  const auto stacked = look(unpack(parts));
  for (const auto& [path, text] : whole) {
    ASSERT_TRUE(stacked.contains(path)) << path << " is missing";
    EXPECT_EQ(stacked.at(path), text) << path;
  }
  EXPECT_EQ(stacked.size(), whole.size());
}

TEST_F(LayerSplitTest, LinkCountsOfOtherSnapshotsMeanNothing) {
  put(upper_ / "site-packages/torch/torch.so", 300);
  fs::create_hard_link(upper_ / "site-packages/torch/torch.so", make("other") / "torch.so");
  const std::vector<LayerPart> parts = plan();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_THAT(*parts[0].linked_apart, testing::IsEmpty());
}

// A directory that is no image: flat, hashed or mixed, whatever its tool likes.
TEST_F(LayerSplitTest, AnythingCanBeSpread) {
  for (int i = 0; i < 60; ++i) put(upper_ / fmt::format("file{}", i), 4);
  for (int i = 0; i < 60; ++i) put(upper_ / fmt::format("{:02x}/object", i), 4);
  put(upper_ / "archives/big", 70);
  put(upper_ / "archives/small", 2);
  put(upper_ / ".wh.name", 1);
  ASSERT_EQ(::mknod((upper_ / "device").c_str(), S_IFCHR, makedev(0, 0)), 0);
  fs::create_hard_link(upper_ / "file1", upper_ / "01/linked");
  SplitOptions options = small_sizes();
  options.overlay = false;
  options.spread_everything = true;
  const std::vector<LayerPart> parts = plan(options);
  ASSERT_GE(parts.size(), 8u);
  EXPECT_THAT(labels(parts), Contains(testing::EndsWith("(1 of 16)")));
  const fs::path unpacked = make("unpacked");
  std::set<Digest> known;
  WriteOptions write;
  write.overlay = false;
  write.exact_times = true;
  for (const LayerPart& part : parts) {
    write.part = &part;
    const auto layer = write_layer(upper_, write, content_, pool_, {});
    ASSERT_TRUE(layer) << layer.error().message();
    known.insert(layer->diff_id);
    const UniqueFd blob = memory_file(content_.blobs[layer->descriptor.digest]);
    ApplyOptions apply;
    apply.overlay = false;
    apply.max_tar_bytes = layer->tar_bytes;
    ASSERT_TRUE(apply_layer(blob.get(), unpacked, apply, {}));
    apply.max_tar_bytes = layer->tar_bytes - 1;
    const UniqueFd again = memory_file(content_.blobs[layer->descriptor.digest]);
    EXPECT_FALSE(apply_layer(again.get(), make("longer"), apply, {}));
  }
  std::map<std::pair<ino_t, dev_t>, std::string> before_links, after_links;
  size_t entries = 0;
  for (const auto& entry : fs::recursive_directory_iterator(upper_)) {
    const fs::path there = unpacked / fs::relative(entry.path(), upper_);
    struct stat before{}, after{};
    ASSERT_EQ(::lstat(entry.path().c_str(), &before), 0);
    ASSERT_EQ(::lstat(there.c_str(), &after), 0) << there;
    EXPECT_EQ(after.st_mode, before.st_mode) << there;
    EXPECT_EQ(after.st_nlink, before.st_nlink) << there;
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec) << there;
    EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec) << there;
    ++entries;
  }
  EXPECT_EQ(entries, 186u);

  // One more file changes its bucket and what holds the directories.
  put(upper_ / "another", 4);
  size_t changed = 0;
  for (const LayerPart& part : plan(options)) {
    write.part = &part;
    changed += !known.contains(**layer_diff_id(upper_, write, {}));
  }
  EXPECT_LE(changed, 2u);
}

TEST_F(LayerSplitTest, OutlinesTellLayersApartWithoutReadingThem) {
  put(upper_ / "site-packages/torch/torch.so", 300);
  WriteOptions options;
  const Digest before = layer_outline(upper_, options, {})->headers;
  EXPECT_EQ(layer_outline(upper_, options, {})->headers, before);
  options.compression = LayerFormat::Zstd;
  EXPECT_NE(layer_outline(upper_, options, {})->headers, before);
  options.compression = LayerFormat::Gzip;
  put(upper_ / "site-packages/torch/torch.so", 301);
  EXPECT_NE(layer_outline(upper_, options, {})->headers, before);
}

}  // namespace
}  // namespace slipway::layer
