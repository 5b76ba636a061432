// Names, links and lives of inodes.
#include <linux/fs.h>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

std::string long_name(std::size_t length, char letter = 'n') { return std::string(length, letter); }

TEST(TreeNames, TakesNamesUpTo255BytesAndHashesThoseOver175) {
  TreeWorld world;
  for (std::size_t length : {1U, 174U, 175U, 176U, 254U, 255U}) {
    const std::string name = long_name(length);
    const InodeNumber inode = world.make_file(name, name);
    EXPECT_EQ(world.lower_name("", name).is_hashed(), length > 175) << length;
    if (length > 175) {
      EXPECT_TRUE(stdfs::exists(world.lower("") / sidecar_of(world.lower_name("", name).name)));
    }
    EXPECT_EQ(read_inode(world.tree(), inode).value_or(""), name);
  }
  EXPECT_EQ(world.names().size(), 6U);
  world.reopen();
  EXPECT_TRUE(world.names().contains(long_name(255)));
  EXPECT_EQ(errno_of_result(world.tree().lookup(kRootInode, long_name(256))), ENAMETOOLONG);
  EXPECT_EQ(errno_of_result(world.tree().make_directory(kRootInode, long_name(256), 0755, world.caller())),
            ENAMETOOLONG);
}

TEST(TreeNames, RefusesNamesThatNoEntryCanHave) {
  TreeWorld world;
  for (std::string_view name : {std::string_view(""), std::string_view("."), std::string_view(".."),
                                std::string_view("a/b"), std::string_view("a\0b", 3)})
    EXPECT_EQ(errno_of_result(world.tree().lookup(kRootInode, name)), EINVAL);
}

TEST(TreeNames, RenamesBetweenShortAndHashedNamesAndTakesTheSidecarAlong) {
  TreeWorld world;
  const auto sidecar = [&](const std::string& name) {
    return world.lower("") / sidecar_of(world.lower_name("", name).name);
  };
  world.make_file("short", "content");
  ASSERT_TRUE(is_ok(world.rename("short", long_name(200))));
  EXPECT_TRUE(stdfs::exists(sidecar(long_name(200))));
  ASSERT_TRUE(is_ok(world.rename(long_name(200), long_name(255, 'm'))));
  EXPECT_FALSE(stdfs::exists(sidecar(long_name(200))));
  EXPECT_EQ(world.names(), std::set{long_name(255, 'm')});
  ASSERT_TRUE(is_ok(world.rename(long_name(255, 'm'), "short")));
  EXPECT_FALSE(stdfs::exists(sidecar(long_name(255, 'm'))));
  EXPECT_EQ(world.read("short").value_or(""), "content");
}

TEST(TreeNames, RemovesTheSidecarWithItsEntry) {
  TreeWorld world;
  world.make_file(long_name(200));
  world.make_directory(long_name(201));
  ASSERT_TRUE(is_ok(world.unlink(long_name(200))));
  ASSERT_TRUE(is_ok(world.remove_directory(long_name(201))));
  const std::size_t left = static_cast<std::size_t>(
      std::distance(stdfs::directory_iterator(world.lower("")), stdfs::directory_iterator()));
  EXPECT_EQ(left, 1U) << "more than the marker";
}

TEST(TreeNames, TakesALeftoverSidecarAndRepairsADamagedOne) {
  TreeWorld world;
  world.make_directory("d");
  const LowerName name = world.lower_name("d", long_name(200));
  const stdfs::path sidecar = world.lower("d") / sidecar_of(name.name);
  spill(sidecar, "half of a sidecar that a crash left, or more than that: " + std::string(300, 'x'));
  EXPECT_TRUE(world.names("d").empty());
  world.make_file("d/" + long_name(200), "content");
  EXPECT_EQ(slurp(sidecar), as_string(name.sidecar));
  EXPECT_EQ(world.names("d"), std::set{long_name(200)});
}

