// SQLite as owned types. Not thread-safe: one thread at a time per Database.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "kms/base/bytes.h"
#include "kms/base/error.h"

namespace enfold {

// A prepared statement, to be used again and again. Columns and parameters count from 0 and 1, as in SQLite.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  Statement& bind(int parameter, std::int64_t value);
  // The bytes must stay as they are until the statement has run.
  Statement& bind(int parameter, ByteSpan value);

  // True on a row, false at the end. At the end and on an error the statement is ready for its next run.
  Result<bool> step();
  // Runs to the end.
  Result<void> run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  sqlite3* database_;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class Database {
 public:
  // An existing database in WAL mode with synchronous=FULL, where each wait for a lock is bounded (5 seconds,
  // then kBusy).
  static Result<Database> open(const std::string& path);

  // One statement without parameters.
  Result<void> execute(const char* sql);
  Result<Statement> prepare(const char* sql);
  // Begins a transaction that writes. kBusy at once where another connection is in one.
  Result<void> begin_write();
  // Absolute.
  [[nodiscard]] std::string path() const { return sqlite3_db_filename(handle_.get(), "main"); }
  // Moves the write-ahead log into the database and empties it. False where another process is in the way,
  // for which this does not wait.
  Result<bool> empty_log();
  // By the statement that ran last.
  [[nodiscard]] int changed_rows() const { return sqlite3_changes(handle_.get()); }
  // False in a transaction.
  [[nodiscard]] bool idle() const { return sqlite3_get_autocommit(handle_.get()) != 0; }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace enfold
