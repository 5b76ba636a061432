// W7, W8: headers exchanged, and what is older put back.
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class AttackHeaders : public testing::Test {
 protected:
  AttackHeaders() {
    world_.keep_random_file("victim", 2 * kSectorPlainBytes + 1000);
    world_.keep_random_file("other", 2 * kSectorPlainBytes + 1000);
    world_.keep_random_file("longer", 3 * kSectorPlainBytes);
  }

  // The user writes the whole file again.
  void rewrite(const std::string& path, std::size_t bytes) {
    std::string& content = world_.known[path].content;
    content = text_of(random_bytes(world_.entropy, bytes));
    ASSERT_TRUE(is_ok(world_.write(path, content)));
  }

  AttackWorld world_{5};
};

using AttackW7 = AttackHeaders;
using AttackW8 = AttackHeaders;

TEST_F(AttackW7, TheWholeHeaderOfAnotherFileIsNoticed) {
  const LowerCopy victim(world_, "victim");
  for (const char* path : {"other", "longer"}) {
    const LowerCopy from(world_, path);
    victim.lay_over(0, from.page(0));
    ASSERT_TRUE(noticed(world_, {.plain = "victim"})) << path;
    victim.put_back();
  }
}

TEST_F(AttackW7, ExchangedHeadersAreNoticedInBothFiles) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  victim.lay_over(0, other.page(0));
  ASSERT_TRUE(noticed(world_, {.plain = "victim"}));
  victim.put_back();
  other.lay_over(0, victim.page(0));
  ASSERT_TRUE(noticed(world_, {.plain = "other"}));
}

TEST_F(AttackW7, AnyPartOfAnotherFilesHeaderIsNoticed) {
  struct Part {
    std::size_t begin;
    std::size_t size;
  };
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  for (const Part part :
       {Part{0, kPrefixBytes}, Part{kPrefixBytes, kSlotBytes}, Part{kStateOffset, kStateBytes},
        Part{kPrefixSaltOffset, 32}, Part{kPrefixBoundBytes, 32}, Part{40, 16}, Part{0, kStateOffset},
        Part{kPrefixBytes, kPageBytes - kPrefixBytes}}) {
    victim.lay_over(part.begin, std::string_view(other.bytes()).substr(part.begin, part.size));
    ASSERT_TRUE(noticed(world_, {.plain = "victim"})) << part.begin << " + " << part.size;
    victim.put_back();
  }
}

TEST_F(AttackW7, ASlotInTheOthersPlaceOrTwiceOrGoneIsNoticed) {
  const LowerCopy victim(world_, "victim");
  const std::string slot = victim.bytes().substr(kSlotOffset[0], kSlotBytes);
  const std::string empty(kSlotBytes, '\0');
  for (const std::string& slots : {empty + slot, slot + slot, empty + empty}) {
    victim.lay_over(kSlotOffset[0], slots);
    ASSERT_TRUE(noticed(world_, {.plain = "victim"}));
    victim.put_back();
  }
}

TEST_F(AttackW7, AStateRecordThatSaysAnotherLengthIsNoticed) {
  const std::string old_record = LowerCopy(world_, "victim").bytes().substr(kStateOffset, kStateBytes);
  rewrite("victim", 2 * kSectorPlainBytes + 1001);
  const LowerCopy victim(world_, "victim");
  victim.lay_over(kStateOffset, old_record);
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

// Said so.
TEST_F(AttackW7, AnOlderStateRecordOfTheSameLengthIsNotNoticed) {
  const std::string old_record = LowerCopy(world_, "victim").bytes().substr(kStateOffset, kStateBytes);
  rewrite("victim", 2 * kSectorPlainBytes + 1000);
  const LowerCopy victim(world_, "victim");
  ASSERT_NE(old_record, victim.bytes().substr(kStateOffset, kStateBytes));
  victim.lay_over(kStateOffset, old_record);
  EXPECT_TRUE(unharmed(world_));
}

// Said so: whoever kept a slot from before a re-wrap puts it back, and the file opens by it while its key is
// enabled.
TEST_F(AttackW7, AnOlderSlotIsNotNoticed) {
  const LowerCopy victim(world_, "victim");
  HeaderPage page;
  std::ranges::copy(first_bytes(victim.bytes(), kPageBytes), page.begin());
  auto header = decode_header(page, world_.keys);
  ASSERT_TRUE(is_ok(header));
  Envelope next = header->envelope;
  ++next.generation;
  const MacKey mac = world_.keys.slot_mac(header->prefix.file);
  ASSERT_TRUE(is_ok(encode_slot(next, {prefix_of(page), 1, mac}, slot_of(page, 1))));
  std::ranges::fill(slot_of(page, 0), std::uint8_t{0});
  victim.lay_over(0, text_of(page));
  ASSERT_TRUE(unharmed(world_));
  victim.put_back();
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW7, AHeaderExchangedUnderAnOpenFileDoesNotReachItsContent) {
  auto handle = world_.tree().open_file(world_.inode("victim"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  victim.lay_over(0, other.page(0));
  const std::string start = "written after the exchange";
  EXPECT_TRUE(is_ok((*handle)->write(0, as_bytes(start))));
  std::ignore = (*handle)->release();
  world_.known["victim"].content.replace(0, start.size(), start);
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

// Said so, all of them: version 1 does not know which of two versions is the newer one.
TEST_F(AttackW8, AnOlderSectorIsNotNoticed) {
  const std::string old_content = world_.known["victim"].content;
  const std::string old_bytes = LowerCopy(world_, "victim").bytes();
  rewrite("victim", 2 * kSectorPlainBytes + 1000);
  const LowerCopy victim(world_, "victim");
  victim.lay_over(sector_offset(1), std::string_view(old_bytes).substr(sector_offset(1), kPageBytes));
  world_.known["victim"].content.replace(kSectorPlainBytes, kSectorPlainBytes,
                                         old_content.substr(kSectorPlainBytes, kSectorPlainBytes));
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW8, AnOlderLastSectorOfAnotherLengthIsNoticed) {
  const std::string old_bytes = LowerCopy(world_, "victim").bytes();
  rewrite("victim", 2 * kSectorPlainBytes + 1001);
  const LowerCopy victim(world_, "victim");
  victim.lay_over(sector_offset(2), std::string_view(old_bytes).substr(sector_offset(2), kPageBytes));
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackW8, AnOlderWholeFileIsNotNoticed) {
  const Known old = world_.known["victim"];
  const LowerCopy before(world_, "victim");
  rewrite("victim", 10);
  ASSERT_TRUE(unharmed(world_));
  before.put_back();
  world_.known["victim"] = old;
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW8, AFileOfBeforeItWasRemovedIsNotNoticed) {
  const LowerCopy before(world_, "victim");
  ASSERT_TRUE(is_ok(world_.unlink("victim")));
  before.put_back();
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW8, AnOlderVolumeIsNotNoticed) {
  world_.keep_directory("d");
  world_.keep_random_file("d/inner", 100);
  world_.keep_random_file("d/" + std::string(200, 'n'), 100);
  world_.keep_symlink("link", "target");
  const stdfs::path copy = world_.directory.path() / "copy";
  stdfs::copy(world_.lower(""), copy, stdfs::copy_options::recursive);
  const auto old = world_.known;
  rewrite("victim", 10);
  ASSERT_TRUE(is_ok(world_.unlink("d/inner")));
  world_.known = old;
  world_.reopen_at(copy);
  EXPECT_TRUE(unharmed(world_));
}

}  // namespace
}  // namespace enfold
