// W3, W6: lower files cut to any length.
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kSectors = 3;

class AttackLengths : public testing::Test {
 protected:
  AttackLengths() {
    world_.keep_random_file("victim", (kSectors - 1) * kSectorPlainBytes + 1000);
    world_.keep_random_file("full", kSectors * kSectorPlainBytes);
    world_.keep_file("empty", "");
    world_.keep_symlink("link", "target");
    world_.keep_symlink("long link", std::string(4000, 't'));
  }

  // A file cut to a size at which stat takes it for a special object still is no readable file, and check
  // names it all the same.
  void expect_cut_noticed(const LowerCopy& copy, const std::string& plain, std::size_t size) {
    if (size == copy.bytes().size()) return;
    stdfs::resize_file(copy.path(), size);
    Known original = world_.known[plain];
    if (const auto kind = special_kind_of(size)) world_.known[plain].type = shown_type(*kind);
    if (!special_kind_of(size) && original.type != S_IFREG) world_.known[plain].type = S_IFREG;
    ASSERT_TRUE(noticed(world_, {.plain = plain})) << plain << " cut to " << size;
    world_.known[plain] = original;
    copy.put_back();
  }

  static mode_t shown_type(SpecialKind kind) {
    switch (kind) {
      case SpecialKind::kSymlink:
        return S_IFLNK;
      case SpecialKind::kFifo:
        return S_IFIFO;
      case SpecialKind::kSocket:
        return S_IFSOCK;
      case SpecialKind::kCharDevice:
        return S_IFCHR;
      case SpecialKind::kBlockDevice:
        return S_IFBLK;
    }
    return S_IFREG;
  }

  AttackWorld world_{4};
};

using AttackW3 = AttackLengths;
using AttackW6 = AttackLengths;

TEST_F(AttackW3, ACutAtEachSectorEdgeIsNoticed) {
  for (const char* path : {"victim", "full"}) {
    const LowerCopy file(world_, path);
    for (std::size_t index = 0; index <= kSectors; ++index)
      ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(file, path, sector_offset(index)));
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW3, ACutOrExtensionToAnEdgeAndAnyRemainderIsNoticed) {
  const LowerCopy file(world_, "victim");
  const std::size_t step = is_long_form() ? 1 : 53;
  for (std::size_t index = 0; index <= kSectors; ++index)
    for (std::size_t rest = 1 + world_.entropy.below(step); rest < kPageBytes; rest += step)
      ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(file, "victim", sector_offset(index) + rest));
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW3, TheRemaindersAtTheLimitsOfFilesAndSpecialObjectsAreNoticed) {
  const LowerCopy file(world_, "victim");
  for (std::size_t index = 0; index <= kSectors; ++index)
    for (const std::size_t rest :
         {1U, 2U, 999U, 1001U, 4063U, 4064U, 4065U, 4066U, 4067U, 4068U, 4069U, 4094U, 4095U})
      ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(file, "victim", sector_offset(index) + rest));
}

TEST_F(AttackW3, AnExtensionByAHoleOfAnyRemainderIsNoticed) {
  const LowerCopy file(world_, "full");
  const std::size_t step = is_long_form() ? 1 : 211;
  for (std::size_t more = 1 + world_.entropy.below(step); more < kPageBytes; more += step)
    ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(file, "full", file.bytes().size() + more));
}

TEST_F(AttackW3, ASymlinkOfAnyOtherSizeIsNoticed) {
  for (const char* path : {"link", "long link"}) {
    const LowerCopy link(world_, path);
    for (const std::size_t size :
         {0U, 1U, 75U, 76U, 4063U, 4064U, 4065U, 4068U, 4069U, 4095U, 4096U, 8159U, 8160U, 8161U, 12256U})
      ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(link, path, size));
  }
}

