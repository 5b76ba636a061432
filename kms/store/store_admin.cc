#include "kms/store/store_admin.h"

#include <cerrno>
#include <tuple>

#include "kms/base/whole_file.h"
#include "kms/store/export_file.h"
#include "kms/store/root_key_file.h"

namespace enfold {
namespace {

constexpr const char* kDatabaseName = "/kms.db";
constexpr const char* kRootKeyName = "/root.key";

bool is_errno(const Error& error, int value) {
  return error.code == Errc::kSystem && error.errno_value == value;
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<void> sync_directory(Files& files, const std::string& path) {
  ENFOLD_TRY_ASSIGN(Fd fd, files.open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
  return files.sync(fd.get());
}

Result<void> refuse_existing(Files& files, const std::string& dir) {
  Result<Fd> fd = files.open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
  if (!fd && is_errno(fd.error(), ENOENT)) return {};
  if (!fd) return add_context(std::move(fd).error(), dir);
  ENFOLD_TRY_ASSIGN(auto entries, files.list(fd->get()));
  if (entries.empty()) return {};
  return make_error(Errc::kExists,
                    dir + " is there already and not empty; a KMS store is made only in a new place");
}

// A store under construction beside its place, removed unless it was moved there.
class Draft {
 public:
  Draft(Files& files, std::string dir, Entropy& entropy)
      : files_(files), dir_(std::move(dir)), draft_(dir_ + ".new-" + to_hex(random_array<8>(entropy))) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    for (const char* name : {kRootKeyName, kDatabaseName, "/kms.db-wal", "/kms.db-shm", "/root.key.new"})
      std::ignore = files_.unlink_at(AT_FDCWD, draft_ + name, 0);
    std::ignore = files_.unlink_at(AT_FDCWD, draft_, AT_REMOVEDIR);
  }

  Result<void> build(ByteSpan root_key_file, const RootKey& key, std::vector<ExportedRow> rows,
                     Entropy& entropy) {
    ENFOLD_TRY(files_.make_directory_at(AT_FDCWD, draft_, 0700));
    ENFOLD_TRY(replace_file(files_, AT_FDCWD, draft_ + kRootKeyName, root_key_file, 0600));
    const std::string database = draft_ + kDatabaseName;
    // SQLite gives its other files the mode of this one.
    ENFOLD_TRY(files_.open_at(AT_FDCWD, database, O_WRONLY | O_CREAT | O_EXCL, 0600));
    ENFOLD_TRY(Store::initialise(database, key, entropy));
    return fill(database, key, std::move(rows), entropy);
  }

  Result<void> move_into_place() {
    ENFOLD_TRY(sync_directory(files_, draft_));
    Result<void> moved = files_.rename_at(AT_FDCWD, draft_, AT_FDCWD, dir_, 0);
    if (!moved && (is_errno(moved.error(), ENOTEMPTY) || is_errno(moved.error(), EEXIST)))
      return make_error(Errc::kExists, dir_ + " has appeared meanwhile");
    if (!moved) return add_context(std::move(moved).error(), dir_);
    return sync_parent(files_, AT_FDCWD, dir_);
  }

 private:
  static Result<void> fill(const std::string& database, const RootKey& key, std::vector<ExportedRow> rows,
                           Entropy& entropy) {
    ENFOLD_TRY_ASSIGN(auto store, Store::open(database, key.copy(), entropy));
    return store->update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      changes.reserve(rows.size());
      for (ExportedRow& row : rows) changes.push_back({std::move(row.id), std::move(row.content)});
      return changes;
    });
  }

