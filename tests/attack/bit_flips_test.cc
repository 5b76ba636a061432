// W1: somebody flips bits in the lower files. (The config's are in config_test.cc.)
#include <sys/xattr.h>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

// The bits to try in one byte: one by the seed, or all.
std::vector<unsigned> bits(AttackWorld& world) {
  if (is_long_form()) return {0, 1, 2, 3, 4, 5, 6, 7};
  return {static_cast<unsigned>(world.entropy.below(8))};
}

class AttackW1 : public testing::Test {
 protected:
  AttackW1() { world_.keep_random_file("bystander", 100); }

  void expect_noticed(const Damaged& damaged, const LowerCopy& copy, std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; ++at) {
      for (const unsigned bit : bits(world_)) {
        copy.flip(at, bit);
        ASSERT_TRUE(noticed(world_, damaged)) << "byte " << at << " bit " << bit;
        copy.put_back();
      }
    }
    EXPECT_TRUE(unharmed(world_));
  }

  AttackWorld world_{2};
};

TEST_F(AttackW1, AFlippedBitInAnyHeaderByteIsNoticed) {
  world_.keep_random_file("victim", 10);
  const LowerCopy victim(world_, "victim");
  expect_noticed({.plain = "victim"}, victim, 0, kPageBytes);
}

TEST_F(AttackW1, AFlippedBitInTheHeaderOfAnEmptyFileIsNoticed) {
  world_.keep_file("victim", "");
  const LowerCopy victim(world_, "victim");
  for (std::size_t at = world_.entropy.below(41); at < kPageBytes; at += 41)
    ASSERT_NO_FATAL_FAILURE(expect_noticed({.plain = "victim"}, victim, at, at + 1));
}

TEST_F(AttackW1, AFlippedBitInAnyByteBesideASectorsCiphertextIsNoticed) {
  world_.keep_random_file("victim", 2 * kSectorPlainBytes + 1000);
  const LowerCopy victim(world_, "victim");
  for (std::size_t index = 0; index < 3; ++index)
    ASSERT_NO_FATAL_FAILURE(
        expect_noticed({.plain = "victim"}, victim, sector_offset(index), sector_offset(index) + 32));
}

TEST_F(AttackW1, AFlippedBitInASectorsCiphertextOrPaddingIsNoticed) {
  world_.keep_random_file("victim", kSectorPlainBytes + 1000);
  const LowerCopy victim(world_, "victim");
  const std::size_t step = is_long_form() ? 1 : 97;
  for (std::size_t at = sector_offset(0) + 32 + world_.entropy.below(step); at < sector_offset(2); at += step)
    ASSERT_NO_FATAL_FAILURE(expect_noticed({.plain = "victim"}, victim, at, at + 1));
}

TEST_F(AttackW1, AFileTailCarriesNothingThatCouldBeFlipped) {
  world_.keep_random_file("victim", 1000);
  const LowerCopy victim(world_, "victim");
  for (const std::size_t at : {sector_offset(1), victim.bytes().size() - 1}) {
    victim.flip(at, 3);
    world_.open_anew();
    EXPECT_EQ(world_.read("victim").value_or(""), world_.known["victim"].content);
  }
  victim.put_back();
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW1, AFlippedBitInAnyByteOfAMarkerClosesItsDirectoryOnly) {
  world_.keep_directory("d");
  world_.keep_random_file("d/inner", 10);
  world_.keep_directory("d/deeper");
  const stdfs::path marker = world_.lower("d") / kMarkerName;
  const std::string good = slurp(marker);
  ASSERT_EQ(good.size(), kMarkerBytes);
  const Damaged damaged{.plain = "d", .checked_lower = world_.relative(marker)};
  for (std::size_t at = 0; at < kMarkerBytes; ++at) {
    for (const unsigned bit : bits(world_)) {
      std::string flipped = good;
      flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1U << bit));
      spill(marker, flipped);
      ASSERT_TRUE(noticed(world_, damaged)) << "byte " << at << " bit " << bit;
      spill(marker, good);
    }
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW1, AFlippedBitInAnyByteOfASidecarHidesItsEntryOnly) {
  const std::string name(255, 'n');
  world_.keep_random_file(name, 10);
  const LowerCopy entry(world_, name);
  const stdfs::path sidecar = entry.path().string() + ".name";
  const std::string good = slurp(sidecar);
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned bit : bits(world_)) {
      std::string flipped = good;
      flipped[at] = static_cast<char>(flipped[at] ^ static_cast<char>(1U << bit));
      spill(sidecar, flipped);
      ASSERT_TRUE(noticed(world_, {.plain = name, .is_name_damaged = true, .checked_plain = "/"}))
          << "byte " << at << " bit " << bit;
      entry.put_back();
    }
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW1, AFlippedBitInAnyByteOfASymlinkIsNoticed) {
  world_.keep_symlink("link", "target");
  const LowerCopy link(world_, "link");
  const std::size_t sealed_bytes = 76 + 2 + 6;
  ASSERT_NO_FATAL_FAILURE(expect_noticed({.plain = "link"}, link, 0, sealed_bytes));
  const std::size_t step = is_long_form() ? 1 : 61;
  for (std::size_t at = sealed_bytes + world_.entropy.below(step); at < link.bytes().size(); at += step)
    ASSERT_NO_FATAL_FAILURE(expect_noticed({.plain = "link"}, link, at, at + 1));
}

