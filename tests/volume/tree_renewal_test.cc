// A new data key for a file in a tree, open or not.
#include "fs/volume/renewal.h"

#include <fcntl.h>

#include "fs/volume/attributes.h"
#include "fs/volume/tree_parts.h"
#include "tests/volume/tree_support.h"

namespace enfold {
namespace {

constexpr std::size_t kLength = 600 * kSectorPlainBytes + 99;

// The parts of a tree, which its interface keeps to itself, over what a tree has made.
class TreeRenewal : public testing::Test {
 protected:
  TreeRenewal() : plain_(kLength, 'p') {
    world_.make_file("f", plain_, 0640);
    world_.reopen();
    const Fd root = world_.files.open_at(AT_FDCWD, world_.lower(""), O_RDONLY | O_DIRECTORY, 0).value();
    const LowerId id = lower_id_of(world_.files.stat_at(root.get(), "").value());
    parts_.emplace(world_.context, id, share(world_.files.duplicate(root.get()).value()));
  }

  InodePtr inode(const std::string& path) {
    const StatX lower = world_.files.stat_at(AT_FDCWD, world_.lower(path)).value();
    return parts_->table.remember(lower_id_of(lower),
                                  {parts_->table.root(), world_.lower(path).filename().string()});
  }
  Result<void> renew(
      const InodePtr& file, const DataKeyRenewal::Progress& progress = [](std::uint64_t) {}) {
    return renew_data_key(world_.context, parts_->open_files, file, false, progress);
  }
  StateRecord record(const std::string& path) {
    HeaderPage page{};
    std::ranges::copy(as_bytes(slurp(world_.lower(path))).first(page.size()), page.begin());
    return decode_header(page, world_.keys).value().state;
  }
  struct stat lower_status(const std::string& path) {
    struct stat out {};
    EXPECT_EQ(::lstat(world_.lower(path).c_str(), &out), 0);
    return out;
  }

  TreeWorld world_;
  std::string plain_;
  std::optional<TreeParts> parts_;
};

TEST_F(TreeRenewal, OfAClosedFileLeavesAllElseAsItWas) {
  ASSERT_TRUE(is_ok(world_.tree().link(world_.inode("f"), kRootInode, "another name")));
  ASSERT_TRUE(is_ok(world_.tree().set_xattr(world_.inode("f"), "user.x", as_bytes("value"), 0)));
  const struct stat before = lower_status("f");
  std::uint64_t told = 0;
  ASSERT_TRUE(is_ok(renew(inode("f"), [&](std::uint64_t bytes) { told += bytes; })));
  EXPECT_EQ(told, kLength);
  const struct stat after = lower_status("f");
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_nlink, 2U);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_size, before.st_size);
  EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_TRUE(record("f").clean) << "it is sealed when nobody else has it open";
  EXPECT_EQ(record("f").parity, 1);
  EXPECT_FALSE(record("f").former);
  world_.reopen();
  EXPECT_EQ(world_.read("another name").value_or(""), plain_);
  EXPECT_EQ(world_.tree().get_xattr(world_.inode("f"), "user.x").value_or(Bytes()),
            Bytes({'v', 'a', 'l', 'u', 'e'}));
}

// Programs set times and bits while they have a file open.
TEST_F(TreeRenewal, LeavesTimesAndModeThatAreSetBesideIt) {
  Attributes attributes(*parts_);
  const InodePtr file = inode("f");
  int chunks = 0;
  ASSERT_TRUE(is_ok(renew(file, [&](std::uint64_t) {
    if (chunks++ != 0) return;
    AttributeChanges changes;
    changes.mode = 04755;
    changes.modification_time = timespec{1'000'000, 42};
    EXPECT_TRUE(is_ok(attributes.set(file, changes)));
  })));
  EXPECT_GT(chunks, 2);
  const struct stat after = lower_status("f");
  EXPECT_EQ(after.st_mode & 07777U, 04755U);
  EXPECT_EQ(after.st_mtim.tv_sec, 1'000'000);
  EXPECT_EQ(after.st_mtim.tv_nsec, 42);
}

TEST_F(TreeRenewal, OfAnOpenFileGoesOnUnderItsHandles) {
  const InodePtr file = inode("f");
  auto writer = parts_->open_files.open(file, {.writes = true, .maps = true});
  auto reader = parts_->open_files.open(file, {});
  ASSERT_TRUE(writer && reader);
  const auto write = [&](std::size_t offset, std::size_t size) {
    plain_.resize(std::max(plain_.size(), offset + size));
    plain_.replace(offset, size, std::string(size, 'w'));
    ASSERT_TRUE(is_ok((*writer)->write(offset, as_bytes(plain_).subspan(offset, size))));
  };
  write(5'000, 10'000);
  int chunks = 0;
  ASSERT_TRUE(is_ok(renew(file, [&](std::uint64_t) {
    ++chunks;
    write(2'000'000, 10'000);
    write(plain_.size(), 10'000);
    EXPECT_TRUE(is_ok((*writer)->flush()));
  })));
  EXPECT_GT(chunks, 2);
  write(30'000, 10'000);
  std::string seen(plain_.size(), '\0');
  ASSERT_TRUE(is_ok((*reader)->read(0, {reinterpret_cast<std::uint8_t*>(seen.data()), seen.size()})));
  EXPECT_EQ(seen, plain_);
  ASSERT_TRUE(is_ok((*writer)->release()));
  ASSERT_TRUE(is_ok((*reader)->release()));
  EXPECT_TRUE(record("f").clean);
  EXPECT_EQ(record("f").sealed_length, plain_.size());
  EXPECT_FALSE(record("f").former);
  EXPECT_EQ(world_.read("f").value_or(""), plain_);
}

TEST_F(TreeRenewal, IsForRegularFilesThatMayBeWritten) {
  world_.make_directory("d");
  EXPECT_EQ(errno_of_result(renew(inode("d"))), EISDIR);
  world_.set_read_only(true);
  EXPECT_EQ(errno_of_result(renew(inode("f"))), EROFS);
  world_.set_read_only(false);
  EXPECT_EQ(record("f").parity, 0);
}

}  // namespace
}  // namespace enfold
