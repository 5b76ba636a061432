#include "kms/engine/ciphertext_blob.h"

#include <sstream>

#include "tests/kms/support.h"

namespace enfold {
namespace {

KeyMaterial material() {
  KeyMaterial out;
  for (std::size_t i = 0; i < KeyMaterial::kSize; ++i)
    out.expose_mutable()[i] = static_cast<std::uint8_t>(0x40 + i);
  return out;
}

EncryptionContext context_of(const std::string& text) {
  EncryptionContext context;
  std::istringstream in(text == "-" ? "" : text);
  for (std::string pair; std::getline(in, pair, ',');)
    context[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  return context;
}

Result<WipedBytes> open_whole(ByteSpan blob, const EncryptionContext& context) {
  ENFOLD_TRY(read_blob_header(blob));
  std::optional<WipedBytes> plaintext = open_blob(blob, material(), context);
  if (!plaintext) return make_error(Errc::kKmsInvalidCiphertext, "");
  return *std::move(plaintext);
}

TEST(Blob, OpensAndRefusesAsTheVectorsSay) {
  for (const auto& fields : vectors("blob.txt")) {
    ASSERT_EQ(fields.size(), 5U);
    SCOPED_TRACE(fields[0]);
    Result<WipedBytes> opened = open_whole(vector_bytes(fields[3]), context_of(fields[2]));
    EXPECT_EQ(outcome(opened), fields[1]);
    if (opened) {
      EXPECT_EQ(to_hex(opened->expose()), fields[4]);
    }
  }
}

TEST(Blob, NamesKeyAndMaterialInClear) {
  Bytes blob = vector_bytes(vectors("blob.txt").front()[3]);
  Result<BlobHeader> header = read_blob_header(blob);
  ASSERT_TRUE(header);
  EXPECT_EQ(uuid_text(header->key_id), "00112233-4455-4677-8899-aabbccddeeff");
  EXPECT_EQ(to_hex(header->material_id), "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
}

TEST(Blob, RefusesAFlippedBitInEachByte) {
  SystemEntropy entropy;
  const EncryptionContext context{{"file", "f"}};
  Bytes blob = seal_blob({}, material(), context, Bytes(32, 7), entropy);
  ASSERT_TRUE(open_whole(blob, context));
  for (std::size_t i = 0; i < blob.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      blob[i] ^= static_cast<std::uint8_t>(1U << bit);
      EXPECT_FALSE(open_whole(blob, context)) << "byte " << i;
      blob[i] ^= static_cast<std::uint8_t>(1U << bit);
    }
  }
  for (std::size_t size = 0; size < blob.size(); ++size)
    EXPECT_FALSE(open_whole(ByteSpan(blob).first(size), context));
}

TEST(Blob, IsSmallAndNeverTheSameTwice) {
  SystemEntropy entropy;
  Bytes first = seal_blob({}, material(), {}, Bytes(32, 7), entropy);
  EXPECT_EQ(first.size(), 129U);
  EXPECT_NE(first, seal_blob({}, material(), {}, Bytes(32, 7), entropy));
  EXPECT_LE(seal_blob({}, material(), {}, Bytes(4096, 7), entropy).size(), 6144U);
}

TEST(Uuid, IsCanonicalOrNothing) {
  KeyId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(i * 17);
  EXPECT_EQ(uuid_text(id), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(parse_uuid(uuid_text(id)), id);
  for (const char* text : {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF",
                           "00112233-4455-6677-8899-aabbccddeef", "0011-22334455-6677-8899-aabbccddeeff",
                           "00112233-4455-6677-8899-aabbccddeeff-", "00112233-4455-6677-8899-aabbccddeefg"})
    EXPECT_FALSE(parse_uuid(text)) << text;
}

TEST(Context, TellsApartWhatConcatenationDoesNot) {
  const std::vector<EncryptionContext> contexts{{},
                                                {{"", ""}},
                                                {{"a", "bc"}},
                                                {{"ab", "c"}},
                                                {{"abc", ""}},
                                                {{"", "abc"}},
                                                {{"a", "b"}, {"c", ""}},
                                                {{"a", ""}, {"bc", ""}},
                                                {{"A", "bc"}},
                                                {{std::string("a\0", 2), "bc"}}};
  for (std::size_t i = 0; i < contexts.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(encode_context(contexts[i]), encode_context(contexts[j]));
}

TEST(Context, IsInByteOrderWhateverTheOrderOfInsertion) {
  EncryptionContext one;
  one["\xc3\xa9"] = "1";
  one["z"] = "2";
  EncryptionContext other;
  other["z"] = "2";
  other["\xc3\xa9"] = "1";
  EXPECT_EQ(encode_context(one), encode_context(other));
  EXPECT_EQ(to_hex(encode_context(one)),
            "02000000"
            "01000000"
            "7a"
            "01000000"
            "32"
            "02000000"
            "c3a9"
            "01000000"
            "31");
}

}  // namespace
}  // namespace enfold