TEST(TreeNames, ADirectoryOfLeftoverSidecarsIsEmpty) {
  TreeWorld world;
  world.make_directory("d");
  spill(world.lower("d") / sidecar_of(world.lower_name("d", long_name(200)).name), "left over");
  EXPECT_TRUE(is_ok(world.remove_directory("d")));
}

TEST(TreeNames, AFailedCreationLeavesNoSidecar) {
  TreeWorld world;
  world.make_file(long_name(200), "content");
  EXPECT_EQ(errno_of_result(world.tree().create(kRootInode, long_name(200), 0644, world.caller())), EEXIST);
  EXPECT_EQ(world.names(), std::set{long_name(200)});
  world.kms.set_fault(FakeKms::Fault::kUnavailable);
  EXPECT_EQ(errno_of_result(world.tree().create(kRootInode, long_name(201), 0644, world.caller())), ENOKEY);
  EXPECT_FALSE(stdfs::exists(world.lower("") / sidecar_of(world.lower_name("", long_name(201)).name)));
}

TEST(TreeLinks, ShareOneInodeAndLiveUntilTheLastIsGone) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  const InodeNumber directory = world.make_directory("d");
  auto linked = world.tree().link(inode, directory, "b");
  ASSERT_TRUE(is_ok(linked));
  EXPECT_EQ(linked->inode, inode);
  EXPECT_EQ(linked->attributes.st_nlink, 2U);
  EXPECT_EQ(world.inode("d/b"), inode);
  ASSERT_TRUE(is_ok(world.unlink("a")));
  EXPECT_EQ(read_inode(world.tree(), inode).value_or(""), "content");
  EXPECT_EQ(world.status("d/b")->st_nlink, 1U);
  EXPECT_EQ(errno_of_result(world.tree().link(directory, kRootInode, "e")), EPERM);
}

TEST(TreeLinks, OfAFileWithMoreNamesThanAreRememberedStillWork) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("0", "content");
  for (int i = 1; i < 40; ++i) ASSERT_TRUE(is_ok(world.tree().link(inode, kRootInode, std::to_string(i))));
  for (int i = 0; i < 39; ++i) ASSERT_TRUE(is_ok(world.unlink(std::to_string(i)))) << i;
  EXPECT_EQ(world.tree().attributes(inode)->st_nlink, 1U);
  EXPECT_EQ(world.inode("39"), inode);
  EXPECT_EQ(read_inode(world.tree(), inode).value_or(""), "content");
}

TEST(TreeLinks, RenamingOneLinkOverAnotherChangesNothing) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  ASSERT_TRUE(is_ok(world.tree().link(inode, kRootInode, "b")));
  EXPECT_TRUE(is_ok(world.rename("a", "b")));
  EXPECT_EQ(world.names(), (std::set<std::string>{"a", "b"}));
}

TEST(TreeLinks, SpecialObjectsCanBeLinkedToo) {
  TreeWorld world;
  const InodeNumber inode = world.make_symlink("a", "target");
  ASSERT_TRUE(is_ok(world.tree().link(inode, kRootInode, "b")));
  ASSERT_TRUE(is_ok(world.unlink("a")));
  EXPECT_EQ(world.tree().read_link(world.inode("b")).value_or(""), "target");
}

