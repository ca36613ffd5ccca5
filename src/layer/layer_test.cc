// Both directions together, on real directories and real overlay mounts.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/mount.h"
#include "base/temp_dir.h"
#include "layer/diff.h"
#include "layer/tar_entry.h"
#include "layer/test_content.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;

#define NEEDS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners, devices, overlay mounts"

class LayerTest : public testing::Test {
 protected:
  fs::path make(const std::string& name) {
    const fs::path path = temp_->path() / name;
    fs::create_directories(path);
    return path;
  }

  WrittenLayer write(const fs::path& directory, WriteOptions options = {}, size_t threads = 2) {
    ThreadPool pool(threads);
    Result<WrittenLayer> layer = write_layer(directory, options, content_, pool, {});
    if (!layer) ADD_FAILURE() << layer.error().message();
    return layer ? *layer : WrittenLayer();
  }

  Result<AppliedLayer> apply(std::string_view blob, const fs::path& directory) {
    const UniqueFd fd = memory_file(blob);
    return apply_layer(fd.get(), directory, {}, {});
  }

  AppliedLayer apply_written(const WrittenLayer& layer, const fs::path& directory) {
    Result<AppliedLayer> applied = apply(content_.blobs[layer.descriptor.digest], directory);
    if (!applied) ADD_FAILURE() << applied.error().message();
    return applied ? *applied : AppliedLayer();
  }

  Mount overlay(const std::vector<fs::path>& lower, const fs::path& upper) {
    std::string options = "lowerdir=";
    for (const fs::path& path : lower) {
      options += (options.ends_with('=') ? "" : ":") + path.string();
    }
    if (!upper.empty()) {
      options += ",upperdir=" + upper.string() + ",workdir=" + make("work").string();
    }
    Result<Mount> mount = Mount::create("overlay", make("merged"), "overlay", 0, options);
    EXPECT_TRUE(mount) << (mount ? "" : mount.error().message());
    return *std::move(mount);
  }

  TestContent content_;
  // /var/tmp: overlay upper directories do not work on every /tmp.
  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-layer-test-");
};

