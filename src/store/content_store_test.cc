// One suite for every ContentStore.
#include "store/content_store.h"

#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "store/mem_content_store.h"
#include "store/store.h"

namespace slipway::store {
namespace {

// A store and whatever it lives on.
struct Subject {
  std::unique_ptr<TempDir> directory;
  std::unique_ptr<Store> store;
  std::unique_ptr<MemContentStore> memory;
  ContentStore& content() { return store ? static_cast<ContentStore&>(store->content()) : *memory; }
};

Subject make_local() {
  Subject subject;
  subject.directory = std::make_unique<TempDir>(*TempDir::create("/var/tmp", "slipway-content-"));
  subject.store = *Store::open({subject.directory->path(), false, {}});
  return subject;
}

Subject make_memory() {
  Subject subject;
  subject.memory = std::make_unique<MemContentStore>();
  return subject;
}

class ContentStoreTest : public testing::TestWithParam<Subject (*)()> {
 protected:
  Subject subject_ = GetParam()();
  ContentStore& content_ = subject_.content();
};

TEST_P(ContentStoreTest, WrittenInPiecesIsFoundByItsDigest) {
  const auto writer = *content_.writer();
  ASSERT_TRUE(writer->write("hello "));
  ASSERT_TRUE(writer->write("world"));
  EXPECT_EQ(writer->bytes_written(), 11);
  const Digest digest = *writer->commit();
  EXPECT_EQ(digest, Digest::sha256_of("hello world"));
  EXPECT_EQ(*content_.size(digest), 11);
  EXPECT_EQ(*content_.read(digest), "hello world");
  EXPECT_EQ(*read_fd(content_.open(digest)->get()), "hello world");
}

TEST_P(ContentStoreTest, PartsMayComeOutOfOrder) {
  const std::string content = std::string(300'000, 'a') + std::string(300'000, 'b');
  const auto writer = *content_.writer();
  ASSERT_TRUE(writer->write("first"));
  ASSERT_TRUE(writer->write_at(300'005, std::string_view(content).substr(300'000)));
  EXPECT_EQ(writer->bytes_written(), 5);
  ASSERT_TRUE(writer->write_at(5, std::string(300'000, 'x')));
  ASSERT_TRUE(writer->write_at(5, std::string_view(content).substr(0, 300'000)));  // again
  ASSERT_TRUE(writer->reached(600'005));
  ASSERT_TRUE(writer->write("last"));
  EXPECT_EQ(writer->bytes_written(), 600'009);
  const Digest digest = *writer->commit(Digest::sha256_of("first" + content + "last"));
  EXPECT_EQ(*content_.read(digest), "first" + content + "last");
}

TEST_P(ContentStoreTest, WhatWasNotReachedIsNoPartOfTheBlob) {
  const auto writer = *content_.writer();
  ASSERT_TRUE(writer->write_at(0, "blob and more"));
  ASSERT_TRUE(writer->reached(4));
  const Digest digest = *writer->commit(Digest::sha256_of("blob"));
  EXPECT_EQ(*content_.size(digest), 4);
  EXPECT_EQ(*content_.read(digest), "blob");
}

TEST_P(ContentStoreTest, NothingIsThereBeforeCommit) {
  {
    const auto writer = *content_.writer();
    ASSERT_TRUE(writer->write("draft"));
  }
  const Digest digest = Digest::sha256_of("draft");
  EXPECT_EQ(*content_.size(digest), std::nullopt);
  EXPECT_EQ(content_.open(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(content_.read(digest).error().code(), ErrorCode::NotFound);
}

TEST_P(ContentStoreTest, OtherContentThanExpectedIsRefused) {
  const auto writer = *content_.writer();
  ASSERT_TRUE(writer->write("wrong"));
  const Result<Digest> digest = writer->commit(Digest::sha256_of("right"));
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(*content_.size(Digest::sha256_of("wrong")), std::nullopt);
}

TEST_P(ContentStoreTest, TheSameBlobTwiceIsOneBlob) {
  const Digest first = *content_.put("same");
  EXPECT_EQ(*content_.put("same"), first);
  const auto writer = *content_.writer();
  ASSERT_TRUE(writer->write("same"));
  EXPECT_EQ(*writer->commit(), first);
  EXPECT_EQ(*content_.read(first), "same");
}

TEST_P(ContentStoreTest, RemovedIsGoneAndRemovingAgainIsFine) {
  const Digest digest = *content_.put("short-lived");
  ASSERT_TRUE(content_.remove(digest));
  EXPECT_EQ(*content_.size(digest), std::nullopt);
  EXPECT_TRUE(content_.remove(digest));
}

TEST_P(ContentStoreTest, TheEmptyBlobIsABlob) {
  const Digest digest = *content_.put("");
  EXPECT_EQ(*content_.size(digest), 0);
  EXPECT_EQ(*content_.read(digest), "");
}

INSTANTIATE_TEST_SUITE_P(All, ContentStoreTest, testing::Values(&make_local, &make_memory),
                         [](const auto& param) { return param.index == 0 ? "Local" : "Memory"; });

TEST(LocalContentStoreTest, ADamagedBlobIsRemovedAndReported) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-content-");
  std::vector<std::string> damage;
  const auto store = *Store::open(
      {directory.path(), false, [&](const std::string& message) { damage.push_back(message); }});
  const Digest digest = *store->content().put("precious");
  std::ofstream(store->content().path_of(digest)) << "broken";
  EXPECT_EQ(store->content().read(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(damage.size(), 1);
  EXPECT_EQ(*store->content().put("precious"), digest);
  EXPECT_EQ(*store->content().read(digest), "precious");
}

}  // namespace
}  // namespace slipway::store
