// The n-th lower call fails, for every n of a scenario: after an error everything that was there reads back.
#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kOldLength = 5 * kSectorPlainBytes + 777;

struct Scenario {
  const char* name;
  std::uint64_t old_length;
  std::uint64_t new_length;
  std::uint64_t written_from;  // bytes from here to written_to may be old or new after an error
  std::uint64_t written_to;
  std::function<Result<void>(FileBody&, ByteSpan)> act;  // with enough new bytes
  bool zeroes = false;                                   // the new bytes are zero
};

Result<void> write_part(FileBody& body, std::uint64_t offset, ByteSpan bytes, std::uint64_t size) {
  return body.write(offset, bytes.first(size));
}

std::vector<Scenario> scenarios() {
  const std::uint64_t full = 3 * kSectorPlainBytes;
  return {
      {"Append", kOldLength, kOldLength + 20'000, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, kOldLength, bytes, 20'000); }},
      {"AppendWithinTheLastSector", kOldLength, kOldLength + 10, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, kOldLength, bytes, 10); }},
      {"AppendAtASectorEdge", full, full + 9'000, full, full,
       [=](FileBody& body, ByteSpan bytes) { return write_part(body, full, bytes, 9'000); }},
      {"AppendToAnEmptyFile", 0, 9'000, 0, 0,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, 0, bytes, 9'000); }},
      {"OverwriteAndAppend", kOldLength, kOldLength + 9'000, 5'000, kOldLength,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, 5'000, bytes, kOldLength + 4'000); }},
      {"WriteBehindAGap", kOldLength, kOldLength + 35'000, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, kOldLength + 30'000, bytes, 5'000); }},
      {"Overwrite", kOldLength, kOldLength, 5'000, 17'000,
       [](FileBody& body, ByteSpan bytes) { return write_part(body, 5'000, bytes, 12'000); }},
      {"GrowByAHole", kOldLength, kOldLength + 30'000, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.resize(kOldLength + 30'000); }},
      {"Shrink", kOldLength, 9'000, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.resize(9'000); }},
      {"ShrinkToASectorEdge", kOldLength, 8'128, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.resize(8'128); }},
      {"ShrinkWithinTheLastSector", kOldLength, kOldLength - 100, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.resize(kOldLength - 100); }},
      {"ShrinkToNothing", kOldLength, 0, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.resize(0); }},
      {"Punch", kOldLength, kOldLength, 5'000, 17'000,
       [](FileBody& body, ByteSpan) {
         return body.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5'000, 12'000);
       },
       true},
      {"PunchWithinASector", kOldLength, kOldLength, 5'000, 5'100,
       [](FileBody& body, ByteSpan) {
         return body.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5'000, 100);
       },
       true},
      {"ZeroRangeOverTheEnd", kOldLength, kOldLength + 9'000, 5'000, kOldLength,
       [](FileBody& body, ByteSpan) {
         return body.allocate(FALLOC_FL_ZERO_RANGE, 5'000, kOldLength + 4'000);
       },
       true},
      {"Allocate", kOldLength, kOldLength + 9'000, kOldLength, kOldLength,
       [](FileBody& body, ByteSpan) { return body.allocate(0, 0, kOldLength + 9'000); }},
  };
}

class ContentFaults : public testing::TestWithParam<Scenario> {
 protected:
  using Mode = FaultyFiles::Mode;

  // One run in which the n-th call fails; false once the scenario makes fewer calls than that.
  bool run(int n);
  void expect_old(FileBody& body, ByteSpan old_plain, ByteSpan new_plain);
  void sweep() {
    for (shorten_ = 0; shorten_ < 2; ++shorten_)
      for (dirty_ = 0; dirty_ < 2; ++dirty_)
        for (int n = 1; run(n); ++n) ASSERT_FALSE(HasFailure());
    EXPECT_GT(failures_, 0) << "the sweep must have failed something";
  }

  int errno_value_ = 0;
  Mode mode_ = Mode::kOnce;
  int shorten_ = 0;  // whether writes are cut into pages
  int dirty_ = 0;    // whether the file is dirty before
  int failures_ = 0;
};

bool ContentFaults::run(int n) {
  const Scenario& scenario = GetParam();
  SCOPED_TRACE("call " + std::to_string(n) + (dirty_ != 0 ? " of a dirty file" : " of a clean file"));
  ContentWorld world;
  const Bytes old_plain = random_bytes(world.entropy, scenario.old_length);
  const Bytes new_plain = scenario.zeroes ? Bytes(100'000) : random_bytes(world.entropy, 100'000);
  auto body = world.create();
  EXPECT_TRUE(is_ok(body->write(0, old_plain)));
  EXPECT_TRUE(is_ok(body->seal(dirty_ != 0 ? -1 : 0)));
  world.files.shorten_writes(shorten_ != 0);
  world.files.fail_at(n, errno_value_, mode_);
  auto done = scenario.act(*body, new_plain);
  const bool failed = world.files.failures() > 0;
  world.files.heal();
  if (done) {
    EXPECT_EQ(body->length(), scenario.new_length);
    EXPECT_EQ(world.lower.size(), lower_size_of(scenario.new_length));
    return failed;  // there may be another way
  }
  EXPECT_TRUE(failed);
  ++failures_;
  EXPECT_EQ(done.error().errno_value, errno_value_) << describe(done.error());
  expect_old(*body, old_plain, new_plain);
  EXPECT_TRUE(is_ok(body->seal(0)));
  EXPECT_EQ(world.lower.size(), lower_size_of(scenario.old_length));
  auto reopened = world.open();
  EXPECT_TRUE(is_ok(reopened));
  if (HasFailure()) return false;
  expect_old(**reopened, old_plain, new_plain);
  const bool may_work = world.files.failed_syncs() == 0;  // what was to be synced before it may be lost
  EXPECT_EQ(scenario.act(**reopened, new_plain).has_value(), may_work) << "again, after the fault";
  return !HasFailure();
}

void ContentFaults::expect_old(FileBody& body, ByteSpan old_plain, ByteSpan new_plain) {
  const Scenario& scenario = GetParam();
  ASSERT_EQ(body.length(), old_plain.size());
  auto content = content_of(body);
  ASSERT_TRUE(is_ok(content));
  for (std::uint64_t at = 0; at < content->size(); ++at) {
    const bool may_be_new = at >= scenario.written_from && at < scenario.written_to;
    if ((*content)[at] == old_plain[at]) continue;
    ASSERT_TRUE(may_be_new && (*content)[at] == new_plain[at - scenario.written_from]) << "byte " << at;
  }
}

TEST_P(ContentFaults, OfASingleCallLoseNothing) {
  errno_value_ = EIO;
  sweep();
}

TEST_P(ContentFaults, OfAFullDiskLoseNothing) {
  errno_value_ = ENOSPC;
  mode_ = Mode::kWritesFromThenOn;
  sweep();
}

INSTANTIATE_TEST_SUITE_P(Of, ContentFaults, testing::ValuesIn(scenarios()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(ContentFault, InASyncIsReportedByEveryLaterSync) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, Bytes(100))));
  world.files.fail_at(1, EIO);
  EXPECT_EQ(code_of(body->sync(true)), Errc::kSystem);
  world.files.heal();
  EXPECT_EQ(code_of(body->sync(true)), Errc::kSystem);
  EXPECT_EQ(code_of(body->sync(false)), Errc::kSystem);
}