TEST_F(AttackW6, TruncationToNothingToTheHeaderAndToHalfAHeaderIsNoticed) {
  for (const char* path : {"victim", "full", "empty"}) {
    const LowerCopy file(world_, path);
    for (const std::size_t size : {0U, 1U, 511U, 512U, 2048U, 3584U, 4063U, 4095U, 4096U})
      ASSERT_NO_FATAL_FAILURE(expect_cut_noticed(file, path, size));
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW6, AHeaderOfZerosIsNoticed) {
  for (const char* path : {"victim", "full", "empty"}) {
    const LowerCopy file(world_, path);
    file.lay_over(0, std::string(kPageBytes, '\0'));
    ASSERT_TRUE(noticed(world_, {.plain = path}));
    file.put_back();
  }
}

TEST_F(AttackW6, AFileOfZerosIsNoticed) {
  const LowerCopy file(world_, "victim");
  spill(file.path(), std::string(file.bytes().size(), '\0'));
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackW3, AnyCutOfAMarkerOrASidecarIsNoticed) {
  world_.keep_directory("d");
  world_.keep_file("d/inner", "content");
  const stdfs::path marker = world_.lower("d") / kMarkerName;
  const std::string good_marker = slurp(marker);
  for (std::size_t size = 0; size <= kMarkerBytes + 1; ++size) {
    if (size == kMarkerBytes) continue;
    stdfs::resize_file(marker, size);
    ASSERT_TRUE(noticed(world_, {.plain = "d", .checked_lower = world_.relative(marker)})) << size;
    spill(marker, good_marker);
  }
  const std::string name(180, 'n');
  world_.keep_file(name, "content");
  const LowerCopy entry(world_, name);
  const stdfs::path sidecar = entry.path().string() + ".name";
  const std::size_t good_size = stdfs::file_size(sidecar);
  for (std::size_t size = 0; size <= kMaxSidecarBytes + 1; ++size) {
    if (size == good_size) continue;
    stdfs::resize_file(sidecar, size);
    ASSERT_TRUE(noticed(world_, {.plain = name, .is_name_damaged = true, .checked_plain = "/"})) << size;
    entry.put_back();
  }
  EXPECT_TRUE(unharmed(world_));
}

// A FIFO makes its opener wait for ever, and the kernel opens it without asking the volume: so nothing may
// show as one by its size alone.
TEST_F(AttackW3, AFileCutToTheSizeOfASpecialObjectDoesNotShowAsOne) {
  const LowerCopy file(world_, "full");
  const Known known = world_.known["full"];
  for (const std::size_t size : {4064U, 4065U, 4066U, 4067U, 4068U, 8160U}) {
    stdfs::resize_file(file.path(), size);
    world_.open_anew();
    auto entry = world_.tree().lookup(kRootInode, "full");
    ASSERT_TRUE(is_ok(entry)) << size;
    EXPECT_TRUE(S_ISREG(entry->attributes.st_mode)) << size << ": the kernel would open a FIFO and wait";
    EXPECT_EQ(entry->attributes.st_size, 0) << size;
    EXPECT_EQ(errno_of_result(world_.tree().open_file(entry->inode, O_RDONLY)), EIO) << size;
    EXPECT_TRUE(noticed(world_, {.plain = "full"})) << size;
    file.put_back();
    world_.known["full"] = known;
  }
}

TEST_F(AttackW6, AFileTruncatedToNothingUnderAnOpenFileIsNoticedWhateverIsWrittenAfterwards) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{2048}, std::size_t{4096}}) {
    auto handle = world_.tree().open_file(world_.inode("victim"), O_RDWR);
    ASSERT_TRUE(is_ok(handle));
    const LowerCopy victim(world_, "victim");
    stdfs::resize_file(victim.path(), size);
    EXPECT_TRUE(refuses(**handle, world_.known["victim"].content));
    std::ignore = (*handle)->write(0, as_bytes(std::string(kSectorPlainBytes, 'x')));
    std::ignore = (*handle)->write((*handle)->body().length(), as_bytes("appended"));
    std::ignore = (*handle)->sync(false);
    std::ignore = (*handle)->release();
    world_.known["victim"].content.replace(0, kSectorPlainBytes, std::string(kSectorPlainBytes, 'x'));
    EXPECT_TRUE(noticed(world_, {.plain = "victim"})) << size;
  }
}

TEST_F(AttackW3, ACutUnderAnOpenFileIsNoticedAndAWriteDoesNotHideIt) {
  auto handle = world_.tree().open_file(world_.inode("victim"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  const LowerCopy victim(world_, "victim");
  stdfs::resize_file(victim.path(), sector_offset(1));
  EXPECT_TRUE(refuses(**handle, world_.known["victim"].content));
  EXPECT_EQ(errno_of_result((*handle)->write(kSectorPlainBytes + 1, as_bytes("x"))), EIO);
  std::ignore = (*handle)->release();
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

}  // namespace
}  // namespace enfold
