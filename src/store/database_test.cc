#include "store/database.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace slipway::store {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-database-");
  std::filesystem::path path_ = directory_.path() / "test.db";
};

int64_t count_rows(Database& database) {
  Rows rows = *database.query("SELECT count(*) FROM t");
  EXPECT_TRUE(*rows.next());
  return rows.integer(0);
}

TEST_F(DatabaseTest, KeepsWhatWasWrittenAcrossOpens) {
  const auto migrations = {"CREATE TABLE t(a INTEGER, b TEXT)"};
  {
    Database database = *Database::open(path_, migrations);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES(?, ?)", 7, std::string("x\0y", 3)));
  }
  Database database = *Database::open(path_, migrations);
  Rows rows = *database.query("SELECT a, b FROM t WHERE a = ?", 7);
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.text(1), std::string("x\0y", 3));
  EXPECT_FALSE(*rows.next());
}

TEST_F(DatabaseTest, MigratesAnOlderSchemaAndRefusesANewerOne) {
  ASSERT_TRUE(Database::open(path_, {"CREATE TABLE t(a INTEGER)"}));
  const auto two = {"CREATE TABLE t(a INTEGER)", "ALTER TABLE t ADD COLUMN b TEXT"};
  {
    Database database = *Database::open(path_, two);
    EXPECT_TRUE(database.run("INSERT INTO t(a, b) VALUES(1, 'x')"));
  }
  const Result<Database> older = Database::open(path_, {"CREATE TABLE t(a INTEGER)"});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code(), ErrorCode::Unsupported);
}

TEST_F(DatabaseTest, TransactionWithoutCommitLeavesNothing) {
  Database database = *Database::open(path_, {"CREATE TABLE t(a INTEGER)"});
  {
    Transaction transaction = *Transaction::begin(database);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES(1)"));
  }
  EXPECT_EQ(count_rows(database), 0);
  Transaction transaction = *Transaction::begin(database);
  ASSERT_TRUE(database.run("INSERT INTO t VALUES(1)"));
  ASSERT_TRUE(transaction.commit());
  EXPECT_EQ(count_rows(database), 1);
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsAnError) {
  std::ofstream(path_) << std::string(4096, 'x');
  const Result<Database> database = Database::open(path_, {"CREATE TABLE t(a INTEGER)"});
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code(), ErrorCode::Internal);
}

}  // namespace
}  // namespace slipway::store
