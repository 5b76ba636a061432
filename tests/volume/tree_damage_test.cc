// What others put into the lower directory, or changed there: reported, never followed, and no neighbour
// suffers.
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

void flip(const stdfs::path& path, std::size_t at) {
  std::string content = slurp(path);
  ASSERT_LT(at, content.size());
  content[at] = static_cast<char>(content[at] ^ 1);
  spill(path, content);
}

// A directory "d" with one good file, whose neighbours the tests plant.
class TreeDamage : public testing::Test {
 protected:
  void SetUp() override {
    world.make_directory("d");
    world.make_file("d/good", "content");
  }
  void TearDown() override {
    EXPECT_EQ(world.read("d/good").value_or(""), "content");
    EXPECT_TRUE(world.names("d").contains("good"));
  }

  // Where a plain name would be.
  stdfs::path below(const std::string& name) { return world.lower("d") / world.lower_name("d", name).name; }

  void expect_left_alone(const std::string& name) {
    const InodeNumber directory = world.inode("d");
    EXPECT_EQ(world.names("d"), std::set<std::string>{"good"});
    EXPECT_EQ(errno_of_result(world.tree().lookup(directory, name)), EIO);
    EXPECT_EQ(errno_of_result(world.unlink("d/" + name)), EIO);
    EXPECT_EQ(errno_of_result(world.rename("d/" + name, "d/other")), EIO);
    EXPECT_EQ(errno_of_result(world.rename("d/good", "d/" + name)), EIO);
    EXPECT_EQ(errno_of_result(world.remove_directory("d")), ENOTEMPTY);
    EXPECT_TRUE(stdfs::exists(stdfs::symlink_status(below(name))));
  }

  TreeWorld world;
};

TEST_F(TreeDamage, APlantedSymlinkIsNeverFollowed) {
  const stdfs::path outside = world.directory.path() / "outside";
  spill(outside, "not ours");
  stdfs::create_symlink(outside, below("link"));
  expect_left_alone("link");
  EXPECT_EQ(slurp(outside), "not ours");
}

TEST_F(TreeDamage, APlantedFifoBlocksNobody) {
  ASSERT_EQ(::mkfifo(below("fifo").c_str(), 0600), 0);
  expect_left_alone("fifo");
}

TEST_F(TreeDamage, APlantedSocketIsLeftAlone) {
  ASSERT_EQ(::mknod(below("socket").c_str(), S_IFSOCK | 0600, 0), 0);
  expect_left_alone("socket");
}

TEST_F(TreeDamage, ForeignNamesAreLeftOutOfTheListing) {
  spill(world.lower("d") / "notes (conflicted copy).txt", "a sync tool's");
  spill(world.lower("d") / "enfold.lock", "");
  stdfs::create_directory(world.lower("d") / "lost+found");
  EXPECT_EQ(world.names("d"), std::set<std::string>{"good"});
  EXPECT_EQ(errno_of_result(world.remove_directory("d")), ENOTEMPTY);
}

TEST_F(TreeDamage, ANameMovedFromAnotherDirectoryIsLeftOut) {
  world.make_file("elsewhere", "content");
  stdfs::rename(world.lower("elsewhere"), world.lower("d") / world.lower("elsewhere").filename());
  EXPECT_EQ(world.names("d"), std::set<std::string>{"good"});
}

TEST_F(TreeDamage, AMissingOrForeignSidecarHidesOnlyItsEntry) {
  const std::string first(200, 'a');
  const std::string second(200, 'b');
  world.make_file("d/" + first, "first");
  world.make_file("d/" + second, "second");
  const auto sidecar = [&](const std::string& name) {
    return world.lower("d") / sidecar_of(world.lower_name("d", name).name);
  };
  const std::string content = slurp(sidecar(first));
  spill(sidecar(first), slurp(sidecar(second)));
  EXPECT_EQ(world.names("d"), (std::set<std::string>{"good", second}));
  stdfs::remove(sidecar(first));
  EXPECT_EQ(world.names("d"), (std::set<std::string>{"good", second}));
  ASSERT_EQ(::mkfifo(sidecar(first).c_str(), 0600), 0);
  EXPECT_EQ(world.names("d"), (std::set<std::string>{"good", second}));
  EXPECT_EQ(world.read("d/" + first).value_or(""), "first") << "its name is still known by its hash";
}

