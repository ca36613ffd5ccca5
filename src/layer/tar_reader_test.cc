#include "layer/tar_reader.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::layer {
namespace {

// Hands out `bytes` in pieces of `step`, as a pipe might.
ByteStream pieces(std::string bytes, size_t step = 7) {
  return [bytes = std::move(bytes), step, at = size_t{0}]() mutable -> Result<std::string_view> {
    const std::string_view piece = std::string_view(bytes).substr(at, step);
    at += piece.size();
    return piece;
  };
}

std::string member(const TarEntry& entry, std::string_view data = {}) {
  std::string bytes = encode_tar_header(entry);
  bytes += data;
  bytes.append(tar_padding(data.size()), '\0');
  return bytes;
}

std::string end() {
  return std::string(kTarEndBytes, '\0');
}

TarEntry file(std::string name, uint64_t size = 0) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.mode = 0644;
  entry.size = size;
  return entry;
}

// A V7 header block with what a test wants in it.
std::string raw_block(std::string_view name, char type, std::string_view size) {
  std::string block(kTarBlock, '\0');
  std::memcpy(block.data(), name.data(), name.size());
  std::memcpy(block.data() + 124, size.data(), size.size());
  block[156] = type;
  std::memset(block.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  const std::string digits = fmt::format("{:06o}", sum);
  std::memcpy(block.data() + 148, digits.data(), 6);
  return block;
}

ErrorCode failure(const std::string& archive) {
  TarReader reader(pieces(archive));
  for (;;) {
    const Result<std::optional<TarEntry>> entry = reader.next();
    if (!entry) return entry.error().code();
    if (!*entry) break;
  }
  ADD_FAILURE() << "the archive was accepted";
  return ErrorCode::Internal;
}

TEST(TarReader, ReadsBackWhatEncodeWrites) {
  TarEntry entry = file(std::string(300, 'n') + "/ü", 5);
  entry.mode = 04755;
  entry.uid = 3'000'000;  // more than seven octal digits hold
  entry.gid = 7;
  entry.mtime = -5;
  entry.mtime_nanoseconds = 250'000'000;
  entry.xattrs["user.odd"] = std::string("a\0=\n", 4);
  TarReader reader(pieces(member(entry, "hello") + member(file("second")) + end()));

  const std::optional<TarEntry> read = *reader.next();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, entry.name);
  EXPECT_EQ(read->mode, 04755u);
  EXPECT_EQ(read->uid, 3'000'000u);
  EXPECT_EQ(read->mtime, -5);
  EXPECT_EQ(read->mtime_nanoseconds, 250'000'000u);
  EXPECT_EQ(read->xattrs, entry.xattrs);
  EXPECT_EQ((*reader.next())->name, "second");  // the data is skipped
  EXPECT_FALSE(*reader.next());
}

TEST(TarReader, GivesDataInPieces) {
  TarReader reader(pieces(member(file("a", 12), "hello, world") + end()));
  ASSERT_TRUE(*reader.next());
  std::string data;
  for (;;) {
    const std::string_view piece = *reader.data();
    if (piece.empty()) break;
    data += piece;
  }
  EXPECT_EQ(data, "hello, world");
  EXPECT_FALSE(*reader.next());
}

TEST(TarReader, SizesOf8GiBAndMoreAreKept) {
  TarReader reader(pieces(encode_tar_header(file("big", uint64_t{9} << 30))));
  EXPECT_EQ((*reader.next())->size, uint64_t{9} << 30);
}

TEST(TarReader, ReadsGnuLongNamesAndBase256) {
  const std::string name(200, 'g');
  std::string long_name = raw_block("././@LongLink", 'L', "0000000310\0");
  long_name += name;
  long_name.append(tar_padding(name.size()), '\0');
  const std::string size("\x80\0\0\0\0\0\0\0\0\0\0\x03", 12);
  TarReader reader(pieces(long_name + raw_block("short", '0', size)));
  const std::optional<TarEntry> entry = *reader.next();
  EXPECT_EQ(entry->name, name);
  EXPECT_EQ(entry->size, 3u);
}

TEST(TarReader, GlobalRecordsApplyUntilAMemberHasItsOwn) {
  std::string global = raw_block("pax_global", 'g', "0000000014\0");
  global += "12 uid=1234\n";
  global.append(tar_padding(12), '\0');
  TarReader reader(pieces(global + member(file("a")) + end()));
  EXPECT_EQ((*reader.next())->uid, 1234u);
}

TEST(TarReader, RefusesWhatIsDamaged) {
  const std::string good = member(file("a", 600), std::string(600, 'x')) + end();
  EXPECT_EQ(failure(good.substr(0, 700)), ErrorCode::InvalidInput);  // cut in the data
  EXPECT_EQ(failure(good.substr(0, 300)), ErrorCode::InvalidInput);  // cut in a header
  std::string flipped = good;
  flipped[3] = 'b';
  EXPECT_EQ(failure(flipped), ErrorCode::InvalidInput);
  EXPECT_EQ(failure(raw_block("a", '0', "12z")), ErrorCode::InvalidInput);
  EXPECT_EQ(failure(raw_block("", '0', "0")), ErrorCode::InvalidInput);
  EXPECT_EQ(failure(raw_block("p", 'x', "77777777777")), ErrorCode::InvalidInput);  // 8 GiB of pax
  EXPECT_EQ(failure(raw_block("s", 'S', "0")), ErrorCode::Unsupported);
}

TEST(TarReader, RefusesPaxRecordsWithWrongLengths) {
  for (const std::string_view record : {"99 path=a\n", "3 path=a\n", "path=a\n", "9 path=ab\n"}) {
    std::string archive = raw_block("p", 'x', fmt::format("{:o}", record.size()));
    archive += record;
    archive.append(tar_padding(record.size()), '\0');
    EXPECT_EQ(failure(archive + member(file("a")) + end()), ErrorCode::InvalidInput) << record;
  }
}

}  // namespace
}  // namespace slipway::layer
