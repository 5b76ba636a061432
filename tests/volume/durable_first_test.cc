// What is synced before what: the order of lower syncs, renames and links, as the lower filesystem sees it.
#include <linux/fs.h>

#include <algorithm>
#include <functional>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

const std::string kLong(200, 'n');
const std::string kOtherLong(201, 'o');

class DurableFirst : public testing::Test {
 protected:
  // All that was made before is durable; the order of what follows is kept.
  void begin() {
    checkpoint();
    world.files.watch_order([this](const char* call, int fd, const std::string& name) {
      if (std::string_view(call) == "list") return;
      std::error_code ignored;
      const stdfs::path path = stdfs::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored);
      order.push_back(std::string(call) + " " + (name.empty() ? path : path / name).string());
    });
  }

  void checkpoint() {
    const CrashEpoch ended = world.epochs.end_epoch();
    world.epochs.set_durable(ended);
    world.tree().checkpointed();
  }

  std::string marker(const std::string& path) { return (world.lower(path) / kMarkerName).string(); }
  std::string sidecar(const std::string& path) { return sidecar_of(world.lower(path).string()); }
  std::string lower(const std::string& path) { return world.lower(path).string(); }

  [[nodiscard]] std::ptrdiff_t place(const std::string& line) const {
    const auto found = std::ranges::find(order, line);
    return found == order.end() ? -1 : found - order.begin();
  }
  [[nodiscard]] bool was(const std::string& line) const { return place(line) >= 0; }
  [[nodiscard]] bool was_before(const std::string& first, const std::string& second) const {
    return was(first) && was(second) && place(first) < place(second);
  }
  [[nodiscard]] std::string all() const {
    std::string out;
    for (const std::string& line : order) out += "\n  " + line;
    return out;
  }
  [[nodiscard]] std::size_t syncs() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(order, [](const std::string& line) { return line.contains("sync "); }));
  }

  Result<void> sync_file(const std::string& path) {
    ENFOLD_TRY_ASSIGN(auto handle, world.tree().open_file(world.inode(path), O_RDWR));
    ENFOLD_TRY(handle->sync(false));
    return handle->release();
  }
  Result<void> sync_directory(const std::string& path) {
    ENFOLD_TRY_ASSIGN(auto handle, world.tree().open_directory(world.inode(path)));
    return handle->sync();
  }
  Result<void> link(const std::string& from, const std::string& directory, const std::string& name) {
    auto linked = world.tree().link(world.inode(from), world.inode(directory), name);
    if (!linked) return std::unexpected(linked.error());
    return {};
  }

  TreeWorld world;
  std::vector<std::string> order;
};

TEST_F(DurableFirst, AnFsyncOfAFileSyncsTheMarkersAboveIt) {
  begin();
  world.make_directory("a");
  world.make_directory("a/b");
  world.make_directory("a/b/c");
  world.make_directory("beside");
  world.make_file("a/b/c/f", "content");
  EXPECT_TRUE(order.empty()) << "making things syncs nothing" << all();
  ASSERT_TRUE(is_ok(sync_file("a/b/c/f")));
  EXPECT_TRUE(was("fsync " + marker("a"))) << all();
  EXPECT_TRUE(was("fsync " + marker("a/b"))) << all();
  EXPECT_TRUE(was("fsync " + marker("a/b/c"))) << all();
  EXPECT_FALSE(was("fsync " + marker("beside"))) << all();
  EXPECT_FALSE(was("fsync " + marker(""))) << all();
  order.clear();
  ASSERT_TRUE(is_ok(sync_file("a/b/c/f")));
  EXPECT_EQ(syncs(), 1U) << "once is enough" << all();
}

TEST_F(DurableFirst, AnFsyncOfAFileSyncsTheSidecarOfItsName) {
  begin();
  world.make_file(kLong, "content");
  ASSERT_TRUE(is_ok(sync_file(kLong)));
  EXPECT_TRUE(was("fsync " + sidecar(kLong))) << all();
  order.clear();
  ASSERT_TRUE(is_ok(sync_file(kLong)));
  EXPECT_FALSE(was("fsync " + sidecar(kLong))) << all();
}

