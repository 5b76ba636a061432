// What a commit of the store asks of the disk, and what it notices of the files while it is at it.
#include <filesystem>
#include <fstream>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "tests/kms/support.h"
#include "tests/kms/watched_log.h"

namespace enfold {
namespace {

namespace fs = std::filesystem;

class Commit : public ::testing::Test {
 protected:
  Commit() {
    make_store(dir_);
    store_ = open(dir_);
  }
  std::unique_ptr<Store> open(const std::string& dir) {
    FixedPassphrase unused;
    return open_store(dir, unused, entropy_).value();
  }
  static RowId row(std::uint8_t number) { return {RowKind::kKey, Bytes(16, number)}; }
  Result<void> put(std::uint8_t number, const std::string& text) {
    return store_->update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      changes.push_back({row(number), WipedBytes(as_bytes(text))});
      return changes;
    });
  }
  Result<void> remove(std::uint8_t number) {
    return store_->update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      changes.push_back({row(number), std::nullopt});
      return changes;
    });
  }
  std::string text_of(std::uint8_t number) {
    const auto content = store_->read(row(number)).value();
    return content ? as_string(content->expose()) : "(none)";
  }

  int syncs_ = 0;
  WatchedLog log_;
  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  SystemEntropy entropy_;
  std::unique_ptr<Store> store_;
};

TEST_F(Commit, IsSyncedBeforeItIsAnswered) {
  log_.on_sync = [&] { ++syncs_; };  // also when the store closes
  for (std::uint8_t i = 0; i < 5; ++i) {
    const int before = syncs_;
    ASSERT_TRUE(put(i, "text"));
    EXPECT_GT(syncs_, before) << "commit " << int{i};
  }
}

// It was answered as done, and the directory that was put in its place knew nothing of it.
TEST_F(Commit, IsNotAnsweredWhereTheStoreIsMovedDuringIt) {
  ASSERT_TRUE(put(1, "old"));
  log_.on_sync = [&] {
    if (fs::exists(dir_)) fs::rename(dir_, dir_ + ".aside");
  };
  EXPECT_EQ(outcome(put(1, "new")), "store-tampered");
  log_.on_sync = [] {};
  fs::rename(dir_ + ".aside", dir_);
  ASSERT_TRUE(store_->refresh());
  EXPECT_EQ(text_of(1), "new") << "it was committed all the same, which only the database knows";
  ASSERT_TRUE(put(1, "newer"));
  EXPECT_EQ(text_of(1), "newer");
}

// The files as a process leaves them that is killed after it removed a row and before it overwrote it.
TEST_F(Commit, OfARemovalIsFinishedByWhoOpensTheStoreNext) {
  ASSERT_TRUE(put(1, std::string(500, 'x')));
  const Bytes sealed = raw_blob(dir_, "SELECT sealed FROM record");
  const auto stretch = as_string(ByteSpan(sealed).subspan(100, 200));
  {
    auto reader = Database::open(dir_ + "/kms.db").value();
    ASSERT_TRUE(reader.execute("BEGIN"));
    auto reading = reader.prepare("SELECT sealed FROM record").value();
    ASSERT_TRUE(reading.step().value());
    ASSERT_TRUE(remove(1));
    ASSERT_TRUE(store_->removals_pending());
    fs::copy(dir_, temp_ / "killed");
  }
  const auto files_hold_it = [&] {
    for (const auto& file : fs::directory_iterator(temp_ / "killed")) {
      std::ifstream in(file.path(), std::ios::binary);
      if (std::string((std::istreambuf_iterator<char>(in)), {}).find(stretch) != std::string::npos)
        return true;
    }
    return false;
  };
  EXPECT_TRUE(files_hold_it()) << "the search finds what is there";
  const auto next = open(temp_ / "killed");
  EXPECT_FALSE(files_hold_it());
}

// Somebody edits the database's file without SQLite, which does not see it: no data_version tells.
class EditedFile : public Commit {
 protected:
  // More rows than SQLite keeps pages in memory, so that it reads the first ones from the file again.
  EditedFile() {
    EXPECT_TRUE(store_->update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      for (std::uint8_t i = 0; i < 60; ++i) changes.push_back({row(i), WipedBytes(Bytes(100'000, i))});
      return changes;
    }));
    store_.reset();  // which moves the log into the database
    store_ = open(dir_);
  }
  // Flips a byte of what `query` answers, in the file.
  void edit(const std::string& query) {
    const Bytes sealed = raw_blob(dir_, query);
    const auto stretch = as_string(ByteSpan(sealed).subspan(60, 40));
    std::fstream file(dir_ + "/kms.db", std::ios::in | std::ios::out | std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    const std::size_t at = content.find(stretch);
    ASSERT_NE(at, std::string::npos);
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(content[at] ^ 1));
  }
};

TEST_F(EditedFile, IsNotWrittenOverWhereARowIsToBeReplaced) {
  edit("SELECT sealed FROM record WHERE id=zeroblob(16)");
  EXPECT_EQ(outcome(put(0, "new")), "store-tampered");
}

TEST_F(EditedFile, IsNotWrittenOverWhereTheRootRowIsToBeReplaced) {
  edit("SELECT sealed FROM root");
  EXPECT_EQ(outcome(put(200, "new")), "store-tampered");
}

}  // namespace
}  // namespace enfold
