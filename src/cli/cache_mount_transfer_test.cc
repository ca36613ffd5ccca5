// Cache mounts from one store to another, through a layout.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "cli/cache_mount_list.h"
#include "cli/cache_mount_source.h"
#include "exporter/cache_mount_packer.h"
#include "exporter/image_archive.h"
#include "source/cache_mount_import.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kUv[] = "//root/.cache/uv";

class Warnings final : public progress::Sink {
 public:
  void handle(const progress::Event& event) override {
    if (const auto* warning = std::get_if<progress::WarningEvent>(&event)) text += warning->message;
  }
  std::string text;
};

// A machine with a store.
struct Machine {
  TempDir directory = *TempDir::create("/var/tmp", "slipway-transfer-");
  std::unique_ptr<store::Store> store = *store::Store::open({directory.path(), false, {}});

  fs::path use(const std::string& id, const std::string& base = "") {
    store::CacheMountSpec spec;
    spec.id = id;
    spec.base = base;
    if (!base.empty()) spec.populate = [](const fs::path&) -> Status { return {}; };
    return store->cache_mounts().acquire(spec, {})->path();
  }
};

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  ASSERT_TRUE(write_file_atomic(path, content));
}

// All that a tool can see of a tree, a line for each path.
std::map<std::string, std::string> look(const fs::path& root) {
  std::map<std::string, std::string> seen;
  std::map<ino_t, std::string> first;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat info{};
    EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0);
    const std::string path = fs::relative(entry.path(), root);
    std::string line = fmt::format("{:o} {}:{} {}.{}", info.st_mode, info.st_uid, info.st_gid,
                                   info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    if (S_ISREG(info.st_mode)) line += " " + *read_file(entry.path());
    if (S_ISREG(info.st_mode)) line += fmt::format(" {} links", info.st_nlink);
    if (S_ISLNK(info.st_mode)) line += " -> " + fs::read_symlink(entry.path()).string();
    seen[path] = line;
  }
  return seen;
}

class TransferTest : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path uv = from_.use(kUv);
    put(uv / "archive-v0/one/package/a.py", "a");
    put(uv / "archive-v0/two/package/b.py", "b");
    fs::create_hard_link(uv / "archive-v0/two/package/b.py", uv / "archive-v0/two/linked.py");
    fs::create_symlink("../archive-v0/one", uv / "wheel");
    put(uv / ".wh.is-a-name", "w");
    const timespec times[2] = {{0, 0}, {1'500'000'000, 123'456'789}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (uv / "archive-v0/one/package/a.py").c_str(), times, 0), 0);
    ASSERT_EQ(::utimensat(AT_FDCWD, (uv / "archive-v0/one").c_str(), times, 0), 0);
    ASSERT_EQ(::chmod(uv.c_str(), 0750), 0);
  }

  std::vector<PackedCacheMount> pack(Machine& machine, uint64_t max_bytes = UINT64_MAX) {
    progress::VertexReporter reporter(warnings_, Digest::sha256_of("export"));
    auto packed = exporter::pack_cache_mounts(
        *machine.store, *latest_cache_mounts(*machine.store),
        {.max_bytes = max_bytes, .patience = std::chrono::milliseconds(50)}, pool_, reporter, {});
    EXPECT_TRUE(packed) << packed.error().message();
    return *std::move(packed);
  }
  // Exports all into the layout; returns the manifest.
  exporter::AssembledImage export_all(Machine& machine, uint64_t max_bytes = UINT64_MAX) {
    auto& content = machine.store->content();
    const auto image = *exporter::assemble_cache_mounts(pack(machine, max_bytes), content);
    EXPECT_TRUE(exporter::add_layout_blobs(image.blobs(), layout_.path(), content, {}));
    EXPECT_TRUE(exporter::add_layout_tag(image.manifest, "caches", layout_.path()));
    return image;
  }
  Status import_all(Machine& machine, store::ExistingCache existing = store::ExistingCache::Merge) {
    progress::VertexReporter reporter(warnings_, Digest::sha256_of("import"));
    const CacheMountSource source = TRY(layout_cache_mounts(layout_.path(), "caches", {}));
    for (const PackedCacheMount& mount : source.mounts) {
      TRY(source::import_cache_mount(*machine.store, *source.origin, mount, existing, reporter,
                                     {}));
    }
    return {};
  }
  fs::path blob_path(const Digest& digest) {
    return layout_.path() / "blobs/sha256" / std::string(digest.hex());
  }

  Machine from_;
  Machine to_;
  TempDir layout_ = *TempDir::create("/var/tmp", "slipway-transfer-layout-");
  Warnings warnings_;
  ThreadPool pool_{2};
};

TEST_F(TransferTest, EverythingArrivesAndIsExportedTheSameAgain) {
  const Digest manifest = export_all(from_).manifest.digest;
  ASSERT_TRUE(import_all(to_));
  EXPECT_EQ(look(to_.use(kUv)), look(from_.use(kUv)));
  struct stat root{};
  ASSERT_EQ(::stat(to_.use(kUv).c_str(), &root), 0);
  EXPECT_EQ(root.st_mode & 07777, 0750u);
  EXPECT_EQ(export_all(to_).manifest.digest, manifest);
  EXPECT_EQ(warnings_.text, "");
}

