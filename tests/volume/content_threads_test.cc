// Many threads on one file.
#include <thread>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

constexpr int kThreads = 4;

std::uint8_t mark(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * 31 + offset / 251); }

Bytes marked(std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = mark(offset + i);
  return out;
}

template <class Work>
void in_threads(int count, Work work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back([=] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(RangeLock, AdmitsOneToEachSectorAtATime) {
  RangeLock lock;
  std::array<int, 16> counts{};  // each guarded by its sector
  in_threads(kThreads, [&](int i) {
    for (int round = 0; round < 2'000; ++round) {
      const auto first = static_cast<std::size_t>((i * 5 + round * 7) % 16);
      const std::size_t last = std::min<std::size_t>(15, first + static_cast<std::size_t>(round % 4));
      RangeLock::Hold hold(lock, first, last);
      for (std::size_t at = first; at <= last; ++at) ++counts[at];
    }
  });
  int sum = 0;
  int expected = 0;
  for (int count : counts) sum += count;
  for (int i = 0; i < kThreads; ++i)
    for (int round = 0; round < 2'000; ++round) {
      const int first = (i * 5 + round * 7) % 16;
      expected += std::min(15, first + round % 4) - first + 1;
    }
  EXPECT_EQ(sum, expected);
}

// Pieces that are no multiple of a sector: neighbours rewrite the sector that they share.
TEST(ContentThreads, WriteNeighbouringPiecesWithoutLosingAny) {
  ContentWorld world;
  auto body = world.create();
  constexpr std::size_t kPiece = 3'000;
  constexpr int kPieces = 80;
  in_threads(kThreads, [&](int i) {
    for (int piece = i; piece < kPieces; piece += kThreads) {
      const std::uint64_t offset = static_cast<std::uint64_t>(piece) * kPiece;
      EXPECT_TRUE(is_ok(body->write(offset, marked(offset, kPiece))));
    }
  });
  EXPECT_EQ(content_of(*body).value_or(Bytes()), marked(0, kPieces * kPiece));
  body = world.reopen(std::move(body));
  EXPECT_EQ(content_of(*body).value_or(Bytes()), marked(0, kPieces * kPiece));
}

TEST(ContentThreads, ReadWhatOthersAppendWithoutAFalseError) {
  ContentWorld world;
  auto body = world.create();
  constexpr std::uint64_t kLength = 600'000;
  std::atomic<bool> done{false};
  in_threads(kThreads, [&](int i) {
    if (i == 0) {
      for (std::uint64_t at = 0; at < kLength;) {
        const std::size_t size = 1 + world.entropy.below(5'000);
        EXPECT_TRUE(is_ok(body->write(at, marked(at, size))));
        at += size;
      }
      done = true;
      return;
    }
    Bytes out(20'000);
    while (!done) {
      const std::uint64_t length = body->length();
      const std::uint64_t offset = length - std::min<std::uint64_t>(length, world.entropy.below(10'000));
      auto size = body->read(offset, out);
      if (!size || !std::ranges::equal(ByteSpan(out).first(*size), marked(offset, *size))) {
        ADD_FAILURE() << "at " << offset << " of " << length << ": "
                      << (size ? "other bytes" : describe(size.error()));
        return;
      }
    }
  });
}

// What the test above meets only by chance: the pages are newer than the length that the reader went by.
TEST(ContentThreads, ReadAgainWhereTheFileGrewBetweenLengthAndPages) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, marked(0, 5'000))));
  Bytes out(9'000);
  std::thread writer;
  std::atomic<bool> grown{false};
  const auto append = [&] {
    EXPECT_TRUE(is_ok(body->write(5'000, marked(5'000, 1'000))));
    grown = true;
  };
  world.files.before_read([&] {
    writer = std::thread(append);
    while (!grown) std::this_thread::yield();
  });
  auto size = body->read(0, out);
  writer.join();
  ASSERT_TRUE(is_ok(size));
  EXPECT_EQ(*size, 6'000U);
  EXPECT_TRUE(std::ranges::equal(ByteSpan(out).first(*size), marked(0, *size)));
}

TEST(ContentThreads, OverwriteReadResizeSealAndSyncAtOnce) {
  ContentWorld world;
  auto body = world.create();
  constexpr std::uint64_t kKept = 100'000;  // never cut
  ASSERT_TRUE(is_ok(body->write(0, marked(0, kKept))));
  in_threads(kThreads, [&](int i) {
    Bytes out(9'000);
    for (int round = 0; round < 150; ++round) {
      const std::uint64_t offset = world.entropy.below(kKept - out.size());
      switch ((i + round) % 5) {
        case 0:
          EXPECT_TRUE(is_ok(body->resize(kKept + world.entropy.below(50'000))));
          break;
        case 1:
          EXPECT_TRUE(is_ok(body->seal(0)));
          break;
        case 2:
          EXPECT_TRUE(is_ok(body->write(offset, marked(offset, out.size()))));
          break;
        case 3:
          EXPECT_TRUE(is_ok(body->write(body->length(), marked(0, 100))));
          break;
        default: {
          auto size = body->read(offset, out);
          EXPECT_TRUE(is_ok(size));
          EXPECT_EQ(out, marked(offset, out.size()));
        }
      }
    }
  });
  body = world.reopen(std::move(body));
  Bytes kept(kKept);
  ASSERT_TRUE(is_ok(body->read(0, kept)));
  EXPECT_EQ(kept, marked(0, kKept));
  EXPECT_EQ(world.lower.size(), lower_size_of(body->length()));
}

// A checkpoint and an fsync run beside writes, cuts and seals: no record on disk ever claims a length that
// the file does not have.
TEST(ContentThreads, GoOnWhileEpochsEndAndLeaveRecordsThatAreTrue) {
  ContentWorld world;
  auto body = world.create();
  constexpr std::uint64_t kKept = 50'000;  // never cut
  ASSERT_TRUE(is_ok(body->write(0, marked(0, kKept))));
  in_threads(kThreads, [&](int i) {
    for (int round = 0; round < 150; ++round) switch ((i + round) % 6) {
        case 0:
          EXPECT_TRUE(is_ok(body->resize(kKept + world.entropy.below(50'000))));
          break;
        case 1:
          EXPECT_TRUE(is_ok(body->seal(0)));
          break;
        case 2:
          world.epochs.set_durable(world.epochs.end_epoch());
          break;
        case 3:
          EXPECT_TRUE(is_ok(body->sync(true)));
          break;
        default:
          EXPECT_TRUE(is_ok(body->write(body->length(), marked(0, 5'000))));
      }
  });
  const std::uint64_t length = body->length();
  const Bytes content = content_of(*body).value_or(Bytes());
  body.reset();  // killed
  Epochs after({2, 1}, world.epochs.durable(), true);
  VolumeContext context{world.files, world.entropy, world.clock, world.keys, world.cache, after, false};
  auto found = FileBody::open(context, world.lower.descriptor(), true);
  ASSERT_TRUE(is_ok(found));
  EXPECT_EQ((*found)->length(), length);
  EXPECT_EQ(content_of(**found).value_or(Bytes()), content);
}

// Each byte is what was written there, or zero; no reader meets half a sector, and none is lost to a cut or a
// growth beside it.
TEST(ContentThreads, PunchBesideReadersWritersGrowthAndShrink) {
  ContentWorld world;
  auto body = world.create();
  constexpr std::uint64_t kKept = 100'000;  // never cut
  ASSERT_TRUE(is_ok(body->write(0, marked(0, kKept))));
  const auto is_marked_or_zero = [](std::uint64_t offset, ByteSpan bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (bytes[i] != 0 && bytes[i] != mark(offset + i)) return false;
    return true;
  };
  in_threads(kThreads, [&](int i) {
    Bytes out(9'000);
    for (int round = 0; round < 300; ++round) {
      const std::uint64_t offset = world.entropy.below(kKept - out.size());
      switch ((i + round) % 8) {
        case 0:
          EXPECT_TRUE(is_ok(body->resize(kKept + world.entropy.below(50'000))));
          break;
        case 1:
          EXPECT_TRUE(is_ok(round % 16 == 1 ? body->seal(0) : body->sync(true)));
          break;
        case 2:
        case 3:
          EXPECT_TRUE(is_ok(body->write(offset, marked(offset, out.size()))));
          break;
        case 4:
          EXPECT_TRUE(is_ok(body->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, 100'000)));
          break;
        case 5:
          EXPECT_TRUE(is_ok(body->allocate(FALLOC_FL_ZERO_RANGE, offset, world.entropy.below(60'000) + 1)));
          break;
        case 6: {
          auto found = body->seek(offset, round % 16 < 8 ? SEEK_DATA : SEEK_HOLE);
          EXPECT_TRUE(found || found.error().errno_value == ENXIO) << describe(found.error());
          world.epochs.set_durable(world.epochs.end_epoch());
          break;
        }
        default: {
          auto size = body->read(offset, out);
          EXPECT_TRUE(is_ok(size));
          EXPECT_TRUE(is_marked_or_zero(offset, out)) << offset;
        }
      }
    }
  });
  const Bytes content = content_of(*body).value_or(Bytes());
  EXPECT_GE(content.size(), kKept);
  EXPECT_TRUE(is_marked_or_zero(0, ByteSpan(content).first(kKept)));
  body = world.reopen(std::move(body));
  EXPECT_EQ(content_of(*body).value_or(Bytes()), content);
  EXPECT_EQ(world.lower.size(), lower_size_of(body->length()));
}

TEST(ContentThreads, AskTheKmsOnceForOneFileWhoseKeysHaveExpired) {
  ContentWorld world;
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, marked(0, 5'000))));
  world.clock.advance_ms(61'000);
  in_threads(kThreads, [&](int) { EXPECT_EQ(content_of(*body).value_or(Bytes()), marked(0, 5'000)); });
  EXPECT_EQ(world.kms.decrypt_calls(), 1);
  world.kms.set_fault(FakeKms::Fault::kUnavailable);
  world.clock.advance_ms(61'000);
  in_threads(kThreads, [&](int) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(code_of(content_of(*body)), Errc::kKmsUnavailable);
  });
  EXPECT_EQ(world.kms.decrypt_calls(), 2);
}

TEST(ContentThreads, ShareAKeyCache) {
  ContentWorld world;
  KeyCache cache(world.kms, world.keys, world.clock, world.entropy, kFakeKeyArn, {.max_entries = 5});
  VolumeContext context{world.files, world.entropy, world.clock, world.keys, cache, world.epochs, false};
  std::vector<FileBody::NewFile> files;
  for (int i = 0; i < 8; ++i) files.push_back(std::move(FileBody::prepare(context)).value());
  in_threads(kThreads, [&](int i) {
    for (std::size_t round = 0; round < 200; ++round) {
      const auto& file = files[(round * 3 + static_cast<std::size_t>(i)) % files.size()];
      if (round % 20 == 0) world.clock.advance_ms(20'000);
      if (round % 33 == 0) cache.forget(file.file);
      EXPECT_TRUE(is_ok(cache.unwrap(prefix_of(file.page), file.file, file.made.envelope)));
    }
  });
}

}  // namespace
}  // namespace enfold
