// The exported copy as a file: it harms no other, and what was written always imports.
#include "kms/store/export_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

namespace fs = std::filesystem;

constexpr ScryptCost kCheap{16, 1, 1};

// Something happens while a person types.
class SlowPassphrase final : public PassphraseSource {
 public:
  explicit SlowPassphrase(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}
  Result<Bytes> passphrase() override {
    meanwhile_();
    return Bytes(6, 'p');
  }

 private:
  std::function<void()> meanwhile_;
};

class ExportedCopy : public ::testing::Test {
 protected:
  ExportedCopy() { make_store(dir_); }

  void write(const std::string& text, const std::string& to) { std::ofstream(to) << text; }
  static std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  Result<void> export_it(PassphraseSource& passphrase) {
    return export_store(dir_, unused_, file_, passphrase, kCheap);
  }
  Result<void> import_it() { return import_store(file_, passphrase_, temp_ / "new", {}, unused_); }
  void put_rows(std::uint8_t count, std::size_t bytes) {
    auto store = open_store(dir_, unused_, entropy_).value();
    ASSERT_TRUE(store->update([&]() -> Result<std::vector<RowChange>> {
      std::vector<RowChange> changes;
      for (std::uint8_t i = 0; i < count; ++i)
        changes.push_back({{RowKind::kKey, Bytes(16, i)}, WipedBytes(Bytes(bytes, i))});
      return changes;
    }));
  }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  std::string file_ = temp_ / "backup";
  SystemEntropy entropy_;
  FixedPassphrase unused_;
  FixedPassphrase passphrase_{"export"};
};

// The copy was written to FILE.new first, and what was there was removed.
TEST_F(ExportedCopy, LeavesANeighbourOfAnyName) {
  write("mine", file_ + ".new");
  ASSERT_TRUE(export_it(passphrase_));
  EXPECT_EQ(content_of(file_ + ".new"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_ / ""), {}), 3) << "store, copy, neighbour";
}

// Only the start of the export looked whether the file was there.
TEST_F(ExportedCopy, LeavesAFileThatAppearsWhileSomebodyTypes) {
  SlowPassphrase slow([&] { write("mine", file_); });
  EXPECT_EQ(outcome(export_it(slow)), "exists");
  EXPECT_EQ(content_of(file_), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_ / ""), {}), 2) << "and nothing of its own";
}

// An import took at most 64 MiB, of which an export knew nothing.
TEST_F(ExportedCopy, ImportsHoweverMuchTheStoreHeld) {
  constexpr std::size_t kRowBytes = std::size_t{1} << 20;
  put_rows(65, kRowBytes);
  ASSERT_TRUE(export_it(passphrase_));
  const auto imported = import_it();
  ASSERT_TRUE(imported) << describe(imported.error());
  auto store = open_store(temp_ / "new", unused_, entropy_).value();
  EXPECT_EQ(store->list().size(), 65U);
  const auto last = store->read({RowKind::kKey, Bytes(16, 64)}).value();
  ASSERT_TRUE(last);
  EXPECT_TRUE(std::ranges::equal(last->expose(), Bytes(kRowBytes, 64)));
}

// Without an export of that size, which no test has the memory for.
TEST_F(ExportedCopy, IsNotWrittenWhereNoImportCouldReadIt) {
  EXPECT_EQ(outcome(check_export_bytes(kMaxExportContentBytes)), "ok");
  EXPECT_EQ(outcome(check_export_bytes(kMaxExportContentBytes + 1)), "limit");
}

// Sizes that only the file system believes: nobody types a passphrase for them, and no memory is taken.
TEST_F(ExportedCopy, IsReadNoFurtherThanItIsOne) {
  ASSERT_TRUE(export_it(passphrase_));
  const std::string head = content_of(file_);
  passphrase_.asked = 0;
  constexpr std::uintmax_t kHuge = std::uintmax_t{1} << 42;
  fs::resize_file(file_, kHuge);
  EXPECT_EQ(outcome(import_it()), "store-tampered") << "an export's start";
  write("no export", file_);
  fs::resize_file(file_, kHuge);
  EXPECT_EQ(outcome(import_it()), "store-tampered");
  write(head.substr(0, kExportHeadBytes), file_);
  EXPECT_EQ(outcome(import_it()), "store-tampered") << "a start only";
  file_ = dir_;
  EXPECT_EQ(outcome(import_it()), "invalid-argument") << "a directory";
  file_ = "/dev/zero";
  EXPECT_EQ(outcome(import_it()), "invalid-argument");
  EXPECT_EQ(passphrase_.asked, 0);
}

}  // namespace
}  // namespace enfold