TEST_F(AttackW1, AFlippedBitInADeviceIsNoticed) {
  world_.keep_node("device", S_IFBLK, 7);
  const LowerCopy device(world_, "device");
  expect_noticed({.plain = "device"}, device, 0, 76 + 8);
}

TEST_F(AttackW1, AFlippedBitInAFifoOrSocketIsReportedByCheck) {
  world_.keep_node("fifo", S_IFIFO);
  world_.keep_node("socket", S_IFSOCK);
  for (const char* path : {"fifo", "socket"}) {
    const LowerCopy node(world_, path);
    for (std::size_t at = 0; at < 100; ++at) {
      node.flip(at, bits(world_).front());
      ASSERT_TRUE(noticed(world_, {.plain = path})) << path << " byte " << at;
      node.put_back();
    }
  }
}

// One sealed xattr as it is below.
struct LowerXattr {
  std::string name;
  std::string value;
};

std::vector<LowerXattr> lower_xattrs(const stdfs::path& path) {
  std::string list(64 * 1024, '\0');
  list.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, ::listxattr(path.c_str(), list.data(), list.size()))));
  std::vector<LowerXattr> out;
  for (std::size_t at = 0; at < list.size(); at = list.find('\0', at) + 1) {
    const std::string name = list.c_str() + at;
    if (!name.starts_with(kXattrPrefix)) continue;
    std::string value(64 * 1024, '\0');
    value.resize(static_cast<std::size_t>(
        std::max<ssize_t>(0, ::getxattr(path.c_str(), name.c_str(), value.data(), value.size()))));
    out.push_back({name, value});
  }
  return out;
}

class AttackW1Xattr : public AttackW1 {
 protected:
  AttackW1Xattr() {
    world_.keep_random_file("victim", 10);
    world_.keep_xattr("victim", "user.first", "a value");
    lower_ = lower_xattrs(world_.lower("victim")).at(0);
  }

  void expect_noticed_with(const LowerCopy& victim, const LowerXattr& changed) {
    ASSERT_EQ(::removexattr(victim.path().c_str(), lower_.name.c_str()), 0);
    ASSERT_EQ(::setxattr(victim.path().c_str(), changed.name.c_str(), changed.value.data(),
                         changed.value.size(), 0),
              0);
    ASSERT_TRUE(noticed(world_, {.plain = "victim", .xattr = "user.first"})) << changed.name;
    victim.put_back();
    ASSERT_EQ(
        ::setxattr(victim.path().c_str(), lower_.name.c_str(), lower_.value.data(), lower_.value.size(), 0),
        0);
  }

  LowerXattr lower_;
};

TEST_F(AttackW1Xattr, AFlippedBitInAnyByteOfAValueIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (std::size_t at = 0; at < lower_.value.size(); ++at) {
    LowerXattr changed = lower_;
    changed.value[at] = static_cast<char>(changed.value[at] ^ static_cast<char>(1U << bits(world_).front()));
    ASSERT_NO_FATAL_FAILURE(expect_noticed_with(victim, changed));
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW1Xattr, AnyOtherCharacterInANameIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (std::size_t at = kXattrPrefix.size(); at < lower_.name.size(); ++at) {
    LowerXattr changed = lower_;
    changed.name[at] = changed.name[at] == 'A' ? 'B' : 'A';
    ASSERT_NO_FATAL_FAILURE(expect_noticed_with(victim, changed));
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW1Xattr, AFlippedBitInAnAttributeOfTheRootIsReportedByCheck) {
  ASSERT_TRUE(is_ok(world_.tree().set_xattr(kRootInode, "user.of-the-root", as_bytes("value"), 0)));
  ASSERT_TRUE(unharmed(world_));
  LowerXattr changed = lower_xattrs(world_.lower("")).at(0);
  changed.value.back() = static_cast<char>(changed.value.back() ^ 1);
  ASSERT_EQ(::setxattr(world_.lower("").c_str(), changed.name.c_str(), changed.value.data(),
                       changed.value.size(), 0),
            0);
  world_.open_anew();
  EXPECT_EQ(errno_of_result(world_.tree().get_xattr(kRootInode, "user.of-the-root")), EIO);
  const auto found = world_.findings();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].plain_path, "/");
  EXPECT_EQ(found[0].severity, Severity::kDamage);
}

TEST_F(AttackW1Xattr, AValueThatWasCutIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (std::size_t size = 0; size < lower_.value.size(); ++size)
    ASSERT_NO_FATAL_FAILURE(expect_noticed_with(victim, {lower_.name, lower_.value.substr(0, size)}));
}

}  // namespace
}  // namespace enfold