void put(const fs::path& path, std::string_view text, unsigned mode = 0644) {
  ASSERT_TRUE(write_file_atomic(path, text));
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

struct stat lstat_of(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

void set_mtime(const fs::path& path, time_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
}

std::string xattr_of(const fs::path& path, const char* key) {
  char value[256];
  const ssize_t length = ::lgetxattr(path.c_str(), key, value, sizeof value);
  return length < 0 ? "(none)" : std::string(value, static_cast<size_t>(length));
}

// Every kind of entry that a layer can have.
void populate(const fs::path& root) {
  fs::create_directories(root / "dir/empty");
  put(root / "dir/file", "content");
  ASSERT_EQ(::chown((root / "dir/file").c_str(), 12, 34), 0);
  put(root / "setuid", "#!", 04755);
  ASSERT_EQ(::setxattr((root / "setuid").c_str(), "user.note", "kept", 4, 0), 0);
  const std::string capability(
      "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00",
      20);
  put(root / "ping", "elf");
  ASSERT_EQ(::setxattr((root / "ping").c_str(), "security.capability", capability.data(),
                       capability.size(), 0),
            0);
  fs::create_symlink("../outside", root / "dir/link");
  fs::create_hard_link(root / "dir/file", root / "hard");
  ASSERT_EQ(::mknod((root / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::mknod((root / "loop").c_str(), S_IFBLK | 0660, makedev(7, 0)), 0);
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  fs::create_directories(root / std::string(200, 'l') / "ü");
  put(root / std::string(200, 'l') / "ü" / "x", "");
  ASSERT_EQ(::chmod((root / "dir").c_str(), 01777), 0);
  set_mtime(root / "dir/file", 1'000'000'000);
  set_mtime(root / "dir/link", 1'100'000'000);
  set_mtime(root / "dir", 1'200'000'000);
}

TEST_F(LayerTest, EveryKindOfEntryComesBack) {
  NEEDS_ROOT();
  const fs::path in = make("in");
  populate(in);
  const fs::path out = make("out");
  const WrittenLayer layer = write(in);
  const AppliedLayer applied = apply_written(layer, out);

  EXPECT_EQ(applied.diff_id, layer.diff_id);
  EXPECT_EQ(applied.tar_bytes, layer.tar_bytes);
  EXPECT_TRUE(applied.implied_directories.empty());
  EXPECT_EQ(*read_file(out / "hard"), "content");
  EXPECT_EQ(lstat_of(out / "hard").st_ino, lstat_of(out / "dir/file").st_ino);
  EXPECT_EQ(lstat_of(out / "dir/file").st_uid, 12u);
  EXPECT_EQ(lstat_of(out / "dir/file").st_gid, 34u);
  EXPECT_EQ(lstat_of(out / "dir/file").st_mtime, 1'000'000'000);
  EXPECT_EQ(fs::read_symlink(out / "dir/link"), "../outside");
  EXPECT_EQ(lstat_of(out / "dir/link").st_mtime, 1'100'000'000);
  EXPECT_EQ(lstat_of(out / "dir").st_mtime, 1'200'000'000);
  EXPECT_EQ(lstat_of(out / "dir").st_mode & 07777, 01777u);
  EXPECT_EQ(lstat_of(out / "setuid").st_mode & 07777, 04755u);
  EXPECT_EQ(xattr_of(out / "setuid", "user.note"), "kept");
  EXPECT_EQ(xattr_of(out / "ping", "security.capability"),
            xattr_of(in / "ping", "security.capability"));
  EXPECT_EQ(lstat_of(out / "null").st_rdev, makedev(1, 3));
  EXPECT_TRUE(S_ISBLK(lstat_of(out / "loop").st_mode));
  EXPECT_TRUE(S_ISFIFO(lstat_of(out / "pipe").st_mode));
  // The second generation is the same to the byte.
  EXPECT_EQ(write(out).descriptor, layer.descriptor);
}

TEST_F(LayerTest, BytesDoNotDependOnTheNumberOfThreads) {
  const fs::path in = make("in");
  std::string text;
  for (int64_t i = 0; text.size() < 9'000'000; ++i) text += std::to_string(i * 7919) + "\n";
  put(in / "big", text);
  for (int i = 0; i < 50; ++i) put(in / std::to_string(i), text.substr(0, 1000 * i));
  for (const LayerFormat compression :
       {LayerFormat::Gzip, LayerFormat::Zstd, LayerFormat::Uncompressed, LayerFormat::Estargz,
        LayerFormat::ZstdChunked}) {
    WriteOptions options;
    options.compression = compression;
    const WrittenLayer one = write(in, options, 1);
    EXPECT_EQ(write(in, options, 4).descriptor, one.descriptor);
    EXPECT_EQ(apply_written(one, make(fmt::format("out{}", int(compression)))).diff_id,
              one.diff_id);
  }
}

TEST_F(LayerTest, OtherToolsReadTheBlob) {
  const fs::path in = make("in");
  std::string text(3'000'000, 'x');
  put(in / "big", text);
  fs::create_directories(in / std::string(150, 'd'));
  put(in / std::string(150, 'd') / "ü", "inner");
  for (const int level : {1, 6}) {
    WriteOptions options;
    options.level = level;
    const WrittenLayer layer = write(in, options);
    ProcessOptions tar;
    tar.argv = {"tar", "-C", make("tar" + std::to_string(level)), "-xzf", "-"};
    const Result<CommandOutput> run = run_command(tar, content_.blobs[layer.descriptor.digest]);
    ASSERT_TRUE(run);
    EXPECT_TRUE(run->status.success()) << run->stderr_text;
    EXPECT_EQ(run->stderr_text, "");
    const fs::path out = temp_->path() / ("tar" + std::to_string(level));
    EXPECT_TRUE(*read_file(out / "big") == text);
    EXPECT_EQ(*read_file(out / std::string(150, 'd') / "ü"), "inner");
  }
}

TEST_F(LayerTest, ClampsTimes) {
  const fs::path in = make("in");
  put(in / "old", "");
  put(in / "new", "");
  set_mtime(in / "old", 1000);
  set_mtime(in / "new", 3000);
  WriteOptions options;
  options.clamp_mtime = 2000;
  const fs::path out = make("out");
  apply_written(write(in, options), out);
  EXPECT_EQ(lstat_of(out / "old").st_mtime, 1000);
  EXPECT_EQ(lstat_of(out / "new").st_mtime, 2000);
}

// base: a/{keep,gone}, b/{old}, c (file), d/{x}
// changes through overlayfs: a/gone removed; b replaced by a new directory; c replaced by a
// directory; d removed.
TEST_F(LayerTest, ChangesMadeThroughOverlayfsComeBackThroughOverlayfs) {
  NEEDS_ROOT();
  const fs::path base = make("base");
  for (const char* directory : {"a", "b", "d"}) fs::create_directories(base / directory);
  for (const char* name : {"a/keep", "a/gone", "b/old", "c", "d/x"}) put(base / name, name);
  const fs::path upper = make("upper");
  {
    const Mount merged = overlay({base}, upper);
    fs::remove(merged.target() / "a/gone");
    fs::remove_all(merged.target() / "b");
    fs::create_directories(merged.target() / "b");
    put(merged.target() / "b/new", "new");
    fs::remove(merged.target() / "c");
    fs::create_directories(merged.target() / "c/inner");
    fs::remove_all(merged.target() / "d");
  }
  const fs::path out = make("out");
  apply_written(write(upper), out);

  const Mount merged = overlay({out, base}, {});
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(merged.target())) {
    names.push_back(fs::relative(entry.path(), merged.target()));
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("a", "a/keep", "b", "b/new", "c", "c/inner"));
}

std::string archive(std::initializer_list<TarEntry> entries) {
  std::string bytes;
  for (const TarEntry& entry : entries) bytes += encode_tar_header(entry);
  return bytes + std::string(kTarEndBytes, '\0');
}

TarEntry entry(EntryType type, std::string name, std::string link_name = {}) {
  TarEntry made;
  made.type = type;
  made.name = std::move(name);
  made.link_name = std::move(link_name);
  made.mode = type == EntryType::Directory ? 0755 : 0644;
  made.uid = ::geteuid();
  made.gid = ::getegid();
  return made;
}

TEST_F(LayerTest, WhiteoutAndDirectoryOfTheSameNameMakeItOpaque) {
  NEEDS_ROOT();
  const TarEntry hide = entry(EntryType::File, ".wh.d");
  const TarEntry directory = entry(EntryType::Directory, "d/");
  const fs::path before = make("before");
  const fs::path after = make("after");
  ASSERT_TRUE(apply(archive({hide, directory}), before));
  ASSERT_TRUE(apply(archive({directory, hide}), after));
  EXPECT_EQ(xattr_of(before / "d", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(xattr_of(after / "d", "trusted.overlay.opaque"), "y");
}

TEST_F(LayerTest, NothingLeavesTheDirectory) {
  const fs::path out = make("root/out");
  const fs::path outside = make("root/outside");
  const std::string absolute = outside.string();
  for (const std::string& bytes :
       {archive({entry(EntryType::File, "../outside/a")}),
        archive({entry(EntryType::File, "x/../../outside/a")}),
        archive({entry(EntryType::File, ".wh...")}),
        archive({entry(EntryType::HardLink, "h", "../outside/victim")})}) {
    const Result<AppliedLayer> applied = apply(bytes, out);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code(), ErrorCode::InvalidInput) << applied.error().message();
  }
  // Symlinks are resolved inside: these create entries there, or fail, but never leave.
  put(outside / "victim", "untouched", 0600);
  for (const std::string& target : {std::string("../outside"), absolute}) {
    (void)apply(
        archive({entry(EntryType::Symlink, "escape", target), entry(EntryType::File, "escape/a"),
                 entry(EntryType::File, "escape/.wh..wh..opq"),
                 entry(EntryType::HardLink, "escape/victim2", "escape/victim"),
                 entry(EntryType::Directory, "escape/victim/")}),
        out)
        .has_value();
    (void)apply(
        archive({entry(EntryType::Symlink, "f", target + "/victim"), entry(EntryType::File, "f")}),
        out)
        .has_value();
  }
  std::vector<std::string> names;
  for (const auto& found : fs::directory_iterator(outside))
    names.push_back(found.path().filename());
  EXPECT_THAT(names, testing::ElementsAre("victim"));
  EXPECT_EQ(*read_file(outside / "victim"), "untouched");
}

TEST_F(LayerTest, AttributesOfOverlayfsAreNotTakenFromArchives) {
  NEEDS_ROOT();
  TarEntry directory = entry(EntryType::Directory, "d/");
  directory.xattrs["trusted.overlay.redirect"] = "/secret";
  const fs::path out = make("out");
  ASSERT_TRUE(apply(archive({directory}), out));
  EXPECT_EQ(xattr_of(out / "d", "trusted.overlay.redirect"), "(none)");
}

TEST_F(LayerTest, ImpliedDirectoriesTakeTheMetadataOfLowerLayers) {
  NEEDS_ROOT();
  const fs::path base = make("base");
  fs::create_directories(base / "tmp");
  ASSERT_EQ(::chmod((base / "tmp").c_str(), 01777), 0);
  const fs::path out = make("out");
  const Result<AppliedLayer> applied = apply(archive({entry(EntryType::File, "tmp/new/f")}), out);
  ASSERT_TRUE(applied);
  EXPECT_THAT(applied->implied_directories, testing::ElementsAre("tmp", "tmp/new"));
  ASSERT_TRUE(adopt_directories(out, applied->implied_directories, {base}, false));
  EXPECT_EQ(lstat_of(out / "tmp").st_mode & 07777, 01777u);
  EXPECT_EQ(lstat_of(out / "tmp/new").st_mode & 07777, 0755u);
}

TEST_F(LayerTest, SymlinksOfTheLayerLeadToDirectoriesOfLowerOnes) {
  const fs::path out = make("out");
  ASSERT_TRUE(apply(
      archive({entry(EntryType::Symlink, "lib", "usr/lib"), entry(EntryType::File, "lib/inner/f")}),
      out));
  EXPECT_TRUE(fs::exists(out / "usr/lib/inner/f"));
  EXPECT_TRUE(fs::is_symlink(out / "lib"));
}

TEST_F(LayerTest, LaterEntriesReplaceEarlierOnes) {
  const fs::path out = make("out");
  const Result<AppliedLayer> applied =
      apply(archive({entry(EntryType::Directory, "d/"), entry(EntryType::File, "d/f"),
                     entry(EntryType::Symlink, "d", "elsewhere"), entry(EntryType::File, "g"),
                     entry(EntryType::Directory, "g/"), entry(EntryType::File, "g/inner")}),
            out);
  ASSERT_TRUE(applied) << applied.error().message();
  EXPECT_EQ(fs::read_symlink(out / "d"), "elsewhere");
  EXPECT_TRUE(fs::exists(out / "g/inner"));
}

TEST_F(LayerTest, StopEndsBothDirections) {
  const fs::path in = make("in");
  put(in / "f", "x");
  std::stop_source stop;
  stop.request_stop();
  ThreadPool pool(1);
  const Result<WrittenLayer> written = write_layer(in, {}, content_, pool, stop.get_token());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::Cancelled);
  EXPECT_TRUE(content_.blobs.empty());
}

}  // namespace
}  // namespace slipway::layer