// Without it the whole directory was set aside after a power cut.
TEST_F(DurableFirst, AnFsyncSyncsTheSidecarsOfTheDirectoriesAboveToo) {
  begin();
  world.make_directory(kLong);
  world.make_directory(kLong + "/" + kOtherLong);
  world.make_directory(kLong + "/new");
  world.make_file(kLong + "/" + kOtherLong + "/f", "content");
  ASSERT_TRUE(is_ok(sync_directory(kLong)));
  EXPECT_TRUE(was("fsync " + sidecar(kLong))) << all();
  order.clear();
  world.make_directory(kOtherLong);
  world.make_directory(kOtherLong + "/d");
  world.make_file(kOtherLong + "/d/f", "content");
  ASSERT_TRUE(is_ok(sync_file(kOtherLong + "/d/f")));
  EXPECT_TRUE(was("fsync " + sidecar(kOtherLong))) << all();
}

TEST_F(DurableFirst, ARenameIntoANewDirectorySyncsTheSidecarOfItsNameFirst) {
  world.make_file("f", "content");
  begin();
  world.make_directory(kLong);
  ASSERT_TRUE(is_ok(world.rename("f", kLong + "/f")));
  EXPECT_TRUE(was_before("fsync " + sidecar(kLong), "rename " + lower(kLong + "/f"))) << all();
}

TEST_F(DurableFirst, WhatACheckpointCoveredIsNotSyncedAgain) {
  begin();
  world.make_directory("d");
  world.make_file("d/" + kLong, "content");
  checkpoint();
  order.clear();
  ASSERT_TRUE(is_ok(sync_file("d/" + kLong)));
  EXPECT_EQ(syncs(), 1U) << all();
}

// The epoch in which it was made had not ended when that sync began.
TEST_F(DurableFirst, WhatWasMadeAfterTheEpochEndedIsNotCoveredByItsCheckpoint) {
  begin();
  const CrashEpoch ended = world.epochs.end_epoch();
  world.make_directory("d");
  world.epochs.set_durable(ended);
  world.tree().checkpointed();
  world.make_file("d/f");
  ASSERT_TRUE(is_ok(sync_file("d/f")));
  EXPECT_TRUE(was("fsync " + marker("d"))) << all();
}

// The kernel forgets inodes when it pleases: what was to be synced was kept in them once, and lost with them.
TEST_F(DurableFirst, AMarkerIsSyncedEvenWhenTheKernelForgotItsDirectory) {
  begin();
  const InodeNumber a = world.make_directory("a");
  const InodeNumber b = world.make_directory("a/b");
  const InodeNumber f = world.make_file("a/b/f", "content");
  const InodeNumber s = world.make_symlink("a/b/s", "target");
  for (const InodeNumber inode : {s, f, b, a}) world.tree().forget(inode, 100);
  ASSERT_TRUE(is_ok(sync_file("a/b/f")));
  EXPECT_TRUE(was("fsync " + marker("a"))) << all();
  EXPECT_TRUE(was("fsync " + marker("a/b"))) << all();
  ASSERT_TRUE(is_ok(sync_directory("a/b")));
  EXPECT_TRUE(was("fsync " + lower("a/b/s"))) << all();
}

TEST_F(DurableFirst, ARenameIntoANewDirectorySyncsItsMarkersFirst) {
  world.make_file("f", "content");
  begin();
  world.make_directory("a");
  world.make_directory("a/b");
  ASSERT_TRUE(is_ok(world.rename("f", "a/b/f")));
  const std::string renamed = "rename " + lower("a/b/f");
  EXPECT_TRUE(was_before("fsync " + marker("a"), renamed)) << all();
  EXPECT_TRUE(was_before("fsync " + marker("a/b"), renamed)) << all();
}

