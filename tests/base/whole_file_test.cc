#include "kms/base/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

namespace enfold {
namespace {

namespace fs = std::filesystem;

// A filesystem with the faults of the test's choice, and a record of the directories that were synced.
class OddFiles final : public PosixFiles {
 public:
  bool knows_rename_flags = true;
  bool is_full = false;
  int opening_directories_fails_with = 0;
  std::function<void()> when_file_is_synced;
  std::vector<std::string> made_or_synced;

  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override {
    if (is_full) return system_error(ENOSPC, "pwrite");
    return PosixFiles::write_at(fd, in, offset);
  }
  Result<Fd> open_at(int dir, const std::string& path, int flags, mode_t mode) override {
    if ((flags & O_DIRECTORY) != 0 && opening_directories_fails_with != 0)
      return system_error(opening_directories_fails_with, "openat");
    return PosixFiles::open_at(dir, path, flags, mode);
  }
  Result<void> rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to,
                         unsigned flags) override {
    if (flags != 0 && !knows_rename_flags) return system_error(EINVAL, "renameat2");
    return PosixFiles::rename_at(from_dir, from, to_dir, to, flags);
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    ENFOLD_TRY(PosixFiles::make_directory_at(dir, name, mode));
    made_or_synced.push_back("made " + fs::canonical(name).string());
    return {};
  }
  Result<void> sync(int fd) override {
    const fs::path what = fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    if (fs::is_directory(what))
      made_or_synced.push_back("synced " + what.string());
    else if (when_file_is_synced)
      when_file_is_synced();
    return PosixFiles::sync(fd);
  }
};

class WholeFile : public ::testing::Test {
 protected:
  WholeFile() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/enfold-base-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    path_ = fs::canonical(path_);
  }
  ~WholeFile() override { fs::remove_all(path_); }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  Result<void> create(const std::string& text) {
    return create_file(files_, path_ + "/file", as_bytes(text), 0600, entropy_);
  }
  [[nodiscard]] std::string content() const {
    std::ifstream in(path_ + "/file");
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& entry : fs::directory_iterator(path_)) out.insert(entry.path().filename());
    return out;
  }

  std::string path_;
  OddFiles files_;
  SystemEntropy entropy_;
};

TEST_F(WholeFile, IsMadeAndItsNameIsDurable) {
  for (const bool knows_rename_flags : {true, false}) {
    SCOPED_TRACE(knows_rename_flags);
    files_.knows_rename_flags = knows_rename_flags;
    ASSERT_TRUE(create("new"));
    EXPECT_EQ(content(), "new");
    EXPECT_EQ(names(), std::set<std::string>{"file"});
    struct stat found {};
    ASSERT_EQ(::stat((path_ + "/file").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0600U);
    EXPECT_EQ(std::exchange(files_.made_or_synced, {}), std::vector<std::string>{"synced " + path_});
    fs::remove(path_ + "/file");
  }
}

TEST_F(WholeFile, TakesNoNameThatSomebodyHas) {
  for (const char* name : {"/file", "/file.new"}) std::ofstream(path_ + name) << "mine";
  EXPECT_EQ(create("new").error().code, Errc::kExists);
  EXPECT_EQ(content(), "mine");
  fs::remove(path_ + "/file");
  fs::create_symlink("nowhere", path_ + "/file");
  EXPECT_EQ(create("new").error().code, Errc::kExists);
  EXPECT_EQ(names(), (std::set<std::string>{"file", "file.new"}));
}

TEST_F(WholeFile, TakesNoNameThatIsTakenMeanwhile) {
  for (const bool knows_rename_flags : {true, false}) {
    SCOPED_TRACE(knows_rename_flags);
    files_.knows_rename_flags = knows_rename_flags;
    files_.when_file_is_synced = [&] { std::ofstream(path_ + "/file") << "mine"; };
    const auto refused = create("new");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kExists);
    EXPECT_EQ(content(), "mine");
    EXPECT_EQ(names(), std::set<std::string>{"file"});
    fs::remove(path_ + "/file");
  }
}

TEST_F(WholeFile, LeavesNothingOfOneThatCouldNotBeWritten) {
  files_.is_full = true;
  const auto refused = create("new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errno_value, ENOSPC);
  EXPECT_NE(refused.error().message.find(path_ + "/file"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(names().empty());
}

TEST_F(WholeFile, HasAName255BytesLong) {
  const std::string name(255, 'n');
  ASSERT_TRUE(create_file(files_, path_ + "/" + name, as_bytes("x"), 0600, entropy_));
  EXPECT_EQ(names(), std::set<std::string>{name});
}

TEST_F(WholeFile, IsReplacedAndAStaleTemporaryTakenOver) {
  std::ofstream(path_ + "/file.new") << "stale, and longer";
  for (const char* text : {"first", "2nd"}) {
    ASSERT_TRUE(replace_file(files_, AT_FDCWD, path_ + "/file", as_bytes(text), 0600));
    EXPECT_EQ(content(), text);
    EXPECT_EQ(names(), std::set<std::string>{"file"});
  }
}

// Only the innermost one's name was durable: a power cut took the others, with all that was below.
TEST_F(WholeFile, ADirectoryIsDurableWithAllThatWereMadeForIt) {
  ASSERT_TRUE(make_directories(files_, path_ + "/a"));
  files_.made_or_synced.clear();
  ASSERT_TRUE(make_directories(files_, path_ + "/a/b//c/"));
  EXPECT_EQ(files_.made_or_synced,
            (std::vector<std::string>{"made " + path_ + "/a/b", "synced " + path_ + "/a",
                                      "made " + path_ + "/a/b/c", "synced " + path_ + "/a/b"}));
  files_.made_or_synced.clear();
  ASSERT_TRUE(make_directories(files_, path_ + "/a/b"));
  EXPECT_TRUE(files_.made_or_synced.empty());
  std::ofstream(path_ + "/file").close();
  EXPECT_EQ(make_directories(files_, path_ + "/file/a").error().errno_value, ENOTDIR);
}

// Who may write a directory and not read it had one made there, and was told that it failed.
TEST_F(WholeFile, ADirectoryIsMadeWhereItsParentCannotBeRead) {
  files_.opening_directories_fails_with = EACCES;
  EXPECT_TRUE(make_directories(files_, path_ + "/a/b"));
  EXPECT_TRUE(fs::is_directory(path_ + "/a/b"));
}

// The second try found it there and synced nothing.
TEST_F(WholeFile, ADirectoryWhoseNameCouldNotBeSyncedIsGone) {
  files_.opening_directories_fails_with = EIO;
  EXPECT_EQ(make_directories(files_, path_ + "/a").error().errno_value, EIO);
  EXPECT_TRUE(names().empty());
}

TEST(ParentOf, IsTheDirectoryOfTheLastPart) {
  const std::vector<std::pair<std::string, std::string>> cases{{"a", "."},   {"a/", "."},      {"/a", "/"},
                                                               {"/a/", "/"}, {"/a/b//", "/a"}, {"/", "/"}};
  for (const auto& [path, parent] : cases) EXPECT_EQ(parent_of(path), parent) << path;
}

}  // namespace
}  // namespace enfold
