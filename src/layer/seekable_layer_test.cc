// Layers whose files can be read one by one, as their readers find their way in them.
#include "layer/seekable_layer.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <cstring>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "layer/decompress.h"
#include "layer/diff.h"
#include "layer/tar_split.h"
#include "layer/test_content.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string text_of(int seed, size_t bytes) {
  std::string text;
  for (int i = seed; text.size() < bytes; ++i) text += std::to_string(i * 7919) + "\n";
  text.resize(bytes);
  return text;
}

// What `packed` holds, or its first bytes; in small pieces, so that boundaries are crossed.
std::string unpack(std::string_view packed, size_t most = SIZE_MAX) {
  const auto stream = [packed]() mutable -> Result<std::string_view> {
    const std::string_view piece = packed.substr(0, 1009);
    packed.remove_prefix(piece.size());
    return piece;
  };
  const Result<std::unique_ptr<Decompressor>> source = make_decompressor(stream);
  std::string all;
  std::string buffer(64 << 10, '\0');
  while (all.size() < most) {
    const Result<size_t> got =
        (*source)->read(buffer.data(), std::min(buffer.size(), most - all.size()));
    if (!got) ADD_FAILURE() << got.error().message();
    if (!got || *got == 0) break;
    all.append(buffer, 0, *got);
  }
  return all;
}