TEST_F(TransferTest, OneMoreFileChangesFewChunks) {
  const fs::path uv = from_.use(kUv);
  for (int i = 0; i < 30; ++i) {
    put(uv / fmt::format("archive-v0/wheel{}/lib.so", i), std::string(1 << 20, 'a' + i % 26));
  }
  std::set<Digest> known;
  for (const Descriptor& layer : export_all(from_).layers) known.insert(layer.digest);
  ASSERT_GE(known.size(), 4u);
  put(uv / "archive-v0/another/lib.so", "new");
  size_t added = 0;
  for (const Descriptor& layer : export_all(from_).layers) added += !known.contains(layer.digest);
  EXPECT_LE(added, 2u) << "its bucket, and what holds the directories";
  ASSERT_TRUE(import_all(to_));
  EXPECT_EQ(look(to_.use(kUv)), look(from_.use(kUv)));
}

TEST_F(TransferTest, WhatIsThereStaysAsItIs) {
  export_all(from_);
  const fs::path uv = to_.use(kUv);
  put(uv / "archive-v0/one/package/a.py", "mine");
  put(uv / "only/mine", "kept");
  ASSERT_TRUE(import_all(to_));
  EXPECT_EQ(*read_file(uv / "archive-v0/one/package/a.py"), "mine");
  EXPECT_EQ(*read_file(uv / "only/mine"), "kept");
  EXPECT_EQ(*read_file(uv / "archive-v0/two/linked.py"), "b");
  ASSERT_TRUE(import_all(to_, store::ExistingCache::Replace));
  EXPECT_EQ(look(uv), look(from_.use(kUv)));
}

TEST_F(TransferTest, ADamagedChunkImportsNothing) {
  const exporter::AssembledImage image = export_all(from_);
  std::string bytes = *read_file(blob_path(image.layers.at(0).digest));
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomic(blob_path(image.layers.at(0).digest), bytes));
  const fs::path uv = to_.use(kUv);
  put(uv / "mine", "kept");
  const Status imported = import_all(to_);
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message(), HasSubstr("import cache mount /root/.cache/uv"));
  EXPECT_EQ(look(uv).size(), 1u);
}

TEST_F(TransferTest, AChunkThatSaysLessThanItHoldsIsRefused) {
  exporter::AssembledImage image = export_all(from_);
  auto& content = from_.store->content();
  std::vector<PackedCacheMount> mounts = pack(from_);
  for (CacheMountChunk& chunk : mounts.at(0).chunks) chunk.tar_bytes -= 512;
  image = *exporter::assemble_cache_mounts(mounts, content);
  ASSERT_TRUE(exporter::add_layout_blobs(image.blobs(), layout_.path(), content, {}));
  ASSERT_TRUE(exporter::add_layout_tag(image.manifest, "caches", layout_.path()));
  EXPECT_THAT(import_all(to_).error().message(), HasSubstr("longer than"));
  EXPECT_TRUE(store::list_cache_mounts(*to_.store)->empty());
}

TEST_F(TransferTest, WhatDoesNotFitOnTheDiskIsRefused) {
  std::vector<PackedCacheMount> mounts = pack(from_);
  mounts.at(0).chunks.at(0).tar_bytes = uint64_t{1} << 60;
  auto& content = from_.store->content();
  const auto image = *exporter::assemble_cache_mounts(mounts, content);
  ASSERT_TRUE(exporter::add_layout_blobs(image.blobs(), layout_.path(), content, {}));
  ASSERT_TRUE(exporter::add_layout_tag(image.manifest, "caches", layout_.path()));
  EXPECT_THAT(import_all(to_).error().message(), HasSubstr("and the disk of the store has"));
}

// What it unpacked before that showed is not in the cache.
TEST_F(TransferTest, AChunkThatIsDamagedInTheStoreIsFetchedAgain) {
  const Descriptor chunk = export_all(from_).layers.at(0);
  Machine strange;
  put(strange.use(kUv) / "stray", "x");
  const Digest stray = pack(strange).at(0).chunks.at(0).blob.digest;
  auto& content = to_.store->content();
  ASSERT_TRUE(content.put(*from_.store->content().read(chunk.digest)));
  const fs::path stored = to_.store->layout().blobs() / "sha256" / chunk.digest.hex();
  ASSERT_TRUE(write_file_atomic(stored, *strange.store->content().read(stray)));
  ASSERT_TRUE(import_all(to_));
  EXPECT_EQ(look(to_.use(kUv)), look(from_.use(kUv)));
}

TEST_F(TransferTest, BasesAreCarried) {
  const std::string base = Digest::sha256_of("base").str();
  put(from_.use(kUv, base) / "based", "x");
  export_all(from_);
  ASSERT_TRUE(import_all(to_));
  EXPECT_TRUE(fs::exists(to_.use(kUv, base) / "based"));
  EXPECT_FALSE(fs::exists(to_.use(kUv) / "based"));
}

TEST_F(TransferTest, WhatHasNoRoomOrIsInUseIsToldAndLeftOut) {
  put(from_.use("//var/cache/apt") / "archives/big.deb", std::string(1000, 'x'));
  const std::vector<PackedCacheMount> packed = pack(from_, 100);
  ASSERT_EQ(packed.size(), 1u);
  EXPECT_EQ(packed[0].id, kUv);
  EXPECT_THAT(warnings_.text, HasSubstr("cache mount /var/cache/apt: 1kB, what was used longest"));
  warnings_.text.clear();
  store::CacheMountSpec spec;
  spec.id = kUv;
  const auto lease = *from_.store->cache_mounts().acquire(spec, {});
  EXPECT_EQ(pack(from_).size(), 1u);
  EXPECT_THAT(warnings_.text, HasSubstr("/root/.cache/uv is left out: a step is using it"));
}

}  // namespace
}  // namespace slipway::cli
