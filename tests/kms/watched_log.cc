#include "tests/kms/watched_log.h"

#include <sqlite3.h>

namespace enfold {
namespace {

// SQLite's own files, but for xSync of a log.
struct Watching {
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
  const sqlite3_io_methods* real_methods = nullptr;
  sqlite3_io_methods methods{};
  WatchedLog* watched = nullptr;
};
Watching watching;

int sync_log(sqlite3_file* file, int flags) {
  watching.watched->on_sync();
  return watching.real_methods->xSync(file, flags);
}

int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  const int code = watching.real->xOpen(watching.real, name, file, flags, flags_out);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
  watching.real_methods = file->pMethods;
  watching.methods = *file->pMethods;
  watching.methods.xSync = sync_log;
  file->pMethods = &watching.methods;
  return code;
}

}  // namespace

WatchedLog::WatchedLog() {
  sqlite3_initialize();
  watching.real = sqlite3_vfs_find(nullptr);
  watching.vfs = *watching.real;
  watching.vfs.zName = "watched";
  watching.vfs.xOpen = open_file;
  watching.watched = this;
  sqlite3_vfs_register(&watching.vfs, 1);
}

WatchedLog::~WatchedLog() {
  sqlite3_vfs_unregister(&watching.vfs);
  sqlite3_vfs_register(watching.real, 1);
}

}  // namespace enfold
