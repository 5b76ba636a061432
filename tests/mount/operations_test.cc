#include <gtest/gtest.h>
#include <sys/stat.h>
#include <array>

#include <set>

#include "tests/mount/fake_kernel.h"
#include "tests/mount/fake_volume.h"

namespace enfold {
namespace {

constexpr std::uint64_t kRoot = FUSE_ROOT_ID;

class Operations : public testing::Test {
 protected:
  void SetUp() override { kernel.init(); }

  FakeKernel::Reply lookup(const std::string& name) { return kernel.ask(FUSE_LOOKUP, kRoot, wire(name)); }

  std::uint64_t open_directory() {
    return kernel.ask(FUSE_OPENDIR, kRoot, wire(fuse_open_in{})).as<fuse_open_out>().fh;
  }
  Bytes read_directory(fuse_opcode opcode, std::uint64_t handle, std::uint64_t offset, std::uint32_t size) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    return kernel.ask(opcode, kRoot, wire(in)).body;
  }

  FakeVolume volume;
  FakeKernel kernel{volume};
};

struct Listed {
  std::string name;
  std::uint64_t position;
};

std::vector<Listed> parse_listing(ByteSpan block) {
  std::vector<Listed> out;
  while (block.size() >= FUSE_NAME_OFFSET) {
    fuse_dirent entry{};
    std::memcpy(&entry, block.data(), FUSE_NAME_OFFSET);
    out.push_back({as_string(block.subspan(FUSE_NAME_OFFSET, entry.namelen)), entry.off});
    block = block.subspan(FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen));
  }
  return out;
}

std::multiset<std::string> names_in(const std::vector<Listed>& entries) {
  std::multiset<std::string> out;
  for (const auto& entry : entries) out.insert(entry.name);
  return out;
}

TEST(Init, LeavesTheWritebackCacheAndNeverLetsTimesInvalidatePages) {
  FakeVolume volume;
  FakeKernel kernel(volume);
  fuse_init_out answer = kernel.init();
  EXPECT_EQ(answer.flags & FUSE_WRITEBACK_CACHE, 0U);
  EXPECT_NE(answer.flags & FUSE_CACHE_SYMLINKS, 0U);
  EXPECT_NE(answer.flags & FUSE_PARALLEL_DIROPS, 0U);
  EXPECT_EQ(answer.flags & FUSE_ATOMIC_O_TRUNC, 0U);
  EXPECT_NE(answer.flags & FUSE_HANDLE_KILLPRIV_V2, 0U);
  EXPECT_NE(answer.flags & FUSE_EXPLICIT_INVAL_DATA, 0U);
  EXPECT_EQ(answer.flags & FUSE_AUTO_INVAL_DATA, 0U);
  EXPECT_EQ(answer.flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS), 0U);
}

TEST(Init, OffersRequestsOfOneMebibyte) {
  FakeVolume volume;
  FakeKernel kernel(volume);
  fuse_init_out answer = kernel.init();
  EXPECT_EQ(answer.max_write, 1U << 20);
  EXPECT_EQ(answer.max_pages, 256);
}

TEST(Init, AsksAnOldKernelForNothingThatItDoesNotOffer) {
  FakeVolume volume;
  FakeKernel kernel(volume);
  EXPECT_EQ(kernel.init(0).flags & ~std::uint32_t{FUSE_BIG_WRITES}, 0U);
}

TEST_F(Operations, AMissingNameIsRememberedByTheKernel) {
  auto reply = lookup("absent");
  EXPECT_EQ(reply.error, 0);
  auto entry = reply.as<fuse_entry_out>();
  EXPECT_EQ(entry.nodeid, 0U);
  EXPECT_GT(entry.entry_valid, 24U * 3600);
}

TEST_F(Operations, AFoundNameIsTrueForEver) {
  volume.names = {"a"};
  auto entry = lookup("a").as<fuse_entry_out>();
  EXPECT_EQ(entry.nodeid, 10U);
  EXPECT_EQ(entry.attr.ino, 77U);
  EXPECT_GT(entry.entry_valid, 24U * 3600);
  EXPECT_GT(entry.attr_valid, 24U * 3600);
}

