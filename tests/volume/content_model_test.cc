// Random operations on one file against a vector of bytes, and a set of sectors that are known to be holes.
#include <set>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kMaxLength = 40 * kSectorPlainBytes;
constexpr int kRounds = 8;
constexpr int kSteps = 400;

class ContentModel : public testing::TestWithParam<int> {
 protected:
  ContentModel() : world_(static_cast<std::uint64_t>(GetParam())), body_(world_.create()) {}

  std::uint64_t below(std::uint64_t limit) { return world_.entropy.below(limit); }

  // Edges of sectors and of the file are where mistakes are.
  std::uint64_t any_offset() {
    const std::uint64_t near = below(kMaxLength / kSectorPlainBytes) * kSectorPlainBytes + below(5);
    switch (below(4)) {
      case 0:
        return below(kMaxLength);
      case 1:
        return std::max<std::uint64_t>(near, 2) - 2;
      case 2:
        return model_.size();
      default:
        return model_.empty() ? 0 : below(model_.size());
    }
  }
  std::uint64_t any_size() {
    const std::uint64_t sizes[] = {1, 2, 4063, 4064, 4065, 4096, 8128, 1 + below(100), 1 + below(60'000)};
    return sizes[below(std::size(sizes))];
  }

  void write() {
    const std::uint64_t offset = any_offset();
    const Bytes bytes = random_bytes(world_.entropy, any_size());
    if (model_.size() < offset + bytes.size()) model_.resize(offset + bytes.size());
    std::ranges::copy(bytes, model_.begin() + static_cast<std::ptrdiff_t>(offset));
    fill_holes(offset, offset + bytes.size());
    ASSERT_TRUE(is_ok(body_->write(offset, bytes)));
  }
  void read() {
    const std::uint64_t offset = any_offset();
    Bytes out(any_size(), 0xee);
    auto size = body_->read(offset, out);
    ASSERT_TRUE(is_ok(size));
    const std::uint64_t left = offset < model_.size() ? model_.size() - offset : 0;
    ASSERT_EQ(*size, std::min<std::uint64_t>(left, out.size()));
    ASSERT_TRUE(std::ranges::equal(ByteSpan(out).first(*size),
                                   ByteSpan(model_).subspan(model_.size() - left, *size)));
  }
  void resize() {
    const std::uint64_t length = below(8) == 0 ? 0 : any_offset();
    ASSERT_TRUE(is_ok(body_->resize(length)));
    model_.resize(length);
    fill_holes(length, kMaxLength * 2);
  }
  void fill_holes(std::uint64_t from, std::uint64_t to) {
    if (from < to)
      holes_.erase(holes_.lower_bound(from / kSectorPlainBytes),
                   holes_.upper_bound((to - 1) / kSectorPlainBytes));
  }
  void allocate() {
    constexpr std::array kModes{0,
                                FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_ZERO_RANGE,
                                FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
    const int mode = kModes[below(kModes.size())];
    const std::uint64_t offset = any_offset();
    const std::uint64_t end = offset + any_size();
    ASSERT_TRUE(is_ok(body_->allocate(mode, offset, end - offset)));
    const std::uint64_t old_end = std::min<std::uint64_t>(end, model_.size());
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0 && offset < old_end)
      std::fill(model_.begin() + static_cast<std::ptrdiff_t>(offset),
                model_.begin() + static_cast<std::ptrdiff_t>(old_end), std::uint8_t{0});
    if ((mode & FALLOC_FL_PUNCH_HOLE) == 0) fill_holes(offset, end);  // they may be reserved
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 && offset < old_end) punched(offset, old_end);
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0) model_.resize(std::max<std::uint64_t>(model_.size(), end));
  }
  void punched(std::uint64_t offset, std::uint64_t end) {
    const std::uint64_t last = end == model_.size() ? sectors_of(end) : end / kSectorPlainBytes;
    for (std::uint64_t index = sectors_of(offset); index < last; ++index) holes_.insert(index);
  }
  void reopen() {
    body_ = world_.reopen(std::move(body_));
    ASSERT_TRUE(body_);
  }
  void step() {
    switch (below(20)) {
      case 0:
        return resize();
      case 1:
        return reopen();
      case 2:
        ASSERT_TRUE(is_ok(body_->seal(0)));
        return;
      case 3:
        ASSERT_TRUE(is_ok(body_->sync(below(2) == 0)));
        return;
      case 4:
      case 5:
      case 6:
        return read();
      case 7:
      case 8:
      case 9:
      case 10:
        return allocate();
      default:
        return write();
    }
  }

