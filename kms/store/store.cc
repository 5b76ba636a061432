#include "kms/store/store.h"

#include <tuple>

namespace enfold {
namespace {

constexpr const char* kSchemaSql[] = {
    "CREATE TABLE root(id INTEGER PRIMARY KEY CHECK(id=1), key_check BLOB NOT NULL, sealed BLOB NOT NULL)",
    "CREATE TABLE record(kind INTEGER NOT NULL, id BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(kind, "
    "id)) "
    "WITHOUT ROWID",
};
constexpr std::int64_t kFormatVersion = 2;  // version 1: keys only, a shorter root row

std::unexpected<Error> tampered(std::string_view what) {
  return make_error(Errc::kStoreTampered, "The KMS store was changed by something other than enfold (" +
                                              std::string(what) + "); restore it from a backup or an export");
}

Result<std::int64_t> read_format_version(Database& database) {
  ENFOLD_TRY_ASSIGN(Statement query, database.prepare("PRAGMA user_version"));
  ENFOLD_TRY_ASSIGN(bool found, query.step());
  const std::int64_t version = found ? query.integer(0) : 0;
  query.reset();
  if (version <= kFormatVersion) return version;
  return make_error(Errc::kUnsupported, "The KMS store has format version " + std::to_string(version) +
                                            ", which this program does not know");
}

// Ends a transaction that was not committed.
class Rollback {
 public:
  explicit Rollback(Database& database) : database_(database) {}
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    if (!database_.idle()) std::ignore = database_.execute("ROLLBACK");
  }

 private:
  Database& database_;
};

}  // namespace

Store::Store(Database database, Statements statements, RowSeal seal)
    : database_(std::move(database)), statements_(std::move(statements)), seal_(std::move(seal)) {}

Result<void> Store::initialise(const std::string& path, const RootKey& key, Entropy& entropy) {
  ENFOLD_TRY_ASSIGN(Database database, Database::open(path));
  RowSeal seal(key.copy(), entropy);
  const Digest check = seal.key_check();
  const Bytes root = seal.seal_root({});
  ENFOLD_TRY(database.execute("BEGIN IMMEDIATE"));
  Rollback unless_committed(database);
  for (const char* sql : kSchemaSql) ENFOLD_TRY(database.execute(sql));
  ENFOLD_TRY(database.execute("PRAGMA user_version=2"));
  ENFOLD_TRY_ASSIGN(Statement insert,
                    database.prepare("INSERT INTO root(id, key_check, sealed) VALUES(1, ?, ?)"));
  ENFOLD_TRY(insert.bind(1, ByteSpan(check)).bind(2, ByteSpan(root)).run());
  return database.execute("COMMIT");
}

Result<std::unique_ptr<Store>> Store::open(const std::string& path, RootKey key, Entropy& entropy) {
  ENFOLD_TRY_ASSIGN(Database db, Database::open(path));
  ENFOLD_TRY_ASSIGN(const std::int64_t format_version, read_format_version(db));
  ENFOLD_TRY_ASSIGN(Statement version, db.prepare("PRAGMA data_version"));
  ENFOLD_TRY_ASSIGN(Statement schema, db.prepare("SELECT sql FROM sqlite_schema ORDER BY rowid"));
  ENFOLD_TRY_ASSIGN(Statement root, db.prepare("SELECT key_check, sealed FROM root"));
  ENFOLD_TRY_ASSIGN(Statement rows, db.prepare("SELECT kind, id, sealed FROM record"));
  ENFOLD_TRY_ASSIGN(Statement one, db.prepare("SELECT sealed FROM record WHERE kind=? AND id=?"));
  ENFOLD_TRY_ASSIGN(Statement put,
                    db.prepare("INSERT OR REPLACE INTO record(kind, id, sealed) VALUES(?, ?, ?)"));
  ENFOLD_TRY_ASSIGN(Statement remove, db.prepare("DELETE FROM record WHERE kind=? AND id=?"));
  ENFOLD_TRY_ASSIGN(Statement put_root, db.prepare("UPDATE root SET sealed=? WHERE id=1 AND sealed=?"));
  Statements statements{std::move(version), std::move(schema), std::move(root),   std::move(rows),
                        std::move(one),     std::move(put),    std::move(remove), std::move(put_root)};
  std::unique_ptr<Store> store(
      new Store(std::move(db), std::move(statements), RowSeal(std::move(key), entropy)));
  store->format_version_ = format_version;
  ENFOLD_TRY(store->load());
  ENFOLD_TRY_ASSIGN(store->files_, OpenedFiles::of(store->database_.path()));
  store->finish_removals();  // of a process that was killed
  return store;
}

