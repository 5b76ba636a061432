#include "kms/store/store_admin.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "kms/base/files.h"
#include "kms/store/export_file.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

constexpr ScryptCost kCheap{16, 1, 1};

class StoreAdmin : public ::testing::Test {
 protected:
  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  FixedPassphrase passphrase_;
  RootKeyChoice by_passphrase_{RootKeyKind::kPassphrase, "", kCheap};
};

mode_t mode_of(const std::string& path) {
  struct stat out {};
  EXPECT_EQ(::stat(path.c_str(), &out), 0) << path;
  return out.st_mode & 07777;
}

TEST_F(StoreAdmin, MakesAPrivateDirectoryWithPrivateFiles) {
  const mode_t old = ::umask(0);
  make_store(temp_ / "a/b/kms/");
  ::umask(old);
  auto engine = open_engine(temp_ / "a/b/kms");
  make_key(*engine);
  for (const char* name : {"a", "a/b", "a/b/kms"}) EXPECT_EQ(mode_of(temp_ / name), 0700U) << name;
  for (const auto& entry : std::filesystem::directory_iterator(temp_ / "a/b/kms"))
    EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(temp_ / "a/b"), {}), 1) << "no draft is left";
}

// The directories whose entries were made durable, in order.
class SyncedDirectories final : public PosixFiles {
 public:
  std::vector<std::string> synced;
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override {
    if (to.ends_with("/keys")) synced.push_back("moved there");
    return PosixFiles::rename_at(from_dir, from, to_dir, to, flags);
  }
  Result<void> sync(int fd) override {
    const auto what = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    const std::string name = what.filename();
    if (std::filesystem::is_directory(what)) synced.push_back(name.starts_with("keys.new-") ? "draft" : name);
    return PosixFiles::sync(fd);
  }
};

// A power cut after "made the key store" took the store.
TEST_F(StoreAdmin, MakesTheStoreDurableWithTheDirectoriesMadeForIt) {
  SyncedDirectories files;
  std::filesystem::create_directory(temp_ / "top");
  ASSERT_TRUE(create_store(files, temp_ / "top/a/b/keys", {}, passphrase_));
  EXPECT_EQ(files.synced, (std::vector<std::string>{"top", "a", "draft", "draft", "moved there", "b"}));
}

TEST_F(StoreAdmin, TakesAnEmptyDirectoryAndNoOther) {
  std::filesystem::create_directory(dir_);
  make_store(dir_);
  EXPECT_EQ(outcome(create_store(dir_, {}, passphrase_)), "exists");
  EXPECT_NE(open_engine(dir_), nullptr) << "and what was there is untouched";
}

TEST_F(StoreAdmin, OpensOnlyWithItsPassphrase) {
  ASSERT_TRUE(create_store(dir_, by_passphrase_, passphrase_));
  FixedPassphrase wrong("correct horsf");
  EXPECT_EQ(outcome(open_embedded_engine(dir_, wrong)), "wrong-root-key");
  EXPECT_EQ(wrong.asked, 1);
  EXPECT_EQ(outcome(open_embedded_engine(dir_, passphrase_)), "ok");
}

TEST_F(StoreAdmin, SaysThatThereIsNoStore) {
  EXPECT_EQ(outcome(open_embedded_engine(dir_, passphrase_)), "store-missing");
  make_store(dir_);
  std::filesystem::remove(dir_ + "/root.key");
  EXPECT_EQ(outcome(open_embedded_engine(dir_, passphrase_)), "store-missing");
}

TEST_F(StoreAdmin, ExportsWhatImportsOnAnEmptyMachine) {
  make_store(dir_);
  auto engine = open_engine(dir_);
  const std::string arn = make_key(*engine);
  Bytes old = engine->encrypt(local_scope(), {arn, as_bytes("before"), {}})->ciphertext;
  ASSERT_TRUE(engine->rotate_key_on_demand(local_scope(), arn));
  Bytes young = engine->encrypt(local_scope(), {arn, as_bytes("after"), {}})->ciphertext;
  FixedPassphrase export_passphrase("export");
  ASSERT_TRUE(export_store(dir_, passphrase_, temp_ / "backup", export_passphrase, kCheap));
  EXPECT_EQ(mode_of(temp_ / "backup"), 0600U);
  engine.reset();
  std::filesystem::remove_all(dir_);

  ASSERT_TRUE(import_store(temp_ / "backup", export_passphrase, temp_ / "new", by_passphrase_, passphrase_));
  auto imported = open_embedded_engine(temp_ / "new", passphrase_);
  ASSERT_TRUE(imported) << describe(imported.error());
  EXPECT_EQ(as_string((*imported)->decrypt(local_scope(), {old, arn, {}})->plaintext.expose()), "before");
  EXPECT_EQ(as_string((*imported)->decrypt(local_scope(), {young, arn, {}})->plaintext.expose()), "after");
}