  Files& files_;
  std::string dir_;
  std::string draft_;
};

Result<void> build_store(Files& files, const std::string& dir_argument, const RootKeyChoice& choice,
                         PassphraseSource& passphrase, std::vector<ExportedRow> rows) {
  SystemEntropy entropy;
  const std::string dir = without_trailing_slash(dir_argument);
  ENFOLD_TRY(refuse_existing(files, dir));
  ENFOLD_TRY(make_directories(files, parent_of(dir)));
  const auto key = random_secret<RootKey>(entropy);
  ENFOLD_TRY_ASSIGN(Bytes root_key_file, protect_root_key(key, choice, passphrase, entropy));
  Draft draft(files, dir, entropy);
  Result<void> built = draft.build(root_key_file, key, std::move(rows), entropy);
  wipe(root_key_file);
  if (!built) return add_context(std::move(built).error(), dir);
  return draft.move_into_place();
}

Result<std::vector<ExportedRow>> read_rows(const Store& store) {
  std::vector<ExportedRow> rows;
  for (RowId& id : store.list()) {
    ENFOLD_TRY_ASSIGN(std::optional<WipedBytes> content, store.read(id));
    if (content) rows.push_back({std::move(id), *std::move(content)});
  }
  return rows;
}

Result<Bytes> read_root_key_file(Files& files, const std::string& dir) {
  if (!files.stat_at(AT_FDCWD, dir + kDatabaseName))
    return make_error(Errc::kStoreMissing,
                      "There is no KMS store at " + dir +
                          ": name the right place, or restore it from a backup or an export");
  Result<Bytes> content = read_file(files, AT_FDCWD, dir + kRootKeyName, kMaxRootKeyFileBytes);
  if (!content && is_errno(content.error(), ENOENT))
    return make_error(Errc::kStoreMissing, "The KMS store's root key " + dir + kRootKeyName +
                                               " is missing: restore it from its backup");
  if (!content) return add_context(std::move(content).error(), dir + kRootKeyName);
  return content;
}

}  // namespace

Result<void> create_store(const std::string& dir, const RootKeyChoice& choice, PassphraseSource& passphrase) {
  PosixFiles files;
  return create_store(files, dir, choice, passphrase);
}

Result<void> create_store(Files& files, const std::string& dir, const RootKeyChoice& choice,
                          PassphraseSource& passphrase) {
  return build_store(files, dir, choice, passphrase, {});
}

Result<void> require_root_key_choice(const std::string& dir, const RootKeyChoice& choice) {
  PosixFiles files;
  ENFOLD_TRY_ASSIGN(Bytes content, read_root_key_file(files, dir));
  auto file = parse_root_key_file(content);
  wipe(content);
  if (!file) return add_context(std::move(file).error(), dir);
  wipe(file->body);
  const std::string kept = text_of({file->kind, file->credential_name, {}});
  const std::string chosen = text_of(choice);
  if (kept == chosen) return {};
  return make_error(
      Errc::kInvalidArgument,
      dir + ": the root key of this store is kept as " + kept + ", not as " + chosen +
          ", which is chosen when a store is made; leave the choice out, or import an export of "
          "the store with it");
}

Result<std::unique_ptr<Store>> open_store(const std::string& dir, PassphraseSource& passphrase,
                                          Entropy& entropy) {
  PosixFiles files;
  ENFOLD_TRY_ASSIGN(Bytes content, read_root_key_file(files, dir));
  Result<RootKey> key = recover_root_key(content, passphrase);
  wipe(content);
  if (!key) return add_context(std::move(key).error(), dir);
  Result<std::unique_ptr<Store>> store = Store::open(dir + kDatabaseName, *std::move(key), entropy);
  if (!store) return add_context(std::move(store).error(), dir);
  return store;
}

Result<void> export_store(const std::string& dir, PassphraseSource& store_passphrase, const std::string& file,
                          PassphraseSource& export_passphrase, const ScryptCost& cost) {
  PosixFiles files;
  SystemEntropy entropy;
  if (files.stat_at(AT_FDCWD, file)) return make_error(Errc::kExists, file + " is there already");
  ENFOLD_TRY_ASSIGN(auto store, open_store(dir, store_passphrase, entropy));
  ENFOLD_TRY_ASSIGN(const std::vector<ExportedRow> rows, read_rows(*store));
  ENFOLD_TRY_ASSIGN(const Bytes sealed, seal_export(rows, export_passphrase, cost, entropy));
  return create_file(files, file, sealed, 0600, entropy);
}

Result<void> import_store(const std::string& file, PassphraseSource& export_passphrase,
                          const std::string& dir, const RootKeyChoice& choice,
                          PassphraseSource& store_passphrase) {
  PosixFiles files;
  ENFOLD_TRY(refuse_existing(files, without_trailing_slash(dir)));
  ENFOLD_TRY_ASSIGN(std::vector<ExportedRow> rows, read_export(files, file, export_passphrase));
  return build_store(files, dir, choice, store_passphrase, std::move(rows));
}

}  // namespace enfold
