// The oracle itself: what it must accept and what it must not.
#include "tests/crash/expectations.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "fs/format/length.h"

namespace enfold {
namespace {

const std::string kOld(3 * kSectorPlainBytes, 'o');
const std::string kNew(3 * kSectorPlainBytes, 'n');

Seen file(std::string content) { return {S_IFREG, std::move(content), {}}; }
Seen broken(mode_t type) { return {type, {}, Error{Errc::kSystem, EIO, "EIO"}}; }

std::string mixed() {
  return kOld.substr(0, kSectorPlainBytes) + kNew.substr(0, kSectorPlainBytes) +
         kOld.substr(0, kSectorPlainBytes);
}

class Oracle : public testing::Test {
 protected:
  // "f" with the old content at position 1, synced by 2, the new content from 3 on.
  Oracle() {
    expected.made(0, "f", S_IFREG);
    expected.changed(0, "f", kOld);
    expected.synced(2, "f");
    expected.changed(3, "f", kNew);
  }
  bool accepts(std::size_t moment, const SeenTree& seen, bool recovered = true) {
    return expected.complaint(moment, seen, recovered).empty();
  }
  Expectations expected;
};

TEST_F(Oracle, TakesNothingOrAnythingBeforeTheSync) {
  EXPECT_TRUE(accepts(1, {}));
  EXPECT_TRUE(accepts(1, {{"f", file("")}}));
  EXPECT_TRUE(accepts(1, {{"f", file(kOld)}}));
  EXPECT_FALSE(accepts(1, {{"f", file(kNew)}}));
}

TEST_F(Oracle, WantsTheSyncedContentAfterTheSync) {
  EXPECT_TRUE(accepts(2, {{"f", file(kOld)}}));
  EXPECT_FALSE(accepts(2, {}));
  EXPECT_FALSE(accepts(2, {{"f", file("")}}));
  EXPECT_FALSE(accepts(2, {{"f", file(kOld.substr(1))}}));
  EXPECT_FALSE(accepts(2, {{"f", broken(S_IFREG)}}, false));
}

TEST_F(Oracle, TakesEachSectorOldOrNew) {
  EXPECT_TRUE(accepts(4, {{"f", file(mixed())}}));
  std::string torn = mixed();
  torn[kSectorPlainBytes] = 'o';
  EXPECT_FALSE(accepts(4, {{"f", file(torn)}}));
  EXPECT_FALSE(accepts(4, {{"f", file(mixed().substr(0, kSectorPlainBytes))}}));
}

TEST_F(Oracle, TakesAnAppendCutAtASectorAndNowhereElse) {
  expected.synced(5, "f");
  expected.changed(6, "f", kNew + kOld);
  EXPECT_TRUE(accepts(7, {{"f", file(kNew)}}));
  EXPECT_TRUE(accepts(7, {{"f", file(kNew + kOld.substr(0, kSectorPlainBytes))}}));
  EXPECT_FALSE(accepts(7, {{"f", file(kNew + "o")}}));
}

TEST_F(Oracle, WantsOneOfTheNamesOfARename) {
  expected.renamed(5, "f", "g");
  EXPECT_TRUE(accepts(6, {{"f", file(kNew)}}));
  EXPECT_TRUE(accepts(6, {{"g", file(kNew)}}));
  EXPECT_FALSE(accepts(6, {}));
  EXPECT_FALSE(accepts(6, {{"f", file(kNew)}, {"g", file(kNew)}}));
  expected.synced_directory(7, "");
  EXPECT_TRUE(accepts(8, {{"g", file(kNew)}}));
  EXPECT_FALSE(accepts(8, {{"f", file(kNew)}}));
}

TEST_F(Oracle, TakesErrorsOnlyBeforeRecoveryAndOfWhatWasNeverSynced) {
  expected.made(5, "g", S_IFREG);
  EXPECT_TRUE(accepts(6, {{"f", file(kOld)}, {"g", broken(S_IFREG)}}, false));
  EXPECT_FALSE(accepts(6, {{"f", file(kOld)}, {"g", broken(S_IFREG)}}, true));
  EXPECT_FALSE(accepts(6, {{"f", broken(S_IFREG)}, {"g", file("")}}, false));
}

TEST_F(Oracle, WantsTheDirectoriesAboveASyncedFile) {
  expected.made(5, "d", S_IFDIR);
  expected.made(5, "d/f", S_IFREG);
  EXPECT_TRUE(accepts(6, {{"f", file(kOld)}}));
  expected.synced(7, "d/f");
  EXPECT_FALSE(accepts(8, {{"f", file(kOld)}}));
  EXPECT_FALSE(accepts(8, {{"f", file(kOld)}, {"d", {S_IFDIR, {}, {}}}}));
  EXPECT_TRUE(accepts(8, {{"f", file(kOld)}, {"d", {S_IFDIR, {}, {}}}, {"d/f", file("")}}));
}

TEST_F(Oracle, WantsNoNameThatNobodyGave) { EXPECT_FALSE(accepts(4, {{"f", file(kOld)}, {"x", file("")}})); }

}  // namespace
}  // namespace enfold
