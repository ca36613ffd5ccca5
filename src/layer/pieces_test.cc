// Layers whose pieces other layers have already.
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "layer/diff.h"
#include "layer/piece_source.h"
#include "store/store.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;

std::string text_of(int seed, size_t bytes) {
  std::string text;
  for (int i = seed; text.size() < bytes; ++i) text += std::to_string(i * 7919) + "\n";
  text.resize(bytes);
  return text;
}

class PiecesTest : public testing::Test {
 protected:
  fs::path tree(const std::string& name) {
    const fs::path path = temp_->path() / name;
    fs::create_directories(path);
    return path;
  }
  void put(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, text));
  }
  Descriptor write(const fs::path& directory, store::PieceIndex* pieces,
                   LayerFormat compression = LayerFormat::Gzip) {
    WriteOptions options;
    options.pieces = pieces;
    options.compression = compression;
    options.clamp_mtime = 0;
    const Result<WrittenLayer> layer =
        write_layer(directory, options, store_->content(), pool_, {});
    if (!layer) ADD_FAILURE() << layer.error().message();
    return layer ? layer->descriptor : Descriptor();
  }
  // The compressed form of a block, as the next layer would find it.
  bool is_known(std::string_view raw) {
    PieceSource source(store_->pieces(), *store_->pieces().keys(), store_->content());
    std::string packed;
    return source.find(source.key(*stream_format(LayerFormat::Gzip, -1), raw), packed);
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-pieces-test-");
  std::unique_ptr<store::Store> store_ = *store::Store::open({temp_->path() / "store", false, {}});
  ThreadPool pool_{2};
};

TEST_F(PiecesTest, TheBytesAreTheSameWithAndWithout) {
  const fs::path in = tree("in");
  put(in / "big", text_of(1, 3'000'000));
  for (int i = 0; i < 400; ++i) put(in / "small" / std::to_string(i), text_of(i, 3000));
  for (const LayerFormat compression :
       {LayerFormat::Gzip, LayerFormat::Zstd, LayerFormat::Estargz, LayerFormat::ZstdChunked}) {
    SCOPED_TRACE(layer_format_name(compression));
    const Descriptor plain = write(in, nullptr, compression);
    EXPECT_EQ(write(in, &store_->pieces(), compression), plain);
    EXPECT_EQ(write(in, &store_->pieces(), compression), plain);
    put(in / "another", text_of(7, 500'000));
    const Descriptor changed = write(in, &store_->pieces(), compression);
    EXPECT_NE(changed, plain);
    EXPECT_EQ(write(in, nullptr, compression), changed);
    fs::remove(in / "another");
  }
}

TEST_F(PiecesTest, ABigFilesBlocksDependOnItsContentOnly) {
  const fs::path in = tree("in");
  const std::string big = text_of(1, 2'500'000);
  put(in / "some/name", big);
  put(in / "before", text_of(2, 200'000));
  write(in, &store_->pieces());
  constexpr size_t kBlock = 1 << 20;
  EXPECT_TRUE(is_known(std::string_view(big).substr(0, kBlock)));
  EXPECT_TRUE(is_known(std::string_view(big).substr(kBlock, kBlock)));
  EXPECT_FALSE(is_known(std::string_view(big).substr(0, kBlock - 1)));
}

TEST_F(PiecesTest, DamagedPiecesAreNotCopied) {
  const fs::path in = tree("in");
  put(in / "big", text_of(1, 3'000'000));
  const Descriptor before = write(in, &store_->pieces());
  const fs::path blob = store_->layout().blobs() / "sha256" / before.digest.hex();
  std::string bytes = *read_file(blob);
  for (size_t i = 1000; i < bytes.size(); i += 10'000) bytes[i] = static_cast<char>(~bytes[i]);
  put(blob, bytes);
  put(in / "new", "x");
  const Descriptor with = write(in, &store_->pieces());
  EXPECT_EQ(write(in, nullptr), with);
  EXPECT_EQ(Digest::sha256_of(*store_->content().read(with.digest)), with.digest);
}

TEST_F(PiecesTest, ABlobThatIsGoneIsNoError) {
  const fs::path in = tree("in");
  put(in / "big", text_of(1, 3'000'000));
  const Descriptor before = write(in, &store_->pieces());
  fs::remove(store_->layout().blobs() / "sha256" / before.digest.hex());
  EXPECT_EQ(write(in, &store_->pieces()), before);
}

}  // namespace
}  // namespace slipway::layer