TEST(ContentFault, InASealLeavesTheFileToBeSealedAgain) {
  for (int n = 1; n <= 4; ++n) {
    ContentWorld world;
    auto body = world.create();
    ASSERT_TRUE(is_ok(body->write(0, Bytes(100))));
    world.files.fail_at(n, EIO);
    EXPECT_EQ(code_of(body->seal(0)), Errc::kSystem) << n;
    world.files.heal();
    EXPECT_TRUE(is_ok(body->seal(0)));
    EXPECT_TRUE(world.record().clean);
    EXPECT_EQ(world.record().sealed_length, 100U);
  }
}

TEST(ContentFault, ThatCannotBeUndoneFailsLaterWritesAndSeals) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, Bytes(5000))));
  world.files.fail_at(
      4, EIO,
      FaultyFiles::Mode::kAllFromThenOn);  // two edges read, a growing ftruncate, and then nothing more
  EXPECT_EQ(code_of(body->write(5000, Bytes(5000))), Errc::kSystem);
  world.files.heal();
  EXPECT_EQ(code_of(body->write(0, Bytes(1))), Errc::kSystem);
  EXPECT_EQ(code_of(body->seal(0)), Errc::kSystem);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), Bytes(5000));
  EXPECT_FALSE(world.record().clean);
}

}  // namespace
}  // namespace enfold