TEST_F(Operations, LookupsAreGivenBackByForget) {
  volume.names = {"a"};
  for (int i = 0; i < 3; ++i) lookup("a");
  EXPECT_EQ(volume.lookups[10], 3U);
  kernel.tell(FUSE_FORGET, 10, wire(fuse_forget_in{.nlookup = 2}));
  EXPECT_EQ(volume.lookups[10], 1U);
  fuse_batch_forget_in batch{.count = 1, .dummy = 0};
  kernel.tell(FUSE_BATCH_FORGET, 0, wire(batch, fuse_forget_one{.nodeid = 10, .nlookup = 1}));
  EXPECT_EQ(volume.lookups[10], 0U);
}

TEST_F(Operations, DamageIsAnInputOutputError) {
  volume.errors["broken"] = {Errc::kDamaged, 0, "damage"};
  EXPECT_EQ(lookup("broken").error, EIO);
  EXPECT_EQ(kernel.ask(FUSE_STATFS, kRoot, {}).error, EIO);
}

TEST_F(Operations, ARefusalOfTheKmsIsNamedByItsErrno) {
  EXPECT_EQ(kernel.ask(FUSE_OPEN, 10, wire(fuse_open_in{})).error, EKEYREVOKED);
  fuse_create_in create{};
  create.mode = S_IFREG | 0644;
  EXPECT_EQ(kernel.ask(FUSE_CREATE, kRoot, wire(create, std::string("new"))).error, ENOKEY);
}

TEST_F(Operations, AnExceptionEndsOneRequestOnly) {
  EXPECT_EQ(kernel.ask(FUSE_MKDIR, kRoot, wire(fuse_mkdir_in{}, std::string("d"))).error, ENOMEM);
  EXPECT_EQ(kernel.ask(FUSE_RMDIR, kRoot, wire(std::string("d"))).error, ENOTEMPTY);
}

TEST_F(Operations, TimesOfNowReachTheVolumeAsSuch) {
  fuse_setattr_in in{};
  in.valid = FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME | FATTR_MODE;
  in.mtime = 5;
  in.mtimensec = 6;
  in.mode = 0600;
  EXPECT_EQ(kernel.ask(FUSE_SETATTR, 10, wire(in)).error, 0);
  const AttributeChanges& changes = volume.last_changes;
  EXPECT_EQ(changes.access_time->tv_nsec, UTIME_NOW);
  EXPECT_EQ(changes.modification_time->tv_sec, 5);
  EXPECT_EQ(changes.modification_time->tv_nsec, 6);
  EXPECT_EQ(*changes.mode & 07777, 0600U);
  EXPECT_FALSE(changes.length || changes.uid || changes.gid);
}

TEST_F(Operations, AnUnprivilegedTruncationDropsSetIdBits) {
  volume.mode = S_IFREG | 06755;
  fuse_setattr_in in{};
  in.valid = FATTR_SIZE;
  kernel.ask(FUSE_SETATTR, 10, wire(in));
  EXPECT_EQ(volume.mode, S_IFREG | 06755U);
  EXPECT_TRUE(kernel.notified.empty());
  in.valid = FATTR_SIZE | FATTR_KILL_SUIDGID;
  kernel.ask(FUSE_SETATTR, 10, wire(in));
  EXPECT_EQ(volume.mode, S_IFREG | 00755U);
  kernel.ask(FUSE_SETATTR, 10, wire(in));
  EXPECT_EQ(kernel.notified, std::vector{FUSE_NOTIFY_INVAL_INODE});
}

// The longer SETXATTR, of which libfuse gets the shorter form: name and value are still found, and the bit
// goes.
TEST_F(Operations, AnAclSetByWhoIsNotOfTheGroupDropsSetGroupId) {
  volume.mode = S_IFREG | 06755;
  fuse_setxattr_in in{};
  in.size = 3;
  const auto set = [&] {
    return kernel.ask(FUSE_SETXATTR, 10,
                      wire(in, std::string("system.posix_acl_access"), std::array{'a', 'c', 'l'}));
  };
  EXPECT_EQ(set().error, 0);
  EXPECT_EQ(volume.mode, S_IFREG | 06755U);
  EXPECT_EQ(volume.last_xattr, "system.posix_acl_access=acl");
  in.setxattr_flags = FUSE_SETXATTR_ACL_KILL_SGID;
  EXPECT_EQ(set().error, 0);
  EXPECT_EQ(volume.mode, S_IFREG | 04755U);
}

