#include "kms/store/database.h"

#include <cerrno>

namespace enfold {
namespace {

constexpr int kMaxWaitMs = 5000;

// What SQLite's text says of a store: file names and SQL of ours, no row's content.
std::unexpected<Error> sqlite_error(sqlite3* database, int code) {
  std::string why = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(Errc::kBusy, "The KMS store is held by another process; try again");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // our statements are fixed, so what they do not fit is another schema
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      return make_error(Errc::kStoreTampered, "The KMS store's database is damaged or was changed: " + why);
    case SQLITE_CANTOPEN:
      return make_error(Errc::kStoreMissing, "The KMS store's database cannot be opened: " + why);
    case SQLITE_FULL:
      return system_error(ENOSPC, "writing the KMS store");
    case SQLITE_IOERR: {
      const int known = sqlite3_system_errno(database);
      return system_error(known != 0 ? known : EIO, "reading or writing the KMS store");
    }
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return system_error(EACCES, "writing the KMS store");
    case SQLITE_NOMEM:
      return system_error(ENOMEM, "reading the KMS store");
    default:
      return make_error(Errc::kSystem, "The KMS store's database failed: " + why);
  }
}

}  // namespace

Statement& Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, ByteSpan value) {
  sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::step() {
  int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = sqlite_error(database_, code);
  reset();
  return error;
}

Result<void> Statement::run() {
  for (;;) {
    ENFOLD_TRY_ASSIGN(bool more, step());
    if (!more) return {};
  }
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? Bytes{} : Bytes(data, data + size);
}

std::string Statement::text(int column) const { return as_string(blob(column)); }

Result<Database> Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return sqlite_error(handle, code);
  sqlite3_busy_timeout(handle, kMaxWaitMs);
  // A changed schema must not run anything of its own: no functions in triggers and views, no writable
  // schema.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  ENFOLD_TRY(database.execute("PRAGMA journal_mode=WAL"));
  ENFOLD_TRY(database.execute("PRAGMA synchronous=FULL"));
  ENFOLD_TRY(database.execute("PRAGMA secure_delete=ON"));
  return database;
}

Result<void> Database::execute(const char* sql) {
  ENFOLD_TRY_ASSIGN(Statement statement, prepare(sql));
  return statement.run();
}

Result<void> Database::begin_write() {
  sqlite3_busy_timeout(handle_.get(), 0);
  auto begun = execute("BEGIN IMMEDIATE");
  sqlite3_busy_timeout(handle_.get(), kMaxWaitMs);
  return begun;
}

Result<bool> Database::empty_log() {
  sqlite3_busy_timeout(handle_.get(), 0);
  int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(handle_.get(), kMaxWaitMs);
  if (code == SQLITE_OK) return true;
  if ((code & 0xff) == SQLITE_BUSY) return false;
  return sqlite_error(handle_.get(), code);
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(handle_.get(), code);
  return Statement(handle_.get(), statement);
}

}  // namespace enfold
