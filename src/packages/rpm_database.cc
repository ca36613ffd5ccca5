#include "packages/rpm_database.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <sqlite3.h>

namespace slipway::packages {
namespace {

constexpr int kMaxHeaderBytes = 64 << 20;
// Instructions of SQLite's machine between two looks at the clock; a real database needs a handful
// for each package.
constexpr int kStepsPerCheck = 10'000;
constexpr int kMaxChecks = 10'000;

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

// A schema can be written so that a query never ends.
struct Watch {
  std::stop_token stop;
  int checks = 0;

  static int expired(void* self) {
    Watch& watch = *static_cast<Watch*>(self);
    return watch.stop.stop_requested() || ++watch.checks > kMaxChecks ? 1 : 0;
  }
};

Error failed(sqlite3* database, std::string_view what) {
  return make_error(ErrorCode::InvalidInput, "{}: {}", what, sqlite3_errmsg(database));
}

Result<Database> open_read_only(int fd) {
  // Opened by descriptor: by its path the file could be another one. Nothing is locked or written.
  const std::string uri = fmt::format("file:/proc/self/fd/{}?mode=ro&immutable=1", fd);
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(uri.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  Database database(opened, &sqlite3_close);
  if (code != SQLITE_OK) return failed(opened, "open rpmdb.sqlite");
  // As https://sqlite.org/security.html advises for files of strangers.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, kMaxHeaderBytes);
  sqlite3_exec(opened, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", nullptr, nullptr, nullptr);
  return database;
}

}  // namespace

Status read_rpm_database(int fd, const std::function<void(std::string_view header)>& take,
                         std::stop_token stop) {
  const Database database = TRY(open_read_only(fd));
  Watch watch{std::move(stop)};
  sqlite3_progress_handler(database.get(), kStepsPerCheck, &Watch::expired, &watch);
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v2(database.get(), "SELECT blob FROM Packages ORDER BY hnum", -1,
                                      &prepared, nullptr);
  const Statement statement(prepared, &sqlite3_finalize);
  if (code != SQLITE_OK) return failed(database.get(), "read rpmdb.sqlite");
  for (;;) {
    const int row = sqlite3_step(statement.get());
    if (row == SQLITE_DONE) return {};
    if (row != SQLITE_ROW) return failed(database.get(), "read rpmdb.sqlite");
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement.get(), 0));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement.get(), 0));
    if (bytes != nullptr) take({bytes, size});
  }
}

}  // namespace slipway::packages