  void compare() {
    ASSERT_EQ(body_->length(), model_.size());
    auto content = content_of(*body_);
    ASSERT_TRUE(is_ok(content));
    ASSERT_EQ(*content, model_);
    ASSERT_EQ(world_.lower.size(), lower_size_of(model_.size()));
    const Bytes below_us = world_.lower.bytes();
    ASSERT_TRUE(all_zero(ByteSpan(below_us).subspan(sector_offset(sectors_of(model_.size()))))) << "the tail";
    ASSERT_NO_FATAL_FAILURE(compare_holes());
  }

  // What is called a hole is zero; data and holes take turns; what was punched is a hole.
  void compare_holes() {
    std::uint64_t at = 0;
    std::set<std::uint64_t> expected = holes_;
    while (at < model_.size()) {
      auto hole = body_->seek(at, SEEK_HOLE);
      ASSERT_TRUE(is_ok(hole));
      ASSERT_GE(*hole, at);
      auto data = *hole < model_.size() ? body_->seek(*hole, SEEK_DATA) : model_.size();
      const std::uint64_t end = data.value_or(model_.size());
      ASSERT_TRUE(data || data.error().errno_value == ENXIO);
      ASSERT_TRUE(*hole == model_.size() || (*hole < end && *hole % kSectorPlainBytes == 0));
      ASSERT_TRUE(all_zero(ByteSpan(model_).subspan(*hole, end - *hole)));
      expected.erase(expected.lower_bound(*hole / kSectorPlainBytes),
                     expected.lower_bound((end + kSectorPlainBytes - 1) / kSectorPlainBytes));
      at = end;
    }
    ASSERT_TRUE(expected.empty()) << "sector " << *expected.begin() << " is no hole";
  }

  ContentWorld world_;
  std::shared_ptr<FileBody> body_;
  Bytes model_;
  std::set<std::uint64_t> holes_;  // sectors
};

TEST_P(ContentModel, ReadsBackWhatAVectorOfBytesWouldHold) {
  ASSERT_TRUE(body_);
  for (int i = 0; i < kSteps; ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    ASSERT_NO_FATAL_FAILURE(step());
    if (i % 8 == 0) {
      ASSERT_NO_FATAL_FAILURE(compare());
    }
  }
  ASSERT_NO_FATAL_FAILURE(reopen());
  ASSERT_NO_FATAL_FAILURE(compare());
  EXPECT_TRUE(world_.record().clean);
}

TEST_P(ContentModel, HasNoZeroSectorAtOrPastItsHoleEnd) {
  ASSERT_TRUE(body_);
  for (int i = 0; i < kSteps / 4; ++i) ASSERT_NO_FATAL_FAILURE(step());
  ASSERT_NO_FATAL_FAILURE(reopen());
  const Bytes lower = world_.lower.bytes();
  for (std::uint64_t index = world_.record().hole_end; index < sectors_of(model_.size()); ++index)
    EXPECT_FALSE(is_hole(page_at(ByteSpan(lower), index + 1))) << "sector " << index;
}

INSTANTIATE_TEST_SUITE_P(Rounds, ContentModel, testing::Range(0, kRounds));

}  // namespace
}  // namespace enfold