TEST(TreeInodes, AnUnlinkedFileStaysUsableUntilItIsForgotten) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  auto handle = world.tree().open_file(inode, O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  ASSERT_TRUE(is_ok(world.unlink("a")));
  EXPECT_EQ(world.inode("a"), 0U);
  ASSERT_TRUE(is_ok((*handle)->write(7, as_bytes(" more"))));
  ASSERT_TRUE(is_ok((*handle)->release()));
  EXPECT_EQ(read_inode(world.tree(), inode).value_or(""), "content more");
  EXPECT_EQ(world.tree().attributes(inode)->st_nlink, 0U);
  world.tree().forget(inode, 1'000);
  EXPECT_EQ(errno_of_result(world.tree().attributes(inode)), ESTALE);
}

TEST(TreeInodes, AnUnlinkedSymlinkThatWasNeverReadStillTellsItsTarget) {
  TreeWorld world;
  world.make_symlink("a", "target");
  world.reopen();
  const InodeNumber inode = world.inode("a");
  ASSERT_TRUE(is_ok(world.unlink("a")));
  EXPECT_EQ(world.tree().read_link(inode).value_or(""), "target");
}

TEST(TreeInodes, ARemovedDirectoryHasNoEntriesAndTakesNone) {
  TreeWorld world;
  const InodeNumber directory = world.make_directory("d");
  ASSERT_TRUE(is_ok(world.remove_directory("d")));
  EXPECT_EQ(errno_of_result(world.tree().create(directory, "a", 0644, world.caller())), ENOENT);
  EXPECT_EQ(errno_of_result(world.tree().lookup(directory, "a")), ENOENT);
  EXPECT_TRUE(is_ok(world.tree().attributes(directory)));
  auto handle = world.tree().open_directory(directory);
  ASSERT_TRUE(is_ok(handle));
  EXPECT_TRUE((*handle)->entries(true).value()->empty());
}

TEST(TreeInodes, NumbersAreNeverUsedAgain) {
  TreeWorld world;
  std::set<InodeNumber> seen;
  for (int i = 0; i < 20; ++i) {
    const InodeNumber inode = world.make_file("a");
    EXPECT_TRUE(seen.insert(inode).second);
    ASSERT_TRUE(is_ok(world.unlink("a")));
    world.tree().forget(inode, 1'000);
  }
}

TEST(TreeInodes, ChildrenFollowADirectoryThatTheKernelForgot) {
  TreeWorld world;
  const InodeNumber directory = world.make_directory("d");
  const InodeNumber inode = world.make_file("d/a", "content");
  world.tree().forget(directory, 1'000);
  ASSERT_TRUE(is_ok(world.rename("d", "e")));
  EXPECT_EQ(read_inode(world.tree(), inode).value_or(""), "content");
}

TEST(TreeInodes, AHandleOutlivesThatItsInodeIsForgotten) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  auto handle = world.tree().open_file(inode, O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  world.tree().forget(inode, 1'000);
  ASSERT_TRUE(is_ok((*handle)->write(0, as_bytes("CON"))));
  EXPECT_EQ(world.inode("a"), inode) << "two contents of one lower file";
  EXPECT_EQ(world.read("a").value_or(""), "CONtent");
}

TEST(TreeInodes, MoreDirectoriesThanDescriptorsAreKept) {
  TreeWorld world;
  std::vector<InodeNumber> inodes;
  for (int i = 0; i < 600; ++i) {
    const std::string name = std::to_string(i);
    inodes.push_back(world.make_directory(name));
    world.make_symlink(name + "/link", name);
  }
  for (int i = 0; i < 600; ++i) {
    auto link = world.tree().lookup(inodes[static_cast<std::size_t>(i)], "link");
    ASSERT_TRUE(is_ok(link));
    EXPECT_EQ(world.tree().read_link(link->inode).value_or(""), std::to_string(i));
  }
}

TEST(TreeRename, ReplacesEveryKindThatMayBeReplaced) {
  TreeWorld world;
  const auto make = [&](const std::string& name, int kind) {
    if (kind == 0) world.make_file(name, "content of " + name);
    if (kind == 1) world.make_directory(name);
    if (kind == 2) world.make_symlink(name, "target");
    if (kind == 3) world.make_node(name, S_IFIFO | 0600);
  };
  for (int from = 0; from < 4; ++from)
    for (int to = 0; to < 4; ++to) {
      make("from", from);
      make("to", to);
      const InodeNumber moved = world.inode("from");
      const InodeNumber replaced = world.inode("to");
      const int expected = from == 1 && to != 1 ? ENOTDIR : from != 1 && to == 1 ? EISDIR : 0;
      EXPECT_EQ(errno_of_result(world.rename("from", "to")), expected) << from << to;
      EXPECT_TRUE(is_ok(world.tree().attributes(replaced))) << "the kernel still refers to it";
      EXPECT_EQ(world.inode(expected == 0 ? "to" : "from"), moved);
      for (const std::string& name : world.names())
        EXPECT_TRUE(is_ok((world.status(name)->st_mode & S_IFMT) == S_IFDIR ? world.remove_directory(name)
                                                                            : world.unlink(name)));
    }
}

TEST(TreeRename, AFullDirectoryIsNotReplaced) {
  TreeWorld world;
  world.make_directory("from");
  world.make_directory("to");
  world.make_file("to/a", "content");
  EXPECT_EQ(errno_of_result(world.rename("from", "to")), ENOTEMPTY);
  EXPECT_EQ(errno_of_result(world.remove_directory("to")), ENOTEMPTY);
  EXPECT_EQ(world.read("to/a").value_or(""), "content");
}

TEST(TreeRename, BelowItselfIsRefusedAndTheEmptyTargetKeepsItsMarker) {
  TreeWorld world;
  world.make_directory("a");
  world.make_directory("a/b");
  EXPECT_EQ(errno_of_result(world.rename("a", "a/c")), EINVAL);
  EXPECT_EQ(errno_of_result(world.rename("a", "a/b")), EINVAL);
  world.reopen();
  world.make_file("a/b/file", "content");
  EXPECT_EQ(world.read("a/b/file").value_or(""), "content");
}

TEST(TreeRename, ToAnotherParentRewritesTheHints) {
  TreeWorld world;
  world.make_directory("a");
  world.make_directory("b");
  world.make_directory("a/d");
  const InodeNumber file = world.make_file("a/f", "content");
  auto handle = world.tree().open_file(file, O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  ASSERT_TRUE(is_ok(world.rename("a/d", "b/d")));
  ASSERT_TRUE(is_ok(world.rename("a/f", "b/f")));
  ASSERT_TRUE(is_ok((*handle)->write(0, as_bytes("x"))));
  ASSERT_TRUE(is_ok((*handle)->release()));
  const auto marker_of = [&](const std::string& path) {
    return decode_marker(as_bytes(slurp(world.lower(path) / kMarkerName)), world.keys.volume(),
                         world.keys.marker_mac())
        .value();
  };
  EXPECT_EQ(marker_of("b/d").parent, marker_of("b").directory);
  HeaderPage page{};
  std::ranges::copy(as_bytes(slurp(world.lower("b/f"))).first(page.size()), page.begin());
  EXPECT_EQ(decode_header(page, world.keys).value().state.parent, marker_of("b").directory);
}

TEST(TreeRename, ExchangeSwapsAFileAndADirectory) {
  TreeWorld world;
  world.make_directory("d");
  world.make_file("d/in", "inside");
  world.make_directory("e");
  world.make_file("e/" + long_name(200), "content");
  ASSERT_TRUE(is_ok(world.rename("d", "e/" + long_name(200), RENAME_EXCHANGE)));
  EXPECT_EQ(world.read("d").value_or(""), "content");
  EXPECT_EQ(world.read("e/" + long_name(200) + "/in").value_or(""), "inside");
  EXPECT_EQ(world.names("e"), std::set{long_name(200)});
  EXPECT_EQ(errno_of_result(world.rename("d", "missing", RENAME_EXCHANGE)), ENOENT);
  EXPECT_EQ(errno_of_result(world.rename("d", "e", RENAME_NOREPLACE)), EEXIST);
  EXPECT_EQ(errno_of_result(world.rename("d", "f", RENAME_WHITEOUT)), EINVAL);
}

TEST(Tree, OpensACopyOfItsLowerTree) {
  TreeWorld world;
  world.make_directory("d");
  world.make_file("d/" + long_name(200), std::string(10'000, 'c'));
  world.make_symlink("d/link", "target");
  const stdfs::path copy = world.directory.path() / "copy";
  stdfs::copy(world.lower(""), copy, stdfs::copy_options::recursive);
  world.reopen_at(copy);
  EXPECT_EQ(world.read("d/" + long_name(200)).value_or(""), std::string(10'000, 'c'));
  EXPECT_EQ(world.tree().read_link(world.inode("d/link")).value_or(""), "target");
}

}  // namespace
}  // namespace enfold