TEST_F(Operations, AnXattrIsMeasuredAndNeverCut) {
  fuse_getxattr_in in{};
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, 10, wire(in, std::string("user.a"))).as<fuse_getxattr_out>().size, 4U);
  in.size = 3;
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, 10, wire(in, std::string("user.a"))).error, ERANGE);
  in.size = 4;
  EXPECT_EQ(kernel.ask(FUSE_GETXATTR, 10, wire(in, std::string("user.a"))).body, volume.xattr);
  in.size = 100;
  EXPECT_EQ(as_string(kernel.ask(FUSE_LISTXATTR, 10, wire(in)).body), std::string("user.a\0user.bc\0", 15));
}

TEST_F(Operations, ADirectoryIsListedInPiecesWithoutLossOrRepetition) {
  for (int i = 0; i < 500; ++i) volume.names.push_back("file-" + std::to_string(i));
  std::uint64_t handle = open_directory();
  std::vector<Listed> all;
  for (;;) {
    auto piece =
        parse_listing(read_directory(FUSE_READDIR, handle, all.empty() ? 0 : all.back().position, 700));
    if (piece.empty()) break;
    all.insert(all.end(), piece.begin(), piece.end());
  }
  std::multiset<std::string> expected(volume.names.begin(), volume.names.end());
  expected.insert({".", ".."});
  EXPECT_EQ(names_in(all), expected);
}

TEST_F(Operations, ADirectoryReadFromItsStartIsListedAnew) {
  std::uint64_t handle = open_directory();
  EXPECT_EQ(parse_listing(read_directory(FUSE_READDIR, handle, 0, 4096)).size(), 2U);
  volume.names = {"new"};
  EXPECT_EQ(parse_listing(read_directory(FUSE_READDIR, handle, 0, 4096)).size(), 3U);
}

TEST_F(Operations, TheKernelIsNotAskedToCacheListings) {
  auto opened = kernel.ask(FUSE_OPENDIR, kRoot, wire(fuse_open_in{})).as<fuse_open_out>();
  EXPECT_EQ(opened.open_flags & FOPEN_CACHE_DIR, 0U);
}

TEST_F(Operations, ReadDirPlusCountsALookupOnlyForWhatItHandsOut) {
  for (int i = 0; i < 100; ++i) volume.names.push_back("file-" + std::to_string(i));
  Bytes block = read_directory(FUSE_READDIRPLUS, open_directory(), 0, 4096);
  std::uint64_t handed_out = 0;
  for (ByteSpan rest = block; rest.size() >= FUSE_NAME_OFFSET_DIRENTPLUS;) {
    fuse_direntplus entry{};
    std::memcpy(&entry, rest.data(), FUSE_NAME_OFFSET_DIRENTPLUS);
    if (entry.entry_out.nodeid != 0) ++handed_out;
    rest = rest.subspan(FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + entry.dirent.namelen));
  }
  EXPECT_GT(handed_out, 5U);
  EXPECT_EQ(volume.lookups[10], handed_out);
}

TEST_F(Operations, ADamagedEntryIsListedWithoutAnInode) {
  volume.names = {"broken"};
  volume.errors["broken"] = {Errc::kDamaged, 0, "damage"};
  Bytes block = read_directory(FUSE_READDIRPLUS, open_directory(), 2, 4096);
  fuse_direntplus entry{};
  ASSERT_GE(block.size(), FUSE_NAME_OFFSET_DIRENTPLUS);
  std::memcpy(&entry, block.data(), FUSE_NAME_OFFSET_DIRENTPLUS);
  EXPECT_EQ(entry.entry_out.nodeid, 0U);
  EXPECT_EQ(entry.dirent.namelen, 6U);
}

TEST_F(Operations, AClosedDirectoryIsNoLongerHeld) {
  std::uint64_t handle = open_directory();
  EXPECT_EQ(kernel.mounted().directories.size(), 1U);
  fuse_release_in in{};
  in.fh = handle;
  EXPECT_EQ(kernel.ask(FUSE_RELEASEDIR, kRoot, wire(in)).error, 0);
  EXPECT_EQ(kernel.mounted().directories.size(), 0U);
}

}  // namespace
}  // namespace enfold