Result<std::int64_t> Store::data_version() {
  ENFOLD_TRY_ASSIGN(bool found, statements_.data_version.step());
  std::int64_t version = found ? statements_.data_version.integer(0) : 0;
  statements_.data_version.reset();
  return version;
}

Result<std::uint64_t> Store::refresh() {
  ENFOLD_TRY(files_.require_files());
  ENFOLD_TRY_ASSIGN(std::int64_t version, data_version());
  if (version != loaded_version_) ENFOLD_TRY(load());
  return contents_.root.counter;
}

Result<void> Store::load() {
  ENFOLD_TRY(database_.execute("BEGIN"));
  Rollback at_the_end(database_);
  return load_in_transaction();
}

// Root row and rows are of one snapshot, because the caller is in a transaction.
Result<void> Store::load_in_transaction() {
  Contents contents;
  ENFOLD_TRY(check_schema());
  ENFOLD_TRY(load_root(contents));
  ENFOLD_TRY(load_rows(contents));
  ENFOLD_TRY(refuse_going_back(contents));
  ENFOLD_TRY_ASSIGN(loaded_version_, data_version());
  adopt(std::move(contents));
  loaded_ = true;
  return {};
}

void Store::adopt(Contents next) {
  for (std::size_t kind = 0; kind < kRowKinds; ++kind)
    if (next.hashes[kind] != contents_.hashes[kind]) ++versions_[kind];
  contents_ = std::move(next);
}

// A trigger or view that somebody added would run or be read in our name.
Result<void> Store::check_schema() {
  for (const char* expected : kSchemaSql) {
    ENFOLD_TRY_ASSIGN(bool found, statements_.schema.step());
    if (!found || statements_.schema.text(0) != expected) {
      statements_.schema.reset();
      return tampered("its tables are not ours");
    }
  }
  ENFOLD_TRY_ASSIGN(bool more, statements_.schema.step());
  if (!more) return {};
  statements_.schema.reset();
  return tampered("there are tables, triggers or views that are not ours");
}

Result<void> Store::load_root(Contents& contents) {
  ENFOLD_TRY_ASSIGN(bool found, statements_.root.step());
  if (!found) return tampered("its root row is missing");
  Bytes check = statements_.root.blob(0);
  contents.root_sealed = statements_.root.blob(1);
  statements_.root.reset();
  if (!loaded_ && !equal_in_constant_time(check, seal_.key_check()))
    return make_error(
        Errc::kWrongRootKey,
        "root.key is not the key of this KMS store: it is another store's, or one of them was changed");
  std::optional<RootRow> root = seal_.open_root(contents.root_sealed);
  if (!root) return tampered("its root row does not verify");
  contents.root = *root;
  return {};
}

Result<void> Store::load_rows(Contents& contents) {
  for (;;) {
    ENFOLD_TRY_ASSIGN(bool found, statements_.rows.step());
    if (!found) break;
    RowId id{static_cast<RowKind>(statements_.rows.integer(0)), statements_.rows.blob(1)};
    Bytes sealed = statements_.rows.blob(2);
    if (!is_row_kind(statements_.rows.integer(0))) {
      const std::string name = name_of(id);
      statements_.rows.reset();
      return tampered(name);
    }
    const Digest element = seal_.element(id, sealed);
    contents.add(std::move(id), std::move(sealed), element);
  }
  if (contents.rows.size() != contents.root.rows || contents.hash() != contents.root.hash)
    return tampered(name_changed_rows(contents, loaded_ ? &contents_ : nullptr, seal_));
  return {};
}

Result<void> Store::refuse_going_back(const Contents& contents) const {
  if (!loaded_ || contents.root.counter > contents_.root.counter) return {};
  if (contents.root.counter == contents_.root.counter && contents.root_sealed == contents_.root_sealed)
    return {};
  return tampered("it went back to an older state");
}

