// A new data key, in place, while lower calls fail, or the process is killed at one of them.
#include "tests/volume/renewal_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSector = kSectorPlainBytes;

// The n-th lower call fails, once or from then on.
class NewDataKeyFaults : public testing::TestWithParam<std::pair<const char*, FaultyFiles::Mode>> {
 protected:
  // A file of two chunks with a hole and a length that ends within a sector; false once fewer calls are made.
  bool run(int n, bool is_second_half);
};

bool NewDataKeyFaults::run(int n, bool is_second_half) {
  SCOPED_TRACE("call " + std::to_string(n) + (is_second_half ? " of one that goes on" : ""));
  ContentWorld world;
  auto body = world.create();
  Bytes plain = random_bytes(world.entropy, 300 * kSector + 99);
  EXPECT_TRUE(is_ok(body->write(0, plain)));
  EXPECT_TRUE(is_ok(body->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * kSector, 5 * kSector)));
  std::fill_n(plain.begin() + 10 * kSector, 5 * kSector, std::uint8_t{0});
  EXPECT_TRUE(is_ok(body->seal(0)));
  if (is_second_half) {
    EXPECT_EQ(code_of(renew_chunks(world.context, *body, 1)), Errc::kBusy);
  }
  world.files.fail_at(n, EIO, GetParam().second);
  const auto done = renew(world.context, *body);
  const bool failed = world.files.failures() > 0;
  world.files.heal();
  EXPECT_EQ(done.has_value(), !failed);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain);
  const bool may_write = body->write(7, ByteSpan(plain).subspan(7, 5'000)).has_value();
  std::ignore = body->seal(0);
  body.reset();
  auto reopened = world.open();
  EXPECT_TRUE(is_ok(reopened));
  if (!reopened) return false;
  EXPECT_EQ(content_of(**reopened).value_or(Bytes()), plain);
  if (may_write && world.files.failed_syncs() == 0) {
    EXPECT_TRUE(is_ok(renew(world.context, **reopened))) << "again, after the fault";
    EXPECT_FALSE(decode_header(header_page(world.lower), world.keys).value().state.former);
    EXPECT_EQ(content_of(**reopened).value_or(Bytes()), plain);
  }
  return failed && !testing::Test::HasFailure();
}

TEST_P(NewDataKeyFaults, LoseNothing) {
  for (const bool is_second_half : {false, true}) {
    int n = 1;
    while (run(n, is_second_half)) ++n;
    EXPECT_GT(n, 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, NewDataKeyFaults,
                         testing::Values(std::pair("ACall", FaultyFiles::Mode::kOnce),
                                         std::pair("AFullDisk", FaultyFiles::Mode::kWritesFromThenOn),
                                         std::pair("SyncsFromThenOn", FaultyFiles::Mode::kSyncsFromThenOn),
                                         std::pair("AllCallsFromThenOn", FaultyFiles::Mode::kAllFromThenOn)),
                         [](const auto& param) { return std::string(param.param.first); });

// The process is killed before its n-th lower call, and the next mount finds a crash on record. With a write
// of a user after the first chunk, and another behind the end.
class NewDataKeyKilled : public testing::Test {
 protected:
  bool run(int n);
};

bool NewDataKeyKilled::run(int n) {
  SCOPED_TRACE("call " + std::to_string(n));
  ContentWorld world;
  auto body = world.create();
  Bytes plain = random_bytes(world.entropy, 300 * kSector + 99);
  EXPECT_TRUE(is_ok(body->write(0, plain)));
  EXPECT_TRUE(is_ok(body->seal(0)));
  world.epochs.set_durable(world.epochs.end_epoch());
  const Bytes more = random_bytes(world.entropy, 9'000);
  Bytes after = plain;
  after.resize(plain.size() + more.size());
  std::ranges::copy(more, after.begin() + static_cast<std::ptrdiff_t>(plain.size()));
  std::ranges::copy(more, after.begin() + 290 * kSector);
  int chunks = 0;
  world.files.fail_at(n, EIO, FaultyFiles::Mode::kAllFromThenOn);
  std::ignore = renew(world.context, *body, [&](std::uint64_t) {
    if (++chunks > 1) return;
    std::ignore = body->write(290 * kSector, more);
    std::ignore = body->write(plain.size(), more);
  });
  std::ignore = body->seal(0);
  const bool killed = world.files.failures() > 0;
  body.reset();
  world.files.heal();

  world.cache.forget(decode_prefix(prefix_of(header_page(world.lower))).value().file);
  Epochs epochs({2, 1}, world.epochs.durable(), true);
  VolumeContext context{world.files, world.entropy, world.clock, world.keys, world.cache, epochs, false};
  auto opened = FileBody::open(context, world.lower.descriptor(), true);
  EXPECT_TRUE(is_ok(opened));
  if (!opened) return false;
  auto content = content_of(**opened);
  EXPECT_TRUE(is_ok(content));
  if (!content) return false;
  EXPECT_GE(content->size(), plain.size());
  EXPECT_LE(content->size(), after.size());
  for (std::uint64_t at = 0; at < content->size(); at += kSector) {
    const auto part = [&](ByteSpan whole) {
      whole = whole.first(std::min(whole.size(), content->size()));
      return at < whole.size() ? whole.subspan(at, std::min(kSector, whole.size() - at)) : ByteSpan();
    };
    const ByteSpan seen = part(*content);
    const ByteSpan old = part(plain);
    EXPECT_TRUE(std::ranges::equal(seen, part(after)) || std::ranges::equal(seen, old)) << "sector at " << at;
  }
  EXPECT_TRUE(is_ok(renew(context, **opened))) << "the next run";
  EXPECT_FALSE(decode_header(header_page(world.lower), world.keys).value().state.former);
  EXPECT_EQ(content_of(**opened).value_or(Bytes()), *content);
  EXPECT_TRUE(is_ok((*opened)->seal(0)));
  return killed && !testing::Test::HasFailure();
}

TEST_F(NewDataKeyKilled, AtAnyLowerCallLeavesAFileThatOpensAndIsFinishedLater) {
  int n = 1;
  while (run(n)) ++n;
  EXPECT_GT(n, 20);
}

}  // namespace
}  // namespace enfold