TEST_F(DurableFirst, ARenameWithinANewDirectorySyncsNothing) {
  begin();
  world.make_directory("a");
  world.make_file("a/f", "content");
  ASSERT_TRUE(is_ok(world.rename("a/f", "a/g")));
  EXPECT_EQ(syncs(), 0U) << all();
}

TEST_F(DurableFirst, AnExchangeSyncsTheMarkersOfBothDirectoriesFirst) {
  begin();
  world.make_directory("a");
  world.make_directory("b");
  world.make_file("a/f", "1");
  world.make_file("b/g", "2");
  ASSERT_TRUE(is_ok(world.rename("a/f", "b/g", RENAME_EXCHANGE)));
  const std::string renamed = "rename " + lower("b/g");
  EXPECT_TRUE(was_before("fsync " + marker("a"), renamed)) << all();
  EXPECT_TRUE(was_before("fsync " + marker("b"), renamed)) << all();
}

TEST_F(DurableFirst, ALinkIntoANewDirectorySyncsItsMarkersFirst) {
  world.make_file("f", "content");
  begin();
  world.make_directory("a");
  world.make_directory("a/b");
  ASSERT_TRUE(is_ok(link("f", "a/b", "g")));
  const std::string linked = "link " + lower("a/b/g");
  EXPECT_TRUE(was_before("fsync " + marker("a"), linked)) << all();
  EXPECT_TRUE(was_before("fsync " + marker("a/b"), linked)) << all();
}

TEST_F(DurableFirst, ARenameOrLinkToALongNameSyncsTheSidecarFirst) {
  world.make_file("f", "content");
  begin();
  ASSERT_TRUE(is_ok(world.rename("f", kLong)));
  EXPECT_TRUE(was_before("fsync " + sidecar(kLong), "rename " + lower(kLong))) << all();
  ASSERT_TRUE(is_ok(link(kLong, "", kOtherLong)));
  EXPECT_TRUE(was_before("fsync " + sidecar(kOtherLong), "link " + lower(kOtherLong))) << all();
}

TEST_F(DurableFirst, ARenameOverALongNameSyncsTheSidecarThatIsThere) {
  world.make_file("f", "content");
  begin();
  world.make_file(kLong, "new");
  ASSERT_TRUE(is_ok(world.rename("f", kLong)));
  EXPECT_TRUE(was_before("fsync " + sidecar(kLong), "rename " + lower(kLong))) << all();
}

TEST_F(DurableFirst, AnExchangeSyncsTheSidecarsOfBothNamesFirst) {
  begin();
  world.make_file(kLong, "1");
  world.make_file(kOtherLong, "2");
  ASSERT_TRUE(is_ok(world.rename(kLong, kOtherLong, RENAME_EXCHANGE)));
  const std::string renamed = "rename " + lower(kOtherLong);
  EXPECT_TRUE(was_before("fsync " + sidecar(kLong), renamed)) << all();
  EXPECT_TRUE(was_before("fsync " + sidecar(kOtherLong), renamed)) << all();
}

// A file with two names may be known by one of them when it is synced.
TEST_F(DurableFirst, ALinkSyncsTheSidecarOfTheFirstName) {
  begin();
  world.make_file(kLong, "content");
  ASSERT_TRUE(is_ok(link(kLong, "", "short")));
  EXPECT_TRUE(was_before("fsync " + sidecar(kLong), "link " + lower("short"))) << all();
}

TEST_F(DurableFirst, ASymlinkIsSyncedBeforeItIsRenamedOverAnything) {
  world.make_symlink("old", "before");
  begin();
  world.make_symlink("new", "after");
  const std::string synced = "fsync " + lower("new");
  ASSERT_TRUE(is_ok(world.rename("new", "old")));
  EXPECT_TRUE(was_before(synced, "rename " + lower("old"))) << all();
}

