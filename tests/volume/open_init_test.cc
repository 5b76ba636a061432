// Making a volume: what it refuses, and that a failure at any call leaves the place as it was.
#include <gtest/gtest.h>

#include <filesystem>

#include "fs/volume/open_volume.h"
#include "fs/volume/pin.h"
#include "fs/volume/volume_lock.h"
#include "kms/base/whole_file.h"
#include "tests/volume/fake_kms.h"
#include "tests/volume/faulty_files.h"
#include "tests/volume/open_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

// A lower filesystem with names as it likes them.
class OtherNames final : public PosixFiles {
 public:
  bool folds_case = false;
  unsigned long name_max = 255;

  Result<StatX> stat_at(int dir, const std::string& path) override {
    std::string folded = path;
    if (folds_case) std::ranges::transform(folded, folded.begin(), ::tolower);
    return PosixFiles::stat_at(dir, folded);
  }
  Result<struct statvfs> stat_filesystem(int fd) override {
    ENFOLD_TRY_ASSIGN(struct statvfs out, PosixFiles::stat_filesystem(fd));
    out.f_namemax = name_max;
    return out;
  }
};

class Init : public testing::Test {
 protected:
  Init() : lower_(user_.path("lower")) { stdfs::create_directories(user_.path("")); }

  Result<VolumeId> init(Files& files) {
    return init_volume({lower_, "embedded:/nowhere", kFakeKeyArn, std::nullopt}, kms_, files, entropy_);
  }
  template <class T>
  static Errc code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Errc::kSystem : result.error().code;
  }

  TemporaryUser user_;
  std::string lower_;
  SystemEntropy entropy_;
  FakeKms kms_{entropy_};
};

TEST_F(Init, RefusesAFilesystemThatFoldsCase) {
  OtherNames files;
  files.folds_case = true;
  EXPECT_EQ(Errc::kCaseFolding, code_of(init(files)));
  EXPECT_FALSE(stdfs::exists(lower_));
  stdfs::create_directory(lower_);
  EXPECT_EQ(Errc::kCaseFolding, code_of(init(files)));
  EXPECT_TRUE(stdfs::is_empty(lower_));
  EXPECT_EQ(0, kms_.encrypt_calls());
}

TEST_F(Init, RefusesAFilesystemWithShortNames) {
  OtherNames files;
  files.name_max = 143;  // eCryptfs
  EXPECT_EQ(Errc::kUnsupported, code_of(init(files)));
  EXPECT_FALSE(stdfs::exists(lower_));
}

TEST_F(Init, MakesTheDirectoryForItsOwnerAlone) {
  PosixFiles files;
  ASSERT_TRUE(init(files));
  EXPECT_EQ(stdfs::perms::owner_all, stdfs::status(lower_).permissions());
}

TEST_F(Init, LeavesNothingWhenTheKmsFailsOrLies) {
  using Fault = FakeKms::Fault;
  PosixFiles files;
  for (const Fault fault : {Fault::kUnavailable, Fault::kDisabled, Fault::kDenied, Fault::kWrongKey,
                            Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn}) {
    kms_.set_fault(fault);
    EXPECT_FALSE(init(files)) << static_cast<int>(fault);
    EXPECT_FALSE(stdfs::exists(lower_));
    EXPECT_FALSE(stdfs::exists(user_.path("config")));
  }
  kms_.set_fault(Fault::kNone);
  EXPECT_TRUE(init(files));
}

TEST_F(Init, NamesAKmsWhoseAnswerNoEnvelopeHolds) {
  PosixFiles files;
  kms_.set_fault(FakeKms::Fault::kLongBlob);
  const auto made = init(files);
  ASSERT_EQ(Errc::kKmsBadAnswer, code_of(made));
  for (const char* part : {"embedded:/nowhere", kFakeKeyArn, "1500 bytes", "at most"})
    EXPECT_NE(std::string::npos, made.error().message.find(part)) << made.error().message;
  EXPECT_FALSE(stdfs::exists(lower_));
}

// A full disk or a dead one at each call: what there was before is what there is after.
TEST_F(Init, LeavesNothingWhenAnyCallFails) {
  for (const bool there_before : {false, true}) {
    int n = 1;
    for (;; ++n) {
      stdfs::remove_all(user_.path(""));
      stdfs::create_directories(user_.path(""));
      if (there_before) stdfs::create_directory(lower_);
      FaultyFiles files;
      files.fail_at(n, n % 2 == 0 ? ENOSPC : EIO);
      auto made = init(files);
      if (files.failures() == 0) break;
      if (made) continue;  // a probe whose answer was not needed
      // What cannot be removed is named.
      if (made.error().message.find("(remove it by hand)") != std::string::npos) continue;
      EXPECT_EQ(there_before, stdfs::exists(lower_)) << "call " << n << ": " << describe(made.error());
      EXPECT_TRUE(!there_before || stdfs::is_empty(lower_)) << "call " << n;
    }
    EXPECT_GT(n, 20);
  }
}

TEST(VolumeLock, RefusesASecondHolderAndNamesTheFirst) {
  const TemporaryDirectory lower;
  PosixFiles files;
  auto directory = files.open_at(AT_FDCWD, lower.path(), O_RDONLY | O_DIRECTORY, 0);
  ASSERT_TRUE(directory);
  {
    auto first = VolumeLock::take(files, directory->get(), "/lower", false);
    ASSERT_TRUE(first);
    auto second = VolumeLock::take(files, directory->get(), "/lower", false);
    ASSERT_FALSE(second);
    EXPECT_EQ(Errc::kBusy, second.error().code);
    EXPECT_NE(std::string::npos, second.error().message.find(std::to_string(::getpid())));
  }
  EXPECT_TRUE(VolumeLock::take(files, directory->get(), "/lower", false));
}

TEST(VolumeLock, WritesNothingForAReader) {
  const TemporaryDirectory lower;
  PosixFiles files;
  auto directory = files.open_at(AT_FDCWD, lower.path(), O_RDONLY | O_DIRECTORY, 0);
  ASSERT_TRUE(directory);
  ASSERT_TRUE(files.open_at(directory->get(), "enfold.lock", O_WRONLY | O_CREAT, 0600));
  auto reader = VolumeLock::take(files, directory->get(), "/lower", true);
  ASSERT_TRUE(reader);
  EXPECT_EQ(0U, stdfs::file_size(lower.path() / "enfold.lock"));
  EXPECT_FALSE(VolumeLock::take(files, directory->get(), "/lower", false));
}

TEST(VolumeLock, ShowsNothingButPrintableTextOfAForgedHolder) {
  const TemporaryDirectory lower;
  PosixFiles files;
  ASSERT_TRUE(replace_file(files, AT_FDCWD, lower.path() / "enfold.lock",
                           as_bytes("host=\x1b[2Jevil\npid=12\n"), 0600));
  auto directory = files.open_at(AT_FDCWD, lower.path(), O_RDONLY | O_DIRECTORY, 0);
  ASSERT_TRUE(directory);
  auto holder = read_lock_holder(files, directory->get());
  ASSERT_TRUE(holder);
  EXPECT_EQ("[2Jevil", holder->host);
  EXPECT_EQ(12, holder->pid);
}

}  // namespace
}  // namespace enfold
