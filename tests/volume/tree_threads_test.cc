// Many threads on one tree: whatever they do to each other, nothing is lost, and nothing shows twice.
#include <linux/fs.h>

#include <atomic>
#include <thread>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 300;

// Errors that another thread's rename or unlink may cause.
bool is_expected(int errno_value) {
  return errno_value == 0 || errno_value == ENOENT || errno_value == EEXIST || errno_value == ENOTEMPTY ||
         errno_value == ENOTDIR || errno_value == EISDIR || errno_value == EINVAL || errno_value == ESTALE;
}

class Worker {
 public:
  Worker(TreeWorld& world, int number)
      : world_(world), random_(format_test::test_seed() + 100 + static_cast<std::uint64_t>(number)) {}

  void run() {
    for (int round = 0; round < kRounds; ++round) step();
  }

 private:
  std::string name() {
    return (random_.below(4) == 0 ? std::string(200, 'n') : "") + std::to_string(random_.below(6));
  }

  template <class T>
  void check(const Result<T>& result) {
    const int error = errno_of_result(result);
    EXPECT_TRUE(is_expected(error)) << error << ": " << (result ? "" : describe(result.error()));
  }

  InodeNumber directory() {
    const std::uint64_t which = random_.below(4);
    if (which == 0) return kRootInode;
    // The last one may be just made, moved or removed by another thread, or be no directory at all.
    auto found = world_.tree().lookup(kRootInode, which == 1 ? "d1" : which == 2 ? "d2" : name());
    check(found);
    return found ? found->inode : kRootInode;
  }

  void step() {
    Volume& tree = world_.tree();
    const InodeNumber at = directory();
    switch (random_.below(8)) {
      case 0:
        return create(at);
      case 1:
        return check(tree.make_directory(at, name(), 0755, world_.caller()));
      case 2:
        return check(tree.make_symlink(at, name(), "target", world_.caller()));
      case 3:
        return check(tree.unlink(at, name()));
      case 4:
        return check(tree.remove_directory(at, name()));
      case 5:
        return check(
            tree.rename(at, name(), directory(), name(), random_.below(3) == 0 ? RENAME_EXCHANGE : 0));
      case 6:
        return list(at);
      default:
        return look(at);
    }
  }

  void create(InodeNumber at) {
    auto created = world_.tree().create(at, name(), 0644, world_.caller());
    check(created);
    if (!created) return;
    EXPECT_TRUE(is_ok(created->handle->write(0, as_bytes("content"))));
    EXPECT_TRUE(is_ok(created->handle->flush()));
  }

  void list(InodeNumber at) {
    auto handle = world_.tree().open_directory(at);
    check(handle);
    if (handle) check((*handle)->entries(true));
  }

  void look(InodeNumber at) {
    Volume& tree = world_.tree();
    auto found = tree.lookup(at, name());
    check(found);
    if (!found) return;
    check(tree.attributes(found->inode));
    if (S_ISREG(found->attributes.st_mode)) {
      auto content = read_inode(tree, found->inode);
      check(content);
      // "c": written after read_inode() looked at the size, which it reads one byte more than.
      EXPECT_TRUE(!content || content->empty() || *content == "c" || *content == "content") << *content;
    }
    tree.forget(found->inode, 1);
  }

  TreeWorld& world_;
  format_test::SeededEntropy random_;
};

void compare_after_reopen(TreeWorld& world) {
  std::map<std::string, std::set<std::string>> before;
  for (const char* directory : {"", "d1", "d2"}) before[directory] = world.names(directory);
  world.reopen();
  for (const char* directory : {"", "d1", "d2"}) EXPECT_EQ(world.names(directory), before[directory]);
}

TEST(TreeThreads, CreateRenameRemoveAndLookUpAtOnce) {
  TreeWorld world;
  world.make_directory("d1");
  world.make_directory("d2");
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([&world, number] { Worker(world, number).run(); });
  for (std::thread& thread : threads) thread.join();
  compare_after_reopen(world);
}

// What is half made looks like what a crash leaves.
TEST(TreeThreads, RecoveryBesideThemTakesNothingForLost) {
  TreeWorld world;
  world.make_directory("d1");
  world.make_directory("d2");
  world.remount(true);
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([&world, &running, number] {
      Worker(world, number).run();
      --running;
    });
  const std::atomic<bool> stop = false;
  do {
    auto passed = world.tree().recover(stop);
    ASSERT_TRUE(is_ok(passed));
    EXPECT_TRUE(*passed);
  } while (running > 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(std::filesystem::exists(world.lower("") / kLostName));
  compare_after_reopen(world);
}

TEST(TreeThreads, AFileBelowADirectoryThatIsRenamedAllTheTimeStaysThere) {
  TreeWorld world;
  world.make_directory("a");
  world.make_directory("a/b");
  const InodeNumber file = world.make_file("a/b/file", "content");
  std::atomic<bool> stop = false;
  std::thread renamer([&] {
    for (int i = 0; i < 200; ++i)
      EXPECT_TRUE(is_ok(i % 2 == 0 ? world.rename("a/b", "b") : world.rename("b", "a/b")));
    stop = true;
  });
  while (!stop) {
    EXPECT_TRUE(is_ok(world.tree().attributes(file)));
    EXPECT_EQ(read_inode(world.tree(), file).value_or(""), "content");
  }
  renamer.join();
}

TEST(TreeThreads, OpeningOneFileManyTimesGivesOneContent) {
  TreeWorld world;
  const InodeNumber file = world.make_file("a", std::string(10'000, 'x'));
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([&world, file, number] {
      for (int round = 0; round < kRounds; ++round) {
        auto handle = world.tree().open_file(file, number % 2 == 0 ? O_RDONLY : O_RDWR);
        ASSERT_TRUE(is_ok(handle));
        EXPECT_TRUE(number % 2 == 0 ||
                    is_ok((*handle)->write(static_cast<std::uint64_t>(number), as_bytes("x"))));
        EXPECT_EQ(world.tree().attributes(file)->st_size, 10'000);
        EXPECT_TRUE(is_ok((*handle)->release()));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world.read("a").value_or(""), std::string(10'000, 'x'));
}

}  // namespace
}  // namespace enfold