TEST_F(DurableFirst, ASymlinkThatReplacesNothingIsNotSynced) {
  begin();
  world.make_symlink("new", "after");
  ASSERT_TRUE(is_ok(world.rename("new", "elsewhere")));
  EXPECT_EQ(syncs(), 0U) << all();
}

TEST_F(DurableFirst, AnFsyncOfADirectorySyncsAllThatWasMadeInIt) {
  begin();
  world.make_directory("a");
  world.make_directory("a/b");
  world.make_file("a/b/f", "content");
  world.make_file("a/b/" + kLong, "content");
  world.make_symlink("a/b/s", "target");
  world.make_directory("a/b/sub");
  world.make_file("a/g");
  ASSERT_TRUE(is_ok(sync_directory("a/b")));
  const std::string itself = "fsync " + lower("a/b");
  for (const std::string& first : {lower("a/b/f"), lower("a/b/" + kLong), sidecar("a/b/" + kLong),
                                   lower("a/b/s"), marker("a/b/sub"), marker("a/b"), marker("a")})
    EXPECT_TRUE(was_before("fsync " + first, itself)) << first << all();
  EXPECT_FALSE(was("fsync " + lower("a/g"))) << "it was not made there" << all();
  order.clear();
  ASSERT_TRUE(is_ok(sync_directory("a/b")));
  EXPECT_EQ(order, std::vector{itself}) << all();
}

TEST_F(DurableFirst, AnFsyncOfADirectorySyncsWhatWasMovedOrLinkedIntoIt) {
  world.make_directory("d");
  begin();
  world.make_file("f", "content");
  world.make_file("g", "content");
  world.make_symlink("s", "target");
  ASSERT_TRUE(is_ok(world.rename("f", "d/f")));
  ASSERT_TRUE(is_ok(world.rename("s", "d/s")));
  ASSERT_TRUE(is_ok(link("g", "d", "g")));
  ASSERT_TRUE(is_ok(sync_directory("")));
  EXPECT_FALSE(was("fsync " + lower("d/f"))) << "it is here no more" << all();
  EXPECT_TRUE(was("fsync " + lower("g"))) << all();
  order.clear();
  world.make_file("h", "content");
  ASSERT_TRUE(is_ok(link("h", "d", "h")));
  ASSERT_TRUE(is_ok(sync_directory("d")));
  for (const char* path : {"d/f", "d/s", "d/h"}) EXPECT_TRUE(was("fsync " + lower(path))) << path << all();
}

TEST_F(DurableFirst, AFileThatWasSyncedItselfIsNotSyncedAgainWithItsDirectory) {
  begin();
  world.make_file("f", "content");
  ASSERT_TRUE(is_ok(sync_file("f")));
  order.clear();
  ASSERT_TRUE(is_ok(sync_directory("")));
  EXPECT_EQ(order, std::vector{"fsync " + lower("")}) << all();
}

TEST_F(DurableFirst, AnFsyncOfADirectoryOfManyNewFilesSyncsTheFilesystemOnce) {
  begin();
  world.make_directory("d");
  for (int i = 0; i < 65; ++i) world.make_file("d/" + std::to_string(i));
  ASSERT_TRUE(is_ok(sync_directory("d")));
  EXPECT_EQ(order, std::vector{"syncfs " + lower("")}) << all();
  order.clear();
  ASSERT_TRUE(is_ok(sync_directory("d")));
  EXPECT_EQ(order, std::vector{"fsync " + lower("d")}) << "that covered all of them" << all();
}

TEST_F(DurableFirst, WhatWasRemovedIsNotWaitedFor) {
  begin();
  world.make_directory("d");
  world.make_file("d/f");
  world.make_directory("d/sub");
  world.make_file("d/" + kLong);
  ASSERT_TRUE(is_ok(world.unlink("d/f")));
  ASSERT_TRUE(is_ok(world.unlink("d/" + kLong)));
  ASSERT_TRUE(is_ok(world.remove_directory("d/sub")));
  ASSERT_TRUE(is_ok(sync_directory("d")));
  EXPECT_EQ(order, (std::vector{"fsync " + marker("d"), "fsync " + lower("d")})) << all();
}

