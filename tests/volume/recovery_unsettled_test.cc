// The pass over the tree does not call a file settled that is not: after it, the file would be judged by a
// record and a size that the crash left.
#include <atomic>

#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class RecoveryOfUnsettledFiles : public testing::Test {
 protected:
  // A file whose record is not durable, and which the crash left with a page too much.
  void leave(const std::string& path) {
    world.make_file(path, "content");
    spill(world.lower(path), slurp(world.lower(path)) + std::string(kPageBytes, '\0'));
  }

  [[nodiscard]] bool pass() {
    const std::atomic<bool> stop{false};
    auto passed = world.tree().recover(stop);
    return is_ok(passed) && *passed;
  }

  // What the file reads when no crash is on record any more.
  std::string read_after_recovery(const std::string& path) {
    world.remount();
    return world.read(path).value_or("(error)");
  }

  TreeWorld world;
};

// The KMS did not answer when the name was looked up, the file was renamed from where the pass had not been
// to where it had, and the volume was called recovered: then the file was damaged.
TEST_F(RecoveryOfUnsettledFiles, VisitsOneThatIsRenamedMeanwhile) {
  for (const char* path : {"a", "b"}) world.make_directory(path);
  for (const char* path : {"a/f", "b/f"}) leave(path);
  const std::string a = world.lower("a");
  const std::string b = world.lower("b");
  world.remount(true);
  world.clock.advance_ms(3'600'000);
  world.kms.set_fault(FakeKms::Fault::kUnavailable);
  for (const char* path : {"a/f", "b/f"}) EXPECT_NE(world.inode(path), 0U);
  world.kms.set_fault(FakeKms::Fault::kNone);
  std::string first;
  std::string moved_to;
  world.files.watch_order([&](const char* call, int fd, const std::string& /*name*/) {
    if (!moved_to.empty() || std::string_view(call) != "list") return;
    const std::string listed = stdfs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    if (listed != a && listed != b) return;
    if (first.empty()) {
      first = listed;
      return;
    }
    moved_to = first == a ? "a/g" : "b/g";
    EXPECT_TRUE(is_ok(world.rename(first == a ? "b/f" : "a/f", moved_to)));
  });
  EXPECT_TRUE(pass());
  world.files.watch_order(nullptr);
  ASSERT_FALSE(moved_to.empty());
  EXPECT_EQ(read_after_recovery(moved_to), "content");
}

// The same with a hard link, and the first name removed.
TEST_F(RecoveryOfUnsettledFiles, VisitsOneThatIsLinkedMeanwhile) {
  for (const char* path : {"a", "b"}) world.make_directory(path);
  for (const char* path : {"a/f", "b/f"}) leave(path);
  const std::string a = world.lower("a");
  const std::string b = world.lower("b");
  world.remount(true);
  world.clock.advance_ms(3'600'000);
  std::string first;
  std::string moved_to;
  world.files.watch_order([&](const char* call, int fd, const std::string& /*name*/) {
    if (!moved_to.empty() || std::string_view(call) != "list") return;
    const std::string listed = stdfs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    if (listed != a && listed != b) return;
    if (first.empty()) {
      first = listed;
      return;
    }
    const std::string from = first == a ? "b" : "a";
    const std::string to = first == a ? "a" : "b";
    moved_to = to + "/g";
    world.kms.set_fault(FakeKms::Fault::kUnavailable);
    const InodeNumber file = world.inode(from + "/f");
    world.kms.set_fault(FakeKms::Fault::kNone);
    EXPECT_TRUE(is_ok(world.tree().link(file, world.inode(to), "g")));
    EXPECT_TRUE(is_ok(world.unlink(from + "/f")));
  });
  EXPECT_TRUE(pass());
  world.files.watch_order(nullptr);
  ASSERT_FALSE(moved_to.empty());
  EXPECT_EQ(read_after_recovery(moved_to), "content");
}

// A full disk when a reader opened it: its length was known in memory alone while the pass went by.
TEST_F(RecoveryOfUnsettledFiles, IsNotOverForOneThatIsOpen) {
  leave("f");
  world.remount(true);
  world.files.fail_at(1, ENOSPC, FaultyFiles::Mode::kWritesFromThenOn);
  auto reader = world.tree().open_file(world.inode("f"), O_RDONLY);
  ASSERT_TRUE(is_ok(reader));
  EXPECT_FALSE(pass());
  world.files.heal();
  EXPECT_TRUE(pass());
  EXPECT_EQ(stdfs::file_size(world.lower("f")), lower_size_of(7));
  EXPECT_TRUE(is_ok((*reader)->release()));
  reader->reset();
  EXPECT_EQ(read_after_recovery("f"), "content");
}

}  // namespace
}  // namespace enfold