TEST_F(TreeDamage, AFileOfImpossibleSizeIsEmptyUnreadableAndRemovable) {
  for (std::uintmax_t size : {0U, 1U, 4095U, 4097U, 2U * 4096U + 4090U}) {
    world.make_file("d/a", std::string(9'000, 'x'));
    stdfs::resize_file(world.lower("d/a"), size);
    world.reopen();
    auto status = world.status("d/a");
    ASSERT_TRUE(is_ok(status));
    EXPECT_EQ(status->st_size, 0);
    EXPECT_EQ(status->st_mode & S_IFMT, mode_t{S_IFREG});
    EXPECT_EQ(errno_of_result(world.read("d/a")), EIO) << size;
    EXPECT_TRUE(is_ok(world.unlink("d/a")));
  }
}

TEST_F(TreeDamage, EveryBitOfASymlinkIsAuthenticatedAndADamagedOneCanBeRemoved) {
  world.make_symlink("d/link", "target");
  const stdfs::path lower = world.lower("d/link");
  for (std::size_t at = 0; at < slurp(lower).size(); at += 97) {
    flip(lower, at);
    world.reopen();
    const InodeNumber inode = world.inode("d/link");
    EXPECT_EQ(world.status("d/link")->st_mode, mode_t{S_IFREG | 0600}) << "shows as a file as it is below";
    EXPECT_EQ(world.status("d/link")->st_size, 0);
    EXPECT_EQ(errno_of_result(world.tree().read_link(inode)), EIO) << at;
    EXPECT_EQ(errno_of_result(world.tree().open_file(inode, O_RDONLY)), EIO) << at;
    flip(lower, at);
  }
  flip(lower, 100);
  EXPECT_TRUE(is_ok(world.unlink("d/link")));
}

TEST_F(TreeDamage, ASpecialObjectThatMayNotBeReadShowsAsAFileThatMayNotBeOpened) {
  world.make_node("d/fifo", S_IFIFO | 0600);
  bool is_shown_as_file = false;
  for (int call = 1; call < 10; ++call) {
    world.reopen();
    const InodeNumber directory = world.inode("d");
    world.files.fail_at(call, EACCES);
    auto entry = world.tree().lookup(directory, "fifo");
    world.files.heal();
    if (world.files.failures() == 0 || !entry || !S_ISREG(entry->attributes.st_mode)) continue;
    is_shown_as_file = true;
    world.files.fail_at(1, EACCES);
    EXPECT_EQ(errno_of_result(world.tree().open_file(entry->inode, O_RDONLY)), EACCES);
    world.files.heal();
    EXPECT_TRUE(S_ISFIFO(world.status("d/fifo")->st_mode)) << "as soon as it reads";
  }
  EXPECT_TRUE(is_shown_as_file);
}

TEST_F(TreeDamage, ASymlinkMadeOfAnotherKindsContentIsRefused) {
  world.make_node("d/char", S_IFCHR | 0600, 7);
  world.make_symlink("d/link", "target");
  std::string content = slurp(world.lower("d/char"));
  content.resize(4064);
  spill(world.lower("d/link"), content);
  EXPECT_EQ(errno_of_result(world.tree().read_link(world.inode("d/link"))), 0) << "known before the exchange";
  world.reopen();
  EXPECT_EQ(errno_of_result(world.tree().read_link(world.inode("d/link"))), EIO);
}

TEST_F(TreeDamage, AFileThatBecameASymlinkIsAnotherInode) {
  const InodeNumber file = world.make_file("d/a", "content");
  world.make_symlink("d/link", "target");
  spill(world.lower("d/a"), slurp(world.lower("d/link")));
  EXPECT_EQ(errno_of_result(world.tree().attributes(file)), ESTALE);
  EXPECT_EQ(errno_of_result(world.tree().open_file(file, O_RDONLY)), ESTALE);
  EXPECT_NE(world.inode("d/a"), file);
}

TEST_F(TreeDamage, AFileReplacedByAnotherIsStale) {
  const InodeNumber first = world.make_file("d/a", "first");
  world.make_file("d/b", "second");
  ASSERT_EQ(world.read("d/a").value_or(""), "first");
  // The whole content of another file in the same lower inode.
  spill(world.lower("d/a"), slurp(world.lower("d/b")));
  EXPECT_EQ(errno_of_result(world.tree().open_file(first, O_RDONLY)), ESTALE);
  stdfs::rename(world.lower("d/b"), world.lower("d/a"));
  EXPECT_EQ(errno_of_result(world.tree().attributes(first)), ESTALE);
}

TEST_F(TreeDamage, ADirectoryReplacedByASymlinkLeadsNowhere) {
  const InodeNumber inner = world.make_directory("d/inner");
  const InodeNumber file = world.make_file("d/inner/a", "content");
  const stdfs::path lower = world.lower("d/inner");
  const stdfs::path moved = world.directory.path() / "moved";
  stdfs::rename(lower, moved);
  stdfs::create_directory_symlink(moved, lower);
  EXPECT_EQ(errno_of_result(world.tree().attributes(inner)), ESTALE);
  world.tree().forget(world.inode("d"), 0);
  stdfs::remove(lower);
  (void)file;
}

TEST_F(TreeDamage, ADamagedMarkerClosesOnlyItsDirectory) {
  world.make_directory("bad");
  world.make_directory("bad/inner");
  world.make_file("bad/inner/a", "content");
  const stdfs::path marker = world.lower("bad") / kMarkerName;
  const std::string good = slurp(marker);
  const auto expect_closed = [&](const std::string& what) {
    world.reopen();
    const InodeNumber bad = world.inode("bad");
    ASSERT_NE(bad, 0U) << what;
    EXPECT_TRUE(world.names().contains("bad")) << what;
    EXPECT_EQ(errno_of_result(world.tree().lookup(bad, "inner")), EIO) << what;
    EXPECT_EQ(errno_of_result(world.tree().create(bad, "b", 0644, world.caller())), EIO) << what;
    auto handle = world.tree().open_directory(bad);
    ASSERT_TRUE(is_ok(handle));
    EXPECT_EQ(errno_of_result((*handle)->entries(true)), EIO) << what;
    EXPECT_EQ(errno_of_result(world.remove_directory("bad")), ENOTEMPTY) << what;
  };
  for (std::size_t at = 0; at < kMarkerBytes; at += 7) {
    flip(marker, at);
    expect_closed("bit flip at " + std::to_string(at));
    spill(marker, good);
  }
  spill(marker, "");
  expect_closed("empty");
  spill(marker, good + "x");
  expect_closed("too long");
  stdfs::remove(marker);
  expect_closed("missing");
  ASSERT_EQ(::mkfifo(marker.c_str(), 0600), 0);
  expect_closed("a FIFO");
  stdfs::remove(marker);
  spill(marker, slurp(world.lower("d") / kMarkerName));
  world.reopen();
  EXPECT_TRUE(world.names("bad").empty()) << "another directory's marker shows no name of this one";
  stdfs::remove(marker);
  spill(marker, good);
  world.reopen();
  EXPECT_EQ(world.read("bad/inner/a").value_or(""), "content");
}

TEST_F(TreeDamage, AnEmptyDirectoryWithADamagedMarkerCanBeRemoved) {
  for (const std::string& content : {std::string(kMarkerBytes, 'x'), std::string(), std::string(500, 'y')}) {
    world.make_directory("bad");
    spill(world.lower("bad") / kMarkerName, content);
    world.reopen();
    EXPECT_TRUE(is_ok(world.remove_directory("bad")));
  }
}

}  // namespace
}  // namespace enfold
