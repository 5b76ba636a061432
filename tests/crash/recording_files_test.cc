// The recorder: what its log says, replayed in full, is what is on the disk.
#include "tests/crash/recording_files.h"

#include <gtest/gtest.h>
#include <linux/fs.h>

#include "kms/base/whole_file.h"
#include "tests/crash/power_cut.h"
#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

// The state with everything in its newest form.
LowerTree newest(const LowerLog& log) {
  const PowerCut cut(log, Journal::kXfs);
  const std::size_t moment = log.calls.size();
  const PowerCut::Choices choices = cut.choices(moment, PowerCut::Prefixes(log.start.roots.size(), moment));
  std::vector<std::size_t> digits;
  for (const std::size_t options : choices.options) digits.push_back(options - 1);
  LowerTree out;
  EXPECT_TRUE(cut.build(choices, digits, out));
  return out;
}

LowerTree on_disk(const stdfs::path& path) {
  LowerTree out;
  NodeId next = 1;
  add_root(path, out, next, nullptr);
  return out;
}

class Recorder : public testing::Test {
 protected:
  Recorder() {
    stdfs::create_directory(place.path() / "root");
    spill(place.path() / "root/old", std::string(10'000, 'o'));
    files = std::make_unique<RecordingFiles>(std::vector{place.path() / "root"});
    dir = std::move(*files->open_at(AT_FDCWD, place.path() / "root", O_RDONLY | O_DIRECTORY, 0));
  }
  Fd open(const std::string& name, int flags) {
    auto fd = files->open_at(dir.get(), name, flags, 0600);
    EXPECT_TRUE(is_ok(fd));
    return std::move(*fd);
  }
  void write(const Fd& fd, const std::string& text, std::uint64_t offset) {
    EXPECT_TRUE(is_ok(write_full(*files, fd.get(), as_bytes(text), offset)));
  }
  void expect_log_is_disk() {
    EXPECT_EQ(on_disk(place.path() / "root").fingerprint(), newest(files->log()).fingerprint());
  }

  TemporaryDirectory place;
  std::unique_ptr<RecordingFiles> files;
  Fd dir;
};

TEST_F(Recorder, FollowsWritesAndSizes) {
  const Fd old = open("old", O_RDWR);
  write(old, "in the middle", 5000);
  write(old, std::string(6000, 'e'), 9000);
  EXPECT_TRUE(is_ok(files->truncate(old.get(), 4100)));
  EXPECT_TRUE(is_ok(files->truncate(old.get(), 20'000)));
  const Fd made = open("new", O_RDWR | O_CREAT | O_EXCL);
  write(made, "beyond a hole", 9000);
  expect_log_is_disk();
}

TEST_F(Recorder, FollowsHolesAndReservedBlocks) {
  constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const Fd old = open("old", O_RDWR);
  EXPECT_TRUE(is_ok(files->allocate(old.get(), kPunch, 0, kPageBytes)));
  EXPECT_TRUE(is_ok(files->allocate(old.get(), kPunch, kPageBytes + 100, kPageBytes)));
  write(old, "again", 10);
  expect_log_is_disk();
  EXPECT_TRUE(is_ok(files->allocate(old.get(), FALLOC_FL_KEEP_SIZE, 0, 10 * kPageBytes)));
  EXPECT_TRUE(is_ok(files->allocate(old.get(), 0, 0, 5 * kPageBytes)));
  EXPECT_TRUE(is_ok(files->allocate(old.get(), FALLOC_FL_ZERO_RANGE, 4 * kPageBytes, 3 * kPageBytes)));
  expect_log_is_disk();
}

TEST_F(Recorder, FollowsNames) {
  const Fd made = open("new", O_WRONLY | O_CREAT);
  write(made, "text", 0);
  EXPECT_TRUE(is_ok(files->make_directory_at(dir.get(), "d", 0700)));
  EXPECT_TRUE(is_ok(files->make_directory_at(dir.get(), "gone", 0700)));
  EXPECT_TRUE(is_ok(files->unlink_at(dir.get(), "gone", AT_REMOVEDIR)));
  const Fd below = open("d", O_RDONLY | O_DIRECTORY);
  EXPECT_TRUE(is_ok(files->link_at(made.get(), below.get(), "second name")));
  EXPECT_TRUE(is_ok(files->rename_at(dir.get(), "new", below.get(), "first name", 0)));
  EXPECT_TRUE(is_ok(files->rename_at(below.get(), "first name", dir.get(), "old", RENAME_EXCHANGE)));
  EXPECT_TRUE(is_ok(files->unlink_at(below.get(), "first name", 0)));
  EXPECT_TRUE(is_ok(files->set_mode(below.get(), 0500)));
  expect_log_is_disk();
  EXPECT_TRUE(is_ok(files->set_mode(below.get(), 0700)));
}

TEST_F(Recorder, KnowsANewInodeFromAnOldOneOfItsNumber) {
  for (int i = 0; i < 20; ++i) {
    const Fd made = open("again", O_WRONLY | O_CREAT | O_EXCL);
    write(made, std::to_string(i), 0);
    EXPECT_TRUE(is_ok(files->unlink_at(dir.get(), "again", 0)));
  }
  std::set<NodeId> nodes;
  for (const LowerCall& call : files->log().calls)
    if (call.kind == LowerCall::Kind::kCreate) nodes.insert(call.node);
  EXPECT_EQ(nodes.size(), 20U);
  expect_log_is_disk();
}

TEST_F(Recorder, LogsSyncsAndNothingOutsideOfTheRoots) {
  const Fd old = open("old", O_RDWR);
  EXPECT_TRUE(is_ok(files->sync(old.get())));
  EXPECT_TRUE(is_ok(files->sync_data(old.get())));
  EXPECT_TRUE(is_ok(files->sync_filesystem(dir.get())));
  ASSERT_EQ(files->position(), 3U);
  EXPECT_TRUE(is_ok(replace_file(*files, AT_FDCWD, place.path() / "beside", as_bytes("text"), 0600)));
  EXPECT_EQ(files->position(), 3U);
  EXPECT_TRUE(is_ok(replace_file(*files, AT_FDCWD, place.path() / "root/x", as_bytes("text"), 0600)));
  EXPECT_GT(files->position(), 3U);
  expect_log_is_disk();
}

TEST_F(Recorder, LetsADeadProcessChangeNothing) {
  const Fd old = open("old", O_RDWR);
  files->kill();
  EXPECT_FALSE(files->write_at(old.get(), as_bytes("x"), 0));
  EXPECT_FALSE(files->truncate(old.get(), 0));
  EXPECT_FALSE(files->unlink_at(dir.get(), "old", 0));
  EXPECT_FALSE(files->open_at(dir.get(), "new", O_WRONLY | O_CREAT, 0600));
  EXPECT_EQ(files->position(), 0U);
  expect_log_is_disk();
}

TEST_F(Recorder, PutsStatesInPlace) {
  EXPECT_TRUE(is_ok(files->make_directory_at(dir.get(), "d", 0700)));
  const Fd below = open("d", O_RDONLY | O_DIRECTORY);
  EXPECT_TRUE(is_ok(files->link_at(open("old", O_RDONLY).get(), below.get(), "linked")));
  EXPECT_TRUE(is_ok(files->truncate(open("old", O_RDWR).get(), 123'456)));
  const LowerTree state = newest(files->log());
  write_root(state, 0, place.path() / "copy");
  EXPECT_EQ(state.fingerprint(), on_disk(place.path() / "copy").fingerprint());
}

}  // namespace
}  // namespace enfold