Result<std::optional<WipedBytes>> Store::read(const RowId& id) const {
  auto row = contents_.rows.find(id);
  if (row == contents_.rows.end()) return std::nullopt;
  std::optional<WipedBytes> content = seal_.open(id, row->second);
  if (!content) return tampered(name_of(id) + " does not open");
  return content;
}

std::vector<RowId> Store::list() const {
  std::vector<RowId> ids;
  for (const auto& [id, sealed] : contents_.rows) ids.push_back(id);
  return ids;
}

std::vector<Store::Listed> Store::list(RowKind kind) const {
  std::vector<Listed> rows;
  for (auto row = contents_.rows.lower_bound(RowId{kind, {}});
       row != contents_.rows.end() && row->first.kind == kind; ++row)
    rows.push_back({row->first, ByteReader(row->second).u64()});  // of the box's random salt
  return rows;
}

std::uint64_t Store::version_of(RowKind kind) const { return versions_[static_cast<std::size_t>(kind) - 1]; }

Result<void> Store::update(const Decide& decide) {
  ENFOLD_TRY(database_.begin_write());
  Rollback unless_committed(database_);
  ENFOLD_TRY_ASSIGN(std::int64_t version, data_version());
  if (version != loaded_version_) ENFOLD_TRY(load_in_transaction());
  ENFOLD_TRY_ASSIGN(std::vector<RowChange> changes, decide());
  if (changes.empty()) return {};
  ENFOLD_TRY_ASSIGN(Contents next, apply(changes));
  ENFOLD_TRY(files_.require_place());
  Result<void> committed = database_.execute("COMMIT");
  if (committed) committed = files_.require_place();
  if (!committed) {
    loaded_version_ = kUnknown;  // whether it was: the next call reads all again
    return committed;
  }
  adopt(std::move(next));
  for (const RowChange& change : changes)
    if (!change.content) removals_pending_ = true;
  if (removals_pending_) finish_removals();
  return {};
}

// Removed rows are overwritten in the database (secure_delete); the write-ahead log still has them.
void Store::finish_removals() {
  Result<bool> emptied = database_.empty_log();
  if (emptied && *emptied) removals_pending_ = false;
}

Result<Store::Contents> Store::apply(const std::vector<RowChange>& changes) {
  Contents next = contents_;
  for (const RowChange& change : changes) ENFOLD_TRY(apply_one(change, next));
  ENFOLD_TRY(write_root(next));
  return next;
}

Result<void> Store::apply_one(const RowChange& change, Contents& next) {
  ENFOLD_TRY(check_old_row(change.id));
  const auto kind = static_cast<std::int64_t>(change.id.kind);
  next.remove(change.id, seal_);
  if (!change.content) return statements_.remove_row.bind(1, kind).bind(2, ByteSpan(change.id.id)).run();
  Bytes sealed = seal_.seal(change.id, change.content->expose());
  ENFOLD_TRY(
      statements_.put_row.bind(1, kind).bind(2, ByteSpan(change.id.id)).bind(3, ByteSpan(sealed)).run());
  const Digest element = seal_.element(change.id, sealed);
  next.add(change.id, std::move(sealed), element);
  return {};
}

// The row in the database is still the verified one: a change behind SQLite's back moves no data_version.
Result<void> Store::check_old_row(const RowId& id) {
  auto known = contents_.rows.find(id);
  statements_.one_row.bind(1, static_cast<std::int64_t>(id.kind)).bind(2, ByteSpan(id.id));
  ENFOLD_TRY_ASSIGN(bool found, statements_.one_row.step());
  bool same =
      found == (known != contents_.rows.end()) && (!found || statements_.one_row.blob(0) == known->second);
  statements_.one_row.reset();
  return same ? Result<void>{} : tampered(name_of(id) + " changed while it was in use");
}

Result<void> Store::write_root(Contents& next) {
  next.root.counter += 1;
  next.root.rows = next.rows.size();
  next.root.hash = next.hash();
  next.root.locator = next.locator;
  next.root_sealed = seal_.seal_root(next.root);
  ENFOLD_TRY(statements_.put_root.bind(1, ByteSpan(next.root_sealed))
                 .bind(2, ByteSpan(contents_.root_sealed))
                 .run());
  if (database_.changed_rows() != 1) return tampered("its root row changed while it was in use");
  return format_version_ == kFormatVersion ? Result<void>{} : database_.execute("PRAGMA user_version=2");
}

}  // namespace enfold
