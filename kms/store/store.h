// Sealed rows in SQLite, and the root row that authenticates all of them (kms/FORMAT.md, "Store"). The store
// does not know what is in a row.
//
// Not thread-safe: one thread at a time. Several processes may have one store open. Not to be used across a
// fork. Every call may answer kStoreTampered (rows that do not verify, also such as appear while it is open;
// files that were moved, removed or replaced meanwhile) and kSystem.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kms/store/database.h"
#include "kms/store/opened_files.h"
#include "kms/store/store_contents.h"

namespace enfold {

struct RowChange {
  RowId id;
  std::optional<WipedBytes> content;  // nothing: the row is removed
};

class Store {
 public:
  // Makes tables and the root row in the empty database file at `path`.
  static Result<void> initialise(const std::string& path, const RootKey& key, Entropy& entropy);

  // Reads and verifies every row. kWrongRootKey where `key` is not this database's. `entropy` outlives the
  // store.
  static Result<std::unique_ptr<Store>> open(const std::string& path, RootKey key, Entropy& entropy);

  // Looks whether another process has committed something, and if so reads and verifies every row again. The
  // answer changes whenever a row may have changed, by this process or another: it says how long what was
  // decoded from rows may be kept.
  Result<std::uint64_t> refresh();

  // What follows is as of the last refresh or update, inside `decide` of an update as of its transaction.
  // Nothing where there is no such row.
  [[nodiscard]] Result<std::optional<WipedBytes>> read(const RowId& id) const;
  [[nodiscard]] std::vector<RowId> list() const;
  // The rows of one kind, in the order of their ids. A row's stamp changes whenever its content does.
  struct Listed {
    RowId id;
    std::uint64_t stamp;
  };
  [[nodiscard]] std::vector<Listed> list(RowKind kind) const;
  // Changes whenever a row of the kind may have changed; never 0.
  [[nodiscard]] std::uint64_t version_of(RowKind kind) const;

  // Runs `decide` inside a write transaction, with the newest state to read(), and commits the changes that
  // it answers, all or none. Its error is passed on and nothing is changed. What was committed survives a
  // power cut. kBusy at once, and `decide` is not called, where another process is in a write transaction.
  using Decide = std::function<Result<std::vector<RowChange>>()>;
  Result<void> update(const Decide& decide);

  // Overwrites what the database's files still hold of removed rows. update() does it by itself; where
  // another process was in the way it is to be called again while removals_pending().
  void finish_removals();
  [[nodiscard]] bool removals_pending() const { return removals_pending_; }

 private:
  using Contents = StoreContents;
  struct Statements {
    Statement data_version, schema, root, rows, one_row, put_row, remove_row, put_root;
  };

  Store(Database database, Statements statements, RowSeal seal);

  Result<std::int64_t> data_version();
  Result<void> load();
  Result<void> load_in_transaction();
  Result<void> check_schema();
  Result<void> load_root(Contents& contents);
  Result<void> load_rows(Contents& contents);
  Result<void> refuse_going_back(const Contents& contents) const;

  Result<Contents> apply(const std::vector<RowChange>& changes);
  Result<void> apply_one(const RowChange& change, Contents& next);
  void adopt(Contents next);
  Result<void> check_old_row(const RowId& id);
  Result<void> write_root(Contents& next);

  Database database_;
  Statements statements_;
  RowSeal seal_;
  OpenedFiles files_;
  bool loaded_ = false;
  static constexpr std::int64_t kUnknown = -1;
  std::int64_t loaded_version_ = kUnknown;  // SQLite's data_version of contents_
  Contents contents_;
  std::array<std::uint64_t, kRowKinds> versions_{1, 1, 1};
  std::int64_t format_version_ = 0;  // as it was at open
  bool removals_pending_ = false;
};

}  // namespace enfold
