#include "store/piece_index.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::store {
namespace {

class PieceIndexTest : public testing::Test {
 protected:
  Digest put(std::string_view bytes) { return *store_->content().put(bytes); }
  std::optional<Piece> find(std::string_view name) { return *store_->pieces().find(name); }
  void add(const Digest& blob, std::string_view name, uint64_t offset) {
    ASSERT_TRUE(store_->pieces().add(blob, {{std::string(name), offset, 3, 0xfedcba98}}));
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-piece-index-test-");
  std::unique_ptr<Store> store_ = *Store::open({temp_->path() / "store", false, {}});
};

TEST_F(PieceIndexTest, SaysWhereAPieceLies) {
  const Digest blob = put("abcdef");
  add(blob, "def", 3);
  const std::optional<Piece> piece = find("def");
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->blob, blob);
  EXPECT_EQ(piece->offset, 3u);
  EXPECT_EQ(piece->length, 3u);
  EXPECT_EQ(piece->checksum, 0xfedcba98);
  EXPECT_FALSE(find("abc"));
}

TEST_F(PieceIndexTest, APieceMovesToTheNewestBlobAndGoesWithIt) {
  const Digest older = put("older");
  const Digest newer = put("newer");
  add(older, "x", 0);
  add(newer, "x", 1);
  ASSERT_TRUE(store_->content().remove(older));
  ASSERT_TRUE(find("x"));
  EXPECT_EQ(find("x")->blob, newer);
  ASSERT_TRUE(store_->content().remove(newer));
  EXPECT_FALSE(find("x"));
}

TEST_F(PieceIndexTest, KeysAreThoseOfTheStoreWhoeverOpensIt) {
  const std::string key = store_->pieces().keys()->of("gzip", "raw");
  const auto again = *Store::open({temp_->path() / "store", false, {}});
  EXPECT_EQ(again->pieces().keys()->of("gzip", "raw"), key);
  const auto other = *Store::open({temp_->path() / "other", false, {}});
  EXPECT_NE(other->pieces().keys()->of("gzip", "raw"), key);
}

TEST_F(PieceIndexTest, ABlobThatIsGoneGetsNoPieces) {
  add(Digest::sha256_of("nowhere"), "x", 0);
  EXPECT_FALSE(find("x"));
}

}  // namespace
}  // namespace slipway::store