// Taken out and put back, the marker is a new file.
TEST_F(DurableFirst, AMarkerThatWasPutBackIsSyncedAgain) {
  world.make_directory("d");
  const stdfs::path path = marker("d");
  begin();
  int put_back = 0;
  for (int n = 1; n < 40; ++n) {
    checkpoint();
    const auto before = stdfs::last_write_time(path);
    world.files.fail_at(n, EIO);
    const Result<void> removed = world.tree().remove_directory(kRootInode, "d");
    world.files.heal();
    world.forget_sync_failure();
    if (removed) break;
    if (!stdfs::exists(path) || stdfs::last_write_time(path) == before) continue;
    ++put_back;
    const std::string file = "d/f" + std::to_string(n);
    world.make_file(file, "content");
    order.clear();
    ASSERT_TRUE(is_ok(sync_file(file)));
    EXPECT_TRUE(was("fsync " + path.string())) << "after failing call " << n << all();
    ASSERT_TRUE(is_ok(world.unlink(file)));
  }
  EXPECT_GT(put_back, 0) << "no failing removal put the marker back";
}

class FailedSync : public DurableFirst {
 protected:
  // Its first sync below fails.
  Result<void> with_a_failing_sync(const std::function<Result<void>()>& operation) {
    world.files.fail_sync_at(1, EIO);
    Result<void> done = operation();
    world.files.heal();
    EXPECT_EQ(world.files.failures(), 1);
    return done;
  }
};

TEST_F(FailedSync, OfAMarkerIsNeverReportedAsDoneLater) {
  begin();
  world.make_directory("d");
  world.make_file("f", "content");
  const Result<void> moved = with_a_failing_sync([&] { return world.rename("f", "d/f"); });
  EXPECT_EQ(errno_of_result(moved), EIO);
  EXPECT_EQ(world.names(), (std::set<std::string>{"d", "f"}));
  EXPECT_EQ(errno_of_result(world.rename("f", "d/f")), EIO);
  world.make_file("d/g", "content");
  EXPECT_EQ(errno_of_result(sync_file("d/g")), EIO);
  EXPECT_EQ(errno_of_result(sync_directory("d")), EIO);
  EXPECT_EQ(errno_of_result(sync_directory("")), EIO) << "no directory is said to be durable";
}

TEST_F(FailedSync, OfASidecarIsNeverReportedAsDoneLater) {
  begin();
  world.make_file(kLong, "content");
  const Result<void> linked = with_a_failing_sync([&] { return link(kLong, "", "short"); });
  EXPECT_EQ(errno_of_result(linked), EIO);
  EXPECT_EQ(errno_of_result(sync_file(kLong)), EIO);
  EXPECT_EQ(errno_of_result(link(kLong, "", "short")), EIO);
}

TEST_F(FailedSync, OfASymlinkLeavesWhatItWasToReplace) {
  world.make_symlink("old", "before");
  begin();
  world.make_symlink("new", "after");
  const Result<void> renamed = with_a_failing_sync([&] { return world.rename("new", "old"); });
  EXPECT_EQ(errno_of_result(renamed), EIO);
  EXPECT_EQ(errno_of_result(world.rename("new", "old")), EIO);
  EXPECT_EQ(world.tree().read_link(world.inode("old")).value_or(""), "before");
}

TEST_F(FailedSync, OfAHeaderByItsDirectoryIsNotForgottenByTheFile) {
  begin();
  world.make_file("f", "content");
  const Result<void> synced = with_a_failing_sync([&] { return sync_directory(""); });
  EXPECT_EQ(errno_of_result(synced), EIO);
  EXPECT_EQ(errno_of_result(sync_file("f")), EIO);
}

}  // namespace
}  // namespace enfold