uint64_t little_endian(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

class SeekableLayerTest : public testing::Test {
 protected:
  void SetUp() override {
    put("a/big", text_of(1, 5'000'000));
    put("a/block", text_of(2, 1 << 20));
    put("a/blocks", text_of(3, 4 << 20));
    put("a/empty", "");
    put("a/one", "x");
    put("a/padded", text_of(4, 512));
    put("a/ü", text_of(5, 200'000));
    fs::create_hard_link(in_ / "a/one", in_ / "a/same");
    fs::create_symlink("one", in_ / "a/to-one");
    ASSERT_EQ(::mkfifo((in_ / "pipe").c_str(), 0600), 0);
    ASSERT_EQ(::setxattr((in_ / "a/one").c_str(), "user.note", "\xff\x00<", 3, 0), 0);
    ASSERT_EQ(::chmod((in_ / "a/one").c_str(), 04711), 0);
  }
  void put(const fs::path& name, std::string_view text) {
    fs::create_directories((in_ / name).parent_path());
    ASSERT_TRUE(write_file_atomic(in_ / name, text));
  }
  Result<WrittenLayer> try_write(LayerFormat compression, int level) {
    WriteOptions options;
    options.compression = compression;
    options.level = level;
    options.clamp_mtime = 1'000'000'000;
    return write_layer(in_, options, content_, pool_, {});
  }
  WrittenLayer write(LayerFormat compression, int level = -1) {
    Result<WrittenLayer> layer = try_write(compression, level);
    if (!layer) ADD_FAILURE() << layer.error().message();
    return layer ? *layer : WrittenLayer();
  }
  std::string_view blob(const WrittenLayer& layer) {
    return content_.blobs[layer.descriptor.digest];
  }

  // Reads every file by what the table says, and no further.
  void check_files(std::string_view blob, const json& toc) {
    std::map<std::string, std::string> read;
    std::map<std::string, std::string> digests;
    std::string file;
    for (size_t i = 0; i < toc["entries"].size(); ++i) {
      const json& entry = toc["entries"][i];
      if (entry["type"] != "chunk") file = entry["name"];
      EXPECT_EQ(entry["name"], file);
      if (entry["type"] == "reg") {
        read[file] = "";
        digests[file] = entry.value("digest", "");
        sizes_[file] = entry.value("size", size_t{0});
      }
      if (!entry.contains("offset")) continue;
      EXPECT_EQ(entry.value("chunkOffset", size_t{0}), read[file].size());
      const size_t size = entry.value("chunkSize", sizes_[file] - read[file].size());
      const std::string chunk = unpack(blob.substr(entry["offset"]), size);
      if (entry.contains("chunkDigest")) {
        EXPECT_EQ(entry["chunkDigest"], Digest::sha256_of(chunk).str()) << file;
      }
      read[file] += chunk;
    }
    for (const auto& [name, text] : read) {
      if (name.starts_with(".no.")) continue;
      EXPECT_TRUE(text == *read_file(in_ / name)) << name;
      EXPECT_EQ(digests[name], text.empty() ? "" : Digest::sha256_of(text).str()) << name;
    }
    EXPECT_EQ(read.contains("a/big") && read.contains("a/empty"), true);
  }

  static json find(const json& toc, const std::string& name) {
    for (const json& entry : toc["entries"]) {
      if (entry["name"] == name) return entry;
    }
    ADD_FAILURE() << name << " is not in the table of contents";
    return {};
  }
  static void check_attributes(const json& toc) {
    EXPECT_EQ(toc["version"], 1);
    EXPECT_EQ(find(toc, "a/")["type"], "dir");
    EXPECT_EQ(find(toc, "pipe")["type"], "fifo");
    EXPECT_EQ(find(toc, "a/same")["linkName"], "a/one");
    EXPECT_EQ(find(toc, "a/same")["type"], "hardlink");
    EXPECT_EQ(find(toc, "a/to-one")["linkName"], "one");
    const json one = find(toc, "a/one");
    EXPECT_EQ(one["mode"], 04711);
    EXPECT_EQ(one["modtime"], "2001-09-09T01:46:40Z");
    EXPECT_EQ(one["xattrs"]["user.note"], encode_base64(std::string("\xff\x00<", 3)));
    EXPECT_EQ(one.value("uid", 0u), ::geteuid());
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-seekable-test-");
  const fs::path in_ = temp_->path() / "in";
  TestContent content_;
  ThreadPool pool_{2};
  std::map<std::string, size_t> sizes_;
};

class EstargzLevels : public SeekableLayerTest, public testing::WithParamInterface<int> {};

TEST_P(EstargzLevels, FilesAreFoundFromTheFooter) {
  const WrittenLayer layer = write(LayerFormat::Estargz, GetParam());
  const std::string_view bytes = blob(layer);
  EXPECT_EQ(layer.descriptor.media_type, media_type::kOciLayerGzip);

  const std::string_view footer = bytes.substr(bytes.size() - 51);
  EXPECT_EQ(unpack(footer), "");
  EXPECT_EQ(footer.substr(32, 6), "STARGZ");
  const size_t toc_offset = std::stoul(std::string(footer.substr(16, 16)), nullptr, 16);
  const std::string archive = unpack(bytes.substr(toc_offset));
  const std::string whole = unpack(bytes);
  TarReader reader([rest = std::string_view(archive)]() mutable -> Result<std::string_view> {
    return std::exchange(rest, {});
  });
  const TarEntry entry = **reader.next();
  EXPECT_EQ(entry.name, "stargz.index.json");
  const std::string toc_text(*reader.data());
  EXPECT_FALSE(*reader.next());
  EXPECT_TRUE(whole.ends_with(archive));

  EXPECT_EQ(layer.descriptor.annotation_of("containerd.io/snapshot/stargz/toc.digest"),
            Digest::sha256_of(toc_text).str());
  EXPECT_EQ(layer.descriptor.annotation_of("io.containers.estargz.uncompressed-size"),
            std::to_string(whole.size()));
  EXPECT_EQ(layer.descriptor.annotations.size(), 2u);
  EXPECT_EQ(layer.diff_id, Digest::sha256_of(whole));
  EXPECT_EQ(layer.tar_bytes, whole.size());

  const json toc = json::parse(toc_text);
  check_files(bytes, toc);
  check_attributes(toc);
  EXPECT_EQ(unpack(bytes.substr(find(toc, ".no.prefetch.landmark")["offset"]), 1), "\xf");
  for (const json& place : toc["entries"]) {
    if (!place.contains("offset")) continue;
    EXPECT_EQ(bytes.substr(place["offset"], 3), "\x1f\x8b\x08");
    EXPECT_TRUE(place.contains("chunkDigest"));
  }
}
INSTANTIATE_TEST_SUITE_P(All, EstargzLevels, testing::Values(-1, 0, 3, 6, 9));

TEST_F(SeekableLayerTest, TheLengthyTableIsOneMember) {
  for (int i = 0; i < 12'000; ++i) put(fmt::format("many/{:0200}", i), "");
  const std::string_view bytes = blob(write(LayerFormat::Estargz));
  const size_t toc_offset =
      std::stoul(std::string(bytes.substr(bytes.size() - 35, 16)), nullptr, 16);
  // gzip's own idea of how long the member is: the last four bytes before the footer.
  const std::string archive = unpack(bytes.substr(toc_offset));
  EXPECT_GT(archive.size(), size_t{2} << 20);
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + bytes.size() - 51 - 4, sizeof length);
  EXPECT_EQ(length, archive.size());
}

class ZstdChunkedTest : public SeekableLayerTest {
 protected:
  // The content of the frame that an annotation places.
  std::string frame(const WrittenLayer& layer, const char* annotation) {
    size_t offset = 0, length = 0, raw = 0;
    const std::string place = layer.descriptor.annotation_of(annotation);
    EXPECT_EQ(std::sscanf(place.c_str(), "%zu:%zu:%zu", &offset, &length, &raw), 3) << place;
    EXPECT_EQ(little_endian(blob(layer), offset - 8), length << 32 | 0x184d2a50);
    const std::string_view packed = blob(layer).substr(offset, length);
    digest_ = Digest::sha256_of(packed).str();
    std::string text = unpack(packed);
    EXPECT_EQ(text.size(), raw);
    return text;
  }
  std::string digest_;  // of the frame that was read last
};
class ZstdChunkedLevels : public ZstdChunkedTest, public testing::WithParamInterface<int> {};

TEST_P(ZstdChunkedLevels, FilesAreFoundFromTheAnnotations) {
  const WrittenLayer layer = write(LayerFormat::ZstdChunked, GetParam());
  EXPECT_EQ(layer.descriptor.media_type, media_type::kOciLayerZstd);
  EXPECT_EQ(layer.diff_id, write(LayerFormat::Zstd).diff_id);
  const json toc = json::parse(frame(layer, annotation::kChunkedTocPlace));
  EXPECT_EQ(layer.descriptor.annotation_of(annotation::kChunkedToc), digest_);
  EXPECT_TRUE(layer.descriptor.annotation_of(annotation::kChunkedTocPlace).ends_with(":1"));
  frame(layer, annotation::kTarSplitPlace);
  EXPECT_EQ(layer.descriptor.annotation_of(annotation::kTarSplit), digest_);
  EXPECT_EQ(toc["tarSplitDigest"], digest_);
  check_files(blob(layer), toc);
  check_attributes(toc);
  const json big = find(toc, "a/big");
  const size_t offset = big["offset"];
  const size_t end = big["endOffset"];
  EXPECT_TRUE(unpack(blob(layer).substr(offset, end - offset)) == *read_file(in_ / "a/big"));
}
INSTANTIATE_TEST_SUITE_P(All, ZstdChunkedLevels, testing::Values(-1, 0, 9));

TEST_F(ZstdChunkedTest, TheFooterSaysWhatTheAnnotationsSay) {
  const WrittenLayer layer = write(LayerFormat::ZstdChunked);
  const std::string_view bytes = blob(layer);
  const std::string_view footer = bytes.substr(bytes.size() - 64);
  EXPECT_EQ(little_endian(bytes, bytes.size() - 72), uint64_t{64} << 32 | 0x184d2a50);
  EXPECT_EQ(fmt::format("{}:{}:{}:{}", little_endian(footer, 0), little_endian(footer, 8),
                        little_endian(footer, 16), little_endian(footer, 24)),
            layer.descriptor.annotation_of(annotation::kChunkedTocPlace));
  EXPECT_EQ(fmt::format("{}:{}:{}", little_endian(footer, 32), little_endian(footer, 40),
                        little_endian(footer, 48)),
            layer.descriptor.annotation_of(annotation::kTarSplitPlace));
  EXPECT_EQ(footer.substr(56), "GNUlInUx");
}

TEST_F(ZstdChunkedTest, TarSplitAndTheFilesAreTheArchive) {
  const WrittenLayer layer = write(LayerFormat::ZstdChunked);
  std::istringstream lines(frame(layer, annotation::kTarSplitPlace));
  std::string archive;
  int64_t position = 0;
  for (std::string line; std::getline(lines, line); ++position) {
    const json entry = json::parse(line);
    EXPECT_EQ(entry["position"], position);
    if (entry["type"] == 2) {
      archive += *decode_base64(entry["payload"].get<std::string>());
    } else if (entry.value("size", 0) > 0) {
      const std::string file = *read_file(in_ / entry["name"].get<std::string>());
      EXPECT_EQ(file.size(), entry["size"]);
      archive += file;
    } else {
      EXPECT_TRUE(entry["payload"].is_null());
    }
  }
  EXPECT_TRUE(archive == unpack(blob(layer)));
}

TEST(TarSplitTest, ChecksumsAreThoseOfGo) {
  // crc64.Checksum([]byte("123456789"), crc64.MakeTable(crc64.ISO))
  EXPECT_EQ(TarSplit::crc(0, "123456789"), 0xb90956c775a41001);
  EXPECT_EQ(TarSplit::crc(TarSplit::crc(0, "1234"), "56789"), 0xb90956c775a41001);
}

// Who knows nothing of tables of contents finds the files of a plain layer, and nothing more.
TEST_F(SeekableLayerTest, OtherToolsSeeTheSameArchive) {
  const auto list = [&](const WrittenLayer& layer, const char* tool) {
    ProcessOptions tar;
    tar.argv = {"tar", "-I", tool, "-tvf", "-"};
    const Result<CommandOutput> run = run_command(tar, std::string(blob(layer)));
    EXPECT_TRUE(run->status.success()) << run->stderr_text;
    EXPECT_EQ(run->stderr_text, "");
    return run->stdout_text;
  };
  const std::string plain = list(write(LayerFormat::Gzip), "gzip");
  EXPECT_THAT(plain, testing::HasSubstr("a/big"));
  EXPECT_EQ(list(write(LayerFormat::Estargz), "gzip"), plain);
  EXPECT_EQ(list(write(LayerFormat::ZstdChunked), "zstd"), plain);
}

TEST_F(SeekableLayerTest, TheyComeBackAsTheyWere) {
  for (const LayerFormat compression : {LayerFormat::Estargz, LayerFormat::ZstdChunked}) {
    const fs::path out = temp_->path() / layer_format_name(compression);
    fs::create_directories(out);
    const WrittenLayer layer = write(compression);
    const UniqueFd fd = memory_file(blob(layer));
    const Result<AppliedLayer> applied = apply_layer(fd.get(), out, {}, {});
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_EQ(applied->diff_id, layer.diff_id);
    EXPECT_EQ(applied->tar_bytes, layer.tar_bytes);
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(out)) names.push_back(entry.path().filename());
    EXPECT_THAT(names, testing::UnorderedElementsAre("a", "pipe"));
  }
}

TEST_F(SeekableLayerTest, NamesThatATableCannotHoldAreRefused) {
  put("stargz.index.json", "{}");
  EXPECT_THAT(try_write(LayerFormat::Estargz, -1).error().message(),
              testing::HasSubstr("stargz.index.json"));
  EXPECT_TRUE(try_write(LayerFormat::ZstdChunked, -1));
  put("caf\xe9", "latin 1");
  const Result<WrittenLayer> written = try_write(LayerFormat::ZstdChunked, -1);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(written.error().hint(), testing::HasSubstr("compression=zstd"));
  EXPECT_TRUE(try_write(LayerFormat::Zstd, -1));
}

}  // namespace
}  // namespace slipway::layer
