#include "store/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace slipway::store {
namespace {

constexpr int kBusyTimeoutMs = 30'000;

// Internal means that the file is damaged or that we made a mistake: never that the system refused
// something, because a damaged database is set aside.
Error sqlite_error(sqlite3* connection, std::string_view what) {
  const int code = sqlite3_extended_errcode(connection);
  const std::string text = fmt::format("{}: {}", what, sqlite3_errmsg(connection));
  // The index of the write-ahead log could not be made larger.
  if (code == SQLITE_IOERR_SHMSIZE) return Error::from_errno(ENOSPC, what);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Error::from_errno(ENOSPC, what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Error(ErrorCode::Unavailable, text);
    case SQLITE_NOMEM:
      return Error(ErrorCode::ResourceExhausted, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error(ErrorCode::PermissionDenied, text);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
      const int cause = sqlite3_system_errno(connection);
      return cause != 0 ? Error::from_errno(cause, text) : Error(ErrorCode::System, text);
    }
    default:
      return Error(ErrorCode::Internal, text);
  }
}

}  // namespace

Rows::~Rows() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Rows::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_), "query metadata");
}

int64_t Rows::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool Rows::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Rows::view(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data,
          data == nullptr ? 0 : static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string Rows::text(int column) const {
  return std::string(view(column));
}

Result<Database> Database::open(const std::filesystem::path& path,
                                std::initializer_list<const char*> migrations) {
  sqlite3* connection = nullptr;
  // NOMUTEX: Guarded<Database> already lets only one thread in.
  const int result =
      sqlite3_open_v2(path.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(connection);
  if (connection == nullptr)
    return make_error(ErrorCode::ResourceExhausted, "open metadata: no memory");
  if (result != SQLITE_OK) return database.error("open " + path.string());
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  // The write-ahead log is moved into the database by checkpoint() alone, never at a close or every
  // so many pages: that needs an fsync, which waits for gigabytes when a build has just written
  // them.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(connection, 0);
  // synchronous=NORMAL never corrupts the file; the last transactions may be lost when the machine
  // (not the process) dies, which the durability barrier accounts for (store.h).
  TRY(database
          .execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=OFF;"
                   "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;")
          .context("open " + path.string()));
  TRY(database.migrate(migrations).context("open " + path.string()));
  return database;
}

Database::Database(Database&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      statements_(std::exchange(other.statements_, {})) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(statements_, other.statements_);
  return *this;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(connection_);
}

Status Database::migrate(std::initializer_list<const char*> migrations) {
  const auto read_version = [this]() -> Result<int64_t> {
    Rows rows = TRY(query("PRAGMA user_version"));
    TRY(rows.next());
    return rows.integer(0);
  };
  const auto newest = static_cast<int64_t>(migrations.size());
  if (TRY(read_version()) == newest) return {};
  Transaction transaction = TRY(Transaction::begin(*this));
  // Again under the lock: another process may have migrated meanwhile.
  const int64_t version = TRY(read_version());
  if (version > newest) {
    return make_error(ErrorCode::Unsupported,
                      "the store was written by a newer version (schema {}, known {})", version,
                      newest);
  }
  for (int64_t step = version; step < newest; ++step) {
    TRY(execute(migrations.begin()[step]));
    TRY(execute(fmt::format("PRAGMA user_version={}", step + 1).c_str()));
  }
  return transaction.commit();
}

Result<sqlite3_stmt*> Database::prepare(const char* sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) {
    CHECK(!sqlite3_stmt_busy(known->second));
    return known->second;
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return error(fmt::format("prepare \"{}\"", sql));
  }
  statements_.emplace(sql, statement);
  return statement;
}

Result<Rows> Database::start(const char* sql, std::initializer_list<SqlValue> values) {
  sqlite3_stmt* statement = TRY(prepare(sql));
  Rows rows(statement);
  int index = 0;
  for (const SqlValue& value : values) {
    ++index;
    int result = SQLITE_OK;
    switch (value.kind_) {
      case SqlValue::Kind::Null:
        result = sqlite3_bind_null(statement, index);
        break;
      case SqlValue::Kind::Integer:
        result = sqlite3_bind_int64(statement, index, value.integer_);
        break;
      case SqlValue::Kind::Text:
        result = sqlite3_bind_text64(statement, index, value.bytes_.data(), value.bytes_.size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    }
    if (result != SQLITE_OK) return error(fmt::format("bind \"{}\"", sql));
  }
  return rows;
}

Result<int64_t> Database::finish(const char* sql, std::initializer_list<SqlValue> values) {
  Rows rows = TRY(start(sql, values));
  while (TRY(rows.next())) {
  }
  return sqlite3_changes64(connection_);
}

Status Database::execute(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error("write metadata");
  }
  return {};
}

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(connection_);
}

Status Database::checkpoint() {
  // Truncated, because the first process to open the database after all others closed it reads the
  // whole log. Busy: another process is reading or writing just now; the next checkpoint does it.
  sqlite3_busy_timeout(connection_, 0);
  const int result =
      sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(connection_, kBusyTimeoutMs);
  if (result != SQLITE_OK && result != SQLITE_BUSY) return error("checkpoint metadata");
  return {};
}

Error Database::error(std::string_view what) const {
  return sqlite_error(connection_, what);
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Nothing to report: the connection rolls back by itself when even this fails.
  if (database_ != nullptr) (void)database_->run("ROLLBACK").has_value();
}

Status Transaction::commit() {
  TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace slipway::store
