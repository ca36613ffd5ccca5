// Database: one SQLite connection, statements prepared once, several processes on one file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::store {

// A parameter of a statement: an integer, text or any bytes, or NULL. Copied when bound.
class SqlValue {
 public:
  SqlValue(std::nullptr_t) {}                                              // NOLINT: implicit
  SqlValue(int64_t value) : kind_(Kind::Integer), integer_(value) {}       // NOLINT: implicit
  SqlValue(int value) : kind_(Kind::Integer), integer_(value) {}           // NOLINT: implicit
  SqlValue(std::string_view text) : kind_(Kind::Text), bytes_(text) {}     // NOLINT: implicit
  SqlValue(const std::string& text) : SqlValue(std::string_view(text)) {}  // NOLINT: implicit
  SqlValue(const char* text) : SqlValue(std::string_view(text)) {}         // NOLINT: implicit
  SqlValue(std::optional<int64_t> value) {                                 // NOLINT: implicit
    if (value) *this = SqlValue(*value);
  }

 private:
  friend class Database;
  enum class Kind { Null, Integer, Text };
  Kind kind_ = Kind::Null;
  int64_t integer_ = 0;
  std::string_view bytes_;
};

// The rows of a running query; gives the prepared statement back when it goes. Only one at a time
// for the same SQL text.
class Rows {
 public:
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  // Moves to the next row; false at the end.
  Result<bool> next();
  int64_t integer(int column) const;
  bool is_null(int column) const;
  std::string text(int column) const;
  // Valid until the next call of next().
  std::string_view view(int column) const;

 private:
  friend class Database;
  explicit Rows(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

class Database {
 public:
  // Opens or creates `path` (WAL: readers never wait for a writer) and brings its schema up to
  // date: migrations[i] leads from user_version i to i + 1. A file written by a newer program is
  // refused (Unsupported); one that is no database or is damaged gives Internal, and nothing else
  // does.
  static Result<Database> open(const std::filesystem::path& path,
                               std::initializer_list<const char*> migrations);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // `sql` must be a string literal: the prepared statement is kept under its address.
  template <typename... Values>
  Result<Rows> query(const char* sql, const Values&... values) {
    return start(sql, {SqlValue(values)...});
  }
  // Runs a statement that gives no rows; returns the number of changed rows.
  template <typename... Values>
  Result<int64_t> run(const char* sql, const Values&... values) {
    return finish(sql, {SqlValue(values)...});
  }
  // Several statements without parameters, not cached.
  Status execute(const char* sql);

  int64_t last_insert_id() const;
  // Moves the write-ahead log into the database file.
  Status checkpoint();

 private:
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Result<sqlite3_stmt*> prepare(const char* sql);
  Result<Rows> start(const char* sql, std::initializer_list<SqlValue> values);
  Result<int64_t> finish(const char* sql, std::initializer_list<SqlValue> values);
  Status migrate(std::initializer_list<const char*> migrations);
  Error error(std::string_view what) const;

  sqlite3* connection_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

using SharedDatabase = Guarded<Database>;

// BEGIN IMMEDIATE … COMMIT; rolled back when destroyed without commit().
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace slipway::store