TEST_F(StoreAdmin, ExportsAliasesPrincipalsAndThePlansOfKeys) {
  make_store(dir_);
  auto engine = open_engine(dir_);
  const CallScope here = local_scope();
  const std::string arn = engine->create_key(here, {.tags = {{"a", "b"}}})->arn;
  const std::string doomed = make_key(*engine);
  ASSERT_TRUE(engine->create_alias(here, "alias/a", arn));
  ASSERT_TRUE(engine->enable_key_rotation(here, arn, 90));
  ASSERT_TRUE(engine->schedule_key_deletion(here, doomed, 7));
  ASSERT_TRUE(engine->add_principal({here.account, "bob", {1000}}));
  const NewAccessKey key = engine->create_access_key(here.account, "bob").value();
  FixedPassphrase export_passphrase("export");
  ASSERT_TRUE(export_store(dir_, passphrase_, temp_ / "backup", export_passphrase, kCheap));
  ASSERT_TRUE(import_store(temp_ / "backup", export_passphrase, temp_ / "new", {}, passphrase_));
  auto imported = open_engine(temp_ / "new");
  EXPECT_EQ(imported->describe_key(here, "alias/a")->arn, arn);
  EXPECT_EQ(imported->list_resource_tags(here, arn, {})->tags, (std::vector<Tag>{{"a", "b"}}));
  EXPECT_EQ(imported->get_key_rotation_status(here, arn)->next_unix_ms,
            engine->get_key_rotation_status(here, arn)->next_unix_ms);
  EXPECT_EQ(imported->describe_key(here, doomed)->deletion_unix_ms,
            engine->describe_key(here, doomed)->deletion_unix_ms);
  EXPECT_EQ(imported->find_unix_user(1000).value()->name, "bob");
  EXPECT_EQ(as_string(imported->find_access_key(key.id).value()->secret.expose()),
            as_string(key.secret.expose()));
}

TEST_F(StoreAdmin, OverwritesNeitherAnExportNorAStore) {
  make_store(dir_);
  FixedPassphrase export_passphrase("export");
  ASSERT_TRUE(export_store(dir_, passphrase_, temp_ / "backup", export_passphrase, kCheap));
  EXPECT_EQ(outcome(export_store(dir_, passphrase_, temp_ / "backup", export_passphrase, kCheap)), "exists");
  EXPECT_EQ(outcome(import_store(temp_ / "backup", export_passphrase, dir_, {}, passphrase_)), "exists");
  FixedPassphrase wrong("x");
  EXPECT_EQ(outcome(import_store(temp_ / "backup", wrong, temp_ / "new", {}, passphrase_)), "wrong-root-key");
  EXPECT_FALSE(std::filesystem::exists(temp_ / "new"));
  EXPECT_EQ(outcome(import_store(temp_ / "none", wrong, temp_ / "new", {}, passphrase_)), "system");
}

TEST(Export, OpensAndRefusesAsTheVectorsSay) {
  for (const auto& fields : vectors("export.txt")) {
    ASSERT_EQ(fields.size(), 3U);
    SCOPED_TRACE(fields[0]);
    FixedPassphrase passphrase;
    EXPECT_EQ(outcome(open_export(vector_bytes(fields[2]), passphrase)), fields[1]);
  }
}

TEST(Export, NoticesEachFlippedBit) {
  SystemEntropy entropy;
  FixedPassphrase passphrase;
  std::vector<ExportedRow> rows;
  rows.push_back({{RowKind::kKey, Bytes(16, 1)}, WipedBytes(as_bytes("row"))});
  Bytes file = seal_export(rows, passphrase, kCheap, entropy).value();
  ASSERT_TRUE(open_export(file, passphrase));
  for (std::size_t i = 0; i < file.size(); ++i) {
    file[i] ^= 1;
    EXPECT_FALSE(open_export(file, passphrase)) << "byte " << i;
    file[i] ^= 1;
  }
}

}  // namespace
}  // namespace enfold
