#include "kms/base/bytes.h"

#include <gtest/gtest.h>

namespace enfold {
namespace {

TEST(ByteReader, ReadsLittleEndianFieldsInOrder) {
  const Bytes bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xaa, 0xbb, 0};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 1U);
  EXPECT_EQ(reader.u16(), 0x0302U);
  EXPECT_EQ(reader.u32(), 0x07060504U);
  EXPECT_EQ(reader.u64(), 0x0f0e0d0c0b0a0908U);
  EXPECT_EQ((reader.array<2>()), (std::array<std::uint8_t, 2>{0xaa, 0xbb}));
  EXPECT_EQ(reader.remaining(), 1U);
  reader.zeros(1);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, StaysFailedPastTheEnd) {
  const Bytes bytes{1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0U) << "what is left is not handed out after a failure";
  EXPECT_TRUE(reader.bytes(0).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, RefusesALengthBeyondAllMemory) {
  const Bytes bytes(4, 0xff);
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.bytes(SIZE_MAX).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, RefusesReservedBytesThatAreSet) {
  const Bytes bytes{0, 0, 1};
  ByteReader reader(bytes);
  reader.zeros(2);
  EXPECT_TRUE(reader.ok());
  reader.zeros(1);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesWhatTheReaderReads) {
  Bytes bytes(20, 0xee);
  ByteWriter writer(bytes);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.bytes(Bytes{7, 7});
  writer.zero_rest();
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(to_hex(bytes), "010302070605040f0e0d0c0b0a09080707000000");
}

TEST(ByteWriter, WritesNothingPastTheEnd) {
  Bytes bytes(3, 0xee);
  ByteWriter writer(MutableByteSpan(bytes).first(2));
  writer.u32(1);
  EXPECT_FALSE(writer.ok());
  writer.u8(1);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(to_hex(bytes), "eeeeee");
}

TEST(Hex, TakesLowerCasePairsOnly) {
  Bytes out{9};
  EXPECT_TRUE(from_hex("00ff1a", out));
  EXPECT_EQ(to_hex(out), "0900ff1a");
  for (const char* text : {"0", "0g", "AB", " 00", "0x00"}) EXPECT_FALSE(from_hex(text, out)) << text;
  EXPECT_EQ(to_hex(out), "0900ff1a") << "nothing is appended on failure";
}

// RFC 4648 section 10, without its padding.
TEST(Base64Url, AgreesWithRfc4648) {
  const std::string text = "foobar";
  const std::array expected{"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
  for (std::size_t size = 0; size < expected.size(); ++size) {
    EXPECT_EQ(to_base64url(as_bytes(text.substr(0, size))), expected[size]);
    Bytes out;
    EXPECT_TRUE(from_base64url(expected[size], out));
    EXPECT_EQ(as_string(out), text.substr(0, size));
  }
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64Url, RefusesWhatIsNotCanonical) {
  Bytes out;
  for (const char* text : {"Z", "Zg=", "Zg==", "Zh", "Zm9=", "Zm9v ", "+/8", "Zm9vY", "Zm\n9"})
    EXPECT_FALSE(from_base64url(text, out)) << text;
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace enfold
