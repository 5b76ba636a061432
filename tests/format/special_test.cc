#include "fs/format/special.h"

#include <gtest/gtest.h>

#include "fs/format/length.h"
#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;
using format_test::seal_any_special;

Bytes seal(const Special& special) {
  format_test::SeededEntropy entropy(1);
  return seal_special(special, format_test::sample_keys(), entropy);
}
Result<Special> open(ByteSpan content) { return open_special(content, format_test::sample_keys()); }

Special symlink_to(std::string target) {
  Special out = format_test::sample_symlink();
  out.target = std::move(target);
  return out;
}

TEST(SpecialObject, SymlinksOfEveryLengthComeBack) {
  for (const std::size_t length : {1U, 2U, 100U, 3985U, 3986U, 3987U, 4094U, 4095U}) {
    const std::string target(length, 't');
    const Bytes content = seal(symlink_to(target));
    EXPECT_EQ(content.size(), length <= 3986 ? 4064U : 8160U) << length;
    EXPECT_EQ(special_kind_of(content.size()), SpecialKind::kSymlink);
    const Special opened = open(content).value();
    EXPECT_EQ(opened.target, target);
    EXPECT_EQ(opened.file, format_test::sample_file());
  }
}

TEST(SpecialObject, OfEveryOtherKindComesBack) {
  for (const SpecialKind kind :
       {SpecialKind::kFifo, SpecialKind::kSocket, SpecialKind::kCharDevice, SpecialKind::kBlockDevice}) {
    Special special = format_test::sample_device();
    special.kind = kind;
    const Bytes content = seal(special);
    EXPECT_EQ(content.size(), static_cast<std::size_t>(kind));
    const Special opened = open(content).value();
    const bool is_device = kind == SpecialKind::kCharDevice || kind == SpecialKind::kBlockDevice;
    EXPECT_EQ(opened.kind, kind);
    EXPECT_EQ(opened.device_major, is_device ? 1U : 0U);
    EXPECT_EQ(opened.device_minor, is_device ? 0x10003U : 0U);
  }
}

TEST(SpecialObject, KindIsInTheSizeAndNoRegularFileHasIt) {
  for (std::uint64_t size = 0; size < 20000; ++size) {
    const bool is_special = (size >= 4064 && size <= 4068) || size == 8160;
    EXPECT_EQ(special_kind_of(size).has_value(), is_special) << size;
    EXPECT_FALSE(is_special && plain_length_of(size)) << size;
  }
  EXPECT_FALSE(special_kind_of(~std::uint64_t{0}));
}

TEST(SpecialObject, RefusesAChangeInAnyByte) {
  format_test::expect_each_flip_refused<Bytes>(
      seal(format_test::sample_symlink()), [](const Bytes& content) { return !open(content).has_value(); });
}

TEST(SpecialObject, RefusesASizeOfAnotherKind) {
  Bytes content = seal(format_test::sample_device());
  content.resize(4068);
  expect_damaged(open(content), "kind");
  content.resize(4064);
  expect_damaged(open(content), "kind");
  content.resize(8160);
  expect_damaged(open(content), "kind");
  for (const std::size_t size : {0U, 1U, 96U, 4063U, 4069U, 4096U, 8159U, 8161U, 8192U})
    expect_damaged(open(Bytes(size)), "size");
}

TEST(SpecialObject, RefusesAnotherVolumeAndAnotherFile) {
  Bytes content = seal(format_test::sample_symlink());
  expect_damaged(open_special(content, format_test::other_keys()), "another volume");
  std::ranges::copy(format_test::other_file().bytes, content.begin() + 32);
  expect_damaged(open(content), "does not verify");
}

TEST(SpecialObject, RefusesAValidTagOverWhatNoWriterWrites) {
  expect_damaged(open(seal_any_special(4064, 4065, {})), "kind");
  expect_damaged(open(seal_any_special(4065, 4064, {})), "kind");
  const Bytes one{1};
  expect_damaged(open(seal_any_special(4065, 4065, one)), "padding");
  expect_damaged(open(seal_any_special(4066, 4066, one)), "padding");
  const Bytes after_device{1, 0, 0, 0, 1, 0, 0, 0, 1};
  expect_damaged(open(seal_any_special(4067, 4067, after_device)), "padding");
  EXPECT_TRUE(open(seal_any_special(4067, 4067, ByteSpan(after_device).first(8))));
}

TEST(SpecialObject, RefusesATargetThatIsEmptyTooLongCutOrHasANul) {
  expect_damaged(open(seal_any_special(4064, 4064, {})), "target");
  expect_damaged(open(seal_any_special(4064, 4064, Bytes{3, 0, 'a', 0, 'b'})), "target");
  expect_damaged(open(seal_any_special(4064, 4064, Bytes{0xff, 0xff, 'a'})), "target");
  expect_damaged(open(seal_any_special(4064, 4064, Bytes{1, 0, 'a', 'b'})), "padding");
  Bytes too_long(2 + 4096, 'a');
  ByteWriter(MutableByteSpan(too_long).first(2)).u16(4096);
  expect_damaged(open(seal_any_special(4064, 4064, too_long)), "target");
}

TEST(SpecialObject, RefusesALongFormForAShortTarget) {
  Bytes payload(4000);
  payload[0] = 1;
  payload[2] = 'a';
  expect_damaged(open(seal_any_special(4064, 4064, payload)), "shorter form");
}

}  // namespace
}  // namespace enfold
