// Each lower call of an operation failing: an error, nothing lost, nothing half-made in sight.
#include <functional>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

// Fails the n-th lower call of `operation` for every n until it passes; between two tries the world must be
// as before.
void sweep(TreeWorld& world, const std::function<Result<void>()>& operation,
           const std::function<void(int)>& unchanged) {
  for (int n = 1; n < 200; ++n) {
    world.files.fail_at(n, EIO);
    const Result<void> done = operation();
    world.files.heal();
    if (world.files.failures() == 0) {
      EXPECT_TRUE(is_ok(done));
      return;
    }
    if (done) return;  // the failure was in something that may fail
    world.forget_sync_failure();
    unchanged(n);
    if (testing::Test::HasFailure()) FAIL() << "failing call " << n;
  }
  FAIL() << "never passed";
}

const std::string kLong(200, 'n');

// An operation that answers an entry, for sweep().
template <class Operation>
auto dropping_the_entry(Operation operation) {
  return [operation]() mutable -> Result<void> {
    auto made = operation();
    if (!made) return std::unexpected(made.error());
    return {};
  };
}

class TreeFaultsAtCreation : public testing::Test {
 protected:
  void SetUp() override { directory = world.make_directory("d"); }

  // Where only the answer failed, the entry is there and whole; else there is nothing at all.
  void expect_nothing_half_made() {
    const auto names = world.names("d");
    auto found = world.tree().lookup(directory, kLong);
    if (names.empty()) {
      EXPECT_EQ(errno_of_result(found), ENOENT);
      EXPECT_FALSE(std::filesystem::exists(world.lower("d") / sidecar_of(world.lower_name("d", kLong).name)));
      return;
    }
    EXPECT_EQ(names, std::set{kLong});
    ASSERT_TRUE(is_ok(found));
    const mode_t type = found->attributes.st_mode & S_IFMT;
    EXPECT_TRUE(type != S_IFREG || is_ok(world.read("d/" + kLong)));
    EXPECT_TRUE(type != S_IFLNK || is_ok(world.tree().read_link(found->inode)));
    EXPECT_TRUE(is_ok(type == S_IFDIR ? world.remove_directory("d/" + kLong) : world.unlink("d/" + kLong)));
  }

  template <class Operation>
  void sweep_creation(Operation operation) {
    sweep(world, dropping_the_entry(operation), [&](int) { expect_nothing_half_made(); });
  }

  TreeWorld world;
  InodeNumber directory = 0;
};

TEST_F(TreeFaultsAtCreation, OfAFileLeaveNothingHalfMade) {
  sweep_creation([this] { return world.tree().create(directory, kLong, 0644, world.caller()); });
}

TEST_F(TreeFaultsAtCreation, OfASymlinkLeaveNothingHalfMade) {
  sweep_creation([this] { return world.tree().make_symlink(directory, kLong, "target", world.caller()); });
}

TEST_F(TreeFaultsAtCreation, OfADirectoryLeaveNothingHalfMade) {
  sweep_creation([this] { return world.tree().make_directory(directory, kLong, 0755, world.caller()); });
}

TEST(TreeFaults, ARemovalThatFailsLeavesAWorkingDirectory) {
  TreeWorld world;
  world.make_directory("d");
  sweep(
      world, [&] { return world.tree().remove_directory(kRootInode, "d"); },
      [&](int n) {
        if (!world.names().contains("d")) return;
        world.reopen();
        const std::string name = std::to_string(n);
        world.make_file("d/" + name, "content");
        EXPECT_EQ(world.read("d/" + name).value_or(""), "content");
        EXPECT_TRUE(is_ok(world.unlink("d/" + name)));
      });
}

TEST(TreeFaults, ARenameThatFailsLeavesBothNames) {
  TreeWorld world;
  world.make_directory("from");
  world.make_file("from/in", "content");
  world.make_directory(kLong);
  sweep(
      world, [&] { return world.tree().rename(kRootInode, "from", kRootInode, kLong, 0); },
      [&](int) {
        world.reopen();
        EXPECT_EQ(world.names(), (std::set<std::string>{"from", kLong}));
        EXPECT_EQ(world.read("from/in").value_or(""), "content");
        EXPECT_TRUE(world.names(kLong).empty());
      });
  EXPECT_EQ(world.read(kLong + "/in").value_or(""), "content");
}

TEST(TreeFaults, ALinkThatFailsLeavesTheFirst) {
  TreeWorld world;
  const InodeNumber inode = world.make_file("a", "content");
  sweep(world, dropping_the_entry([&] { return world.tree().link(inode, kRootInode, kLong); }), [&](int) {
    EXPECT_EQ(world.read("a").value_or(""), "content");
    if (world.names().contains(kLong)) {
      EXPECT_TRUE(is_ok(world.unlink(kLong)));
    }
  });
}

}  // namespace
}  // namespace enfold
