#include "fs/format/names.h"

#include <gtest/gtest.h>

#include "tests/format/matchers.h"
#include "tests/format/support.h"

namespace enfold {
namespace {

using format_test::expect_damaged;

class Names : public testing::Test {
 protected:
  [[nodiscard]] LowerName encrypt(std::string_view plain) const {
    return encrypt_name(siv(), directory_, plain);
  }
  [[nodiscard]] Result<std::string> decrypt(const LowerName& lower) const {
    if (lower.is_hashed()) return decrypt_hashed_name(siv(), directory_, lower.name, lower.sidecar);
    return decrypt_name(siv(), directory_, lower.name);
  }
  // As a holder of the key would write it, valid or not.
  [[nodiscard]] std::string forge(std::string_view plain) const {
    return to_base64url(siv().seal(directory_.bytes, as_bytes(plain)));
  }
  [[nodiscard]] const Siv& siv() const { return keys_.names(); }

  VolumeKeys keys_ = format_test::sample_keys();
  DirectoryId directory_ = format_test::sample_directory();
};

TEST_F(Names, OfEveryLengthComeBackAndFitInALowerName) {
  for (std::size_t length = 1; length <= 255; ++length) {
    const std::string plain(length, 'n');
    const LowerName lower = encrypt(plain);
    EXPECT_LE(lower.name.size(), 255U);
    EXPECT_LE(lower.sidecar.size(), kMaxSidecarBytes);
    EXPECT_EQ(lower.is_hashed(), length > 175) << length;
    EXPECT_EQ(classify_lower_name(lower.name), length > 175 ? LowerNameKind::kHashed : LowerNameKind::kPlain);
    EXPECT_EQ(decrypt(lower).value(), plain);
  }
}

TEST_F(Names, OfAnyBytesComeBack) {
  format_test::SeededEntropy random(format_test::test_seed());
  for (int i = 0; i < 500; ++i) {
    Bytes bytes(1 + random.below(255));
    random.fill(bytes);
    std::string plain = as_string(bytes);
    std::ranges::replace(plain, '\0', 'x');
    std::ranges::replace(plain, '/', 'y');
    if (plain == "." || plain == "..") continue;
    EXPECT_EQ(decrypt(encrypt(plain)).value(), plain);
  }
}

TEST_F(Names, ThatOursLookLikeAreEncryptedLikeAnyOther) {
  for (const std::string_view plain : {kConfigName, kLockName, kMarkerName, kLostName}) {
    EXPECT_EQ(classify_lower_name(encrypt(plain).name), LowerNameKind::kPlain);
    EXPECT_EQ(decrypt(encrypt(plain)).value(), plain);
  }
}

TEST_F(Names, AreToldApart) {
  for (const std::string_view own : {"enfold.volume", "enfold.lock", "enfold.dir", "enfold.lost"})
    EXPECT_EQ(classify_lower_name(own), LowerNameKind::kOwn) << own;
  const std::string hashed = encrypt(std::string(200, 'n')).name;
  EXPECT_EQ(classify_lower_name(sidecar_of(hashed)), LowerNameKind::kSidecar);
  const std::string plain = encrypt("n").name;
  const std::string foreign[] = {"",
                                 "readme.txt",
                                 "AAAA",
                                 to_base64url(Bytes(16)),
                                 to_base64url(Bytes(192)),
                                 plain + "=",
                                 plain + " (conflicted copy)",
                                 plain + ".sync-conflict",
                                 hashed + "A",
                                 hashed.substr(0, hashed.size() - 1),
                                 hashed.substr(0, hashed.size() - 1) + "*",
                                 sidecar_of(hashed) + "~",
                                 sidecar_of("enfold.long."),
                                 "enfold.volume.orig",
                                 "."};
  for (const std::string& name : foreign)
    EXPECT_EQ(classify_lower_name(name), LowerNameKind::kForeign) << name;
}

TEST_F(Names, DoNotVerifyInAnotherDirectoryOrVolume) {
  const LowerName lower = encrypt("name");
  expect_damaged(decrypt_name(siv(), format_test::other_directory(), lower.name), "this directory");
  expect_damaged(decrypt_name(format_test::other_keys().names(), directory_, lower.name), "this directory");
  const LowerName hashed = encrypt(std::string(200, 'n'));
  expect_damaged(decrypt_hashed_name(siv(), format_test::other_directory(), hashed.name, hashed.sidecar),
                 "this directory");
}

TEST_F(Names, RefuseAChangeInAnyCharacter) {
  const std::string name = encrypt("name").name;
  for (std::size_t i = 0; i < name.size(); ++i) {
    std::string changed = name;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decrypt_name(siv(), directory_, changed)) << i;
    changed.erase(i);
    EXPECT_FALSE(decrypt_name(siv(), directory_, changed)) << i;
  }
}

TEST_F(Names, HaveOneSpellingOnly) {
  // 20 bytes are 27 characters, the last of which has two unused bits.
  std::string name = encrypt("name").name;
  ASSERT_EQ(name.size(), 27U);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  name.back() = kAlphabet[kAlphabet.find(name.back()) + 1];
  expect_damaged(decrypt_name(siv(), directory_, name), "base64url");
}

TEST_F(Names, ThatDecryptToNoFileNameAreDamage) {
  for (const std::string_view plain :
       {std::string_view("."), std::string_view(".."), std::string_view("a/b"), std::string_view("../x"),
        std::string_view("/"), std::string_view("a\0b", 3), std::string_view("\0", 1)})
    expect_damaged(decrypt_name(siv(), directory_, forge(plain)), "no file name");
  expect_damaged(decrypt_name(siv(), directory_, to_base64url(Bytes(16))), "17 to 191 bytes");
  expect_damaged(decrypt_name(siv(), directory_, forge(std::string(176, 'n'))), "17 to 191 bytes");
}

TEST_F(Names, InASidecarAreCheckedAlike) {
  const auto hashed = [&](std::string_view plain) {
    Bytes sealed = siv().seal(directory_.bytes, as_bytes(plain));
    return LowerName{"enfold.long." + to_base64url(sha256({sealed})), std::move(sealed)};
  };
  EXPECT_TRUE(decrypt(hashed(std::string(176, 'n'))));
  expect_damaged(decrypt(hashed(std::string(175, 'n'))), "size");
  expect_damaged(decrypt(hashed(std::string(256, 'n'))), "size");
  expect_damaged(decrypt(hashed(std::string(200, '/'))), "no file name");
}

TEST_F(Names, RefuseASidecarOfAnotherName) {
  const LowerName a = encrypt(std::string(200, 'a'));
  const LowerName b = encrypt(std::string(200, 'b'));
  expect_damaged(decrypt_hashed_name(siv(), directory_, a.name, b.sidecar), "not the one");
  expect_damaged(decrypt_hashed_name(siv(), directory_, a.name, {}), "size");
  format_test::expect_each_flip_refused<Bytes>(a.sidecar, [&](const Bytes& sidecar) {
    return !decrypt_hashed_name(siv(), directory_, a.name, sidecar).has_value();
  });
}

}  // namespace
}  // namespace enfold
