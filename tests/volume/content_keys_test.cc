// Data keys: their time, their number, and a KMS that fails or lies.
#include <set>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

constexpr std::int64_t kPastTheirTimeMs = 61'000;

class ContentKeys : public testing::Test {
 protected:
  std::shared_ptr<FileBody> file_with(ByteSpan content) {
    auto body = world_.create();
    EXPECT_TRUE(is_ok(body->write(0, content)));
    EXPECT_TRUE(is_ok(body->seal(0)));
    return body;
  }

  ContentWorld world_;
  Bytes plain_ = random_bytes(world_.entropy, 10'000);
};

TEST_F(ContentKeys, AreAskedForOnceWhileTheirTimeLasts) {
  auto body = file_with(plain_);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(is_ok(world_.open()));
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain_);
  EXPECT_EQ(world_.kms.decrypt_calls(), 0);
  world_.clock.advance_ms(kPastTheirTimeMs);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain_);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain_);
  EXPECT_TRUE(is_ok(world_.open()));
  EXPECT_EQ(world_.kms.decrypt_calls(), 1);
}

TEST_F(ContentKeys, OfAnOpenFileEndWithTheirTimeWhenTheKmsRefuses) {
  const std::pair<Fault, Errc> faults[] = {{Fault::kUnavailable, Errc::kKmsUnavailable},
                                           {Fault::kDisabled, Errc::kKmsDisabled},
                                           {Fault::kDenied, Errc::kKmsAccessDenied},
                                           {Fault::kThrottled, Errc::kKmsThrottled}};
  auto body = file_with(plain_);
  for (const auto& [fault, code] : faults) {
    world_.kms.set_fault(fault);
    EXPECT_TRUE(is_ok(content_of(*body))) << "the keys' time is not over";
    world_.clock.advance_ms(kPastTheirTimeMs);
    EXPECT_EQ(code_of(content_of(*body)), code);
    EXPECT_EQ(code_of(body->write(0, plain_)), code);
    EXPECT_EQ(code_of(body->resize(5)), code);
    EXPECT_EQ(code_of(world_.open()), code);
    world_.kms.set_fault(Fault::kNone);
    world_.clock.advance_ms(1'001);
    EXPECT_EQ(content_of(*body).value_or(Bytes()), plain_);
  }
}

TEST_F(ContentKeys, AreNotAskedForAgainWithinASecondOfARefusal) {
  auto body = file_with(plain_);
  world_.kms.set_fault(Fault::kUnavailable);
  world_.clock.advance_ms(kPastTheirTimeMs);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(code_of(content_of(*body)), Errc::kKmsUnavailable);
  EXPECT_EQ(world_.kms.decrypt_calls(), 1);
  world_.clock.advance_ms(1'000);
  EXPECT_EQ(code_of(content_of(*body)), Errc::kKmsUnavailable);
  EXPECT_EQ(world_.kms.decrypt_calls(), 2);
}

TEST_F(ContentKeys, AreNotNeededToSeal) {
  auto body = file_with(plain_);
  ASSERT_TRUE(is_ok(body->write(5, plain_)));
  world_.kms.set_fault(Fault::kUnavailable);
  world_.clock.advance_ms(kPastTheirTimeMs);
  EXPECT_TRUE(is_ok(body->seal(0)));
  EXPECT_TRUE(is_ok(body->sync(false)));
}

TEST_F(ContentKeys, ThatAreNotTheFilesAreRefusedBeforeAnythingIsRead) {
  const FileId file = file_with(plain_)->file_id();
  for (Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn}) {
    world_.cache.forget(file);
    world_.kms.set_fault(fault);
    EXPECT_EQ(code_of(world_.open()), Errc::kKmsBadAnswer);
  }
  world_.kms.set_fault(Fault::kNone);
  EXPECT_TRUE(is_ok(world_.open()));
}

TEST_F(ContentKeys, AreRefusedWhereTheKmsReplaysTheAnswerForAnotherFile) {
  const FileId file = file_with(plain_)->file_id();
  ASSERT_TRUE(is_ok(FileBody::prepare(world_.context)));
  world_.cache.forget(file);
  world_.kms.set_fault(Fault::kReplay);
  EXPECT_EQ(code_of(world_.open()), Errc::kKmsBadAnswer);
}

TEST_F(ContentKeys, AreRefusedWhereTheKmsIgnoresTheContextOfAnotherFilesEnvelope) {
  file_with(plain_);
  HeaderPage page{};
  std::ranges::copy(ByteSpan(world_.lower.bytes()).first(kPageBytes), page.begin());
  Header header = decode_header(page, world_.keys).value();
  auto other = FileBody::prepare(world_.context);
  ASSERT_TRUE(is_ok(other));
  world_.kms.set_fault(Fault::kIgnoresContext);
  world_.cache.forget(header.prefix.file);
  EXPECT_EQ(code_of(world_.cache.unwrap(prefix_of(page), header.prefix.file, other->made.envelope)),
            Errc::kKmsBadAnswer);
}

TEST_F(ContentKeys, OfANewFileAreRefusedWhereTheAnswerIsNoGoodOne) {
  for (Fault fault : {Fault::kOtherArn, Fault::kZeroKey, Fault::kEmptyBlob}) {
    world_.kms.set_fault(fault);
    EXPECT_EQ(code_of(FileBody::prepare(world_.context)), Errc::kKmsBadAnswer);
  }
  world_.kms.set_fault(Fault::kDisabled);
  EXPECT_EQ(code_of(FileBody::prepare(world_.context)), Errc::kKmsDisabled);
}

// The file would open while its key is cached, and never again.
TEST_F(ContentKeys, OfANewFileAreRefusedWhereTheKmsHasWrappedAnother) {
  world_.kms.set_in_this_process(false);
  world_.kms.set_fault(Fault::kWrapsAnother);
  EXPECT_EQ(code_of(FileBody::prepare(world_.context)), Errc::kKmsBadAnswer);
  world_.kms.set_fault(Fault::kNone);
  EXPECT_TRUE(is_ok(FileBody::prepare(world_.context)));
}

TEST_F(ContentKeys, OfANewFileCostAKmsElsewhereTwoCallsAndOneInThisProcessOne) {
  for (const bool is_here : {true, false}) {
    world_.kms.set_in_this_process(is_here);
    const int generated = world_.kms.generate_calls();
    const int opened = world_.kms.decrypt_calls();
    ASSERT_TRUE(is_ok(FileBody::prepare(world_.context)));
    EXPECT_EQ(world_.kms.generate_calls() - generated, 1);
    EXPECT_EQ(world_.kms.decrypt_calls() - opened, is_here ? 0 : 1);
  }
}

TEST_F(ContentKeys, OfANewFileFailAsTheKmsDoesThatLeavesBetweenTheTwoCalls) {
  world_.kms.set_in_this_process(false);
  const std::pair<Fault, Errc> faults[] = {{Fault::kUnavailable, Errc::kKmsUnavailable},
                                           {Fault::kDisabled, Errc::kKmsDisabled},
                                           {Fault::kDenied, Errc::kKmsAccessDenied},
                                           {Fault::kThrottled, Errc::kKmsThrottled},
                                           {Fault::kOtherArn, Errc::kKmsBadAnswer}};
  for (const auto& [fault, code] : faults) {
    const int opened = world_.kms.decrypt_calls();
    world_.kms.set_fault_after(fault, 2);
    EXPECT_EQ(code_of(FileBody::prepare(world_.context)), code);
    EXPECT_EQ(world_.kms.decrypt_calls() - opened, 1);
    EXPECT_EQ(code_of(FileBody::prepare(world_.context)), code);
    EXPECT_EQ(world_.kms.decrypt_calls() - opened, 1) << "the first call says it already";
    world_.kms.set_fault(Fault::kNone);
  }
}

TEST_F(ContentKeys, OfANewFileAreRefusedByNameWhereNoEnvelopeHoldsThem) {
  world_.kms.set_fault(Fault::kLongBlob);
  const auto prepared = FileBody::prepare(world_.context);
  ASSERT_EQ(code_of(prepared), Errc::kKmsBadAnswer);
  for (const std::string& part :
       {std::string("1500 bytes"), std::string(kFakeKeyArn), std::string("at most")})
    EXPECT_NE(prepared.error().message.find(part), std::string::npos) << prepared.error().message;
}

// A KMS that wraps a key which everybody knows still gives no two files the same content key: the volume
// secret and the file's own salt are mixed in.
TEST_F(ContentKeys, DifferWhereTheKmsGivesAllFilesOneKey) {
  world_.kms.set_fault(Fault::kConstantKey);
  auto first = FileBody::prepare(world_.context);
  auto second = FileBody::prepare(world_.context);
  ASSERT_TRUE(first && second);
  EXPECT_NE(decode_prefix(prefix_of(first->page)).value().commitment,
            decode_prefix(prefix_of(second->page)).value().commitment);
}

TEST_F(ContentKeys, AreNotServedToAHeaderWithAnotherCommitment) {
  const FileId file = file_with(plain_)->file_id();
  HeaderPage page{};
  std::ranges::copy(ByteSpan(world_.lower.bytes()).first(kPageBytes), page.begin());
  const Envelope envelope = decode_header(page, world_.keys).value().envelope;
  set_commitment(Digest{}, prefix_of(page));
  EXPECT_EQ(code_of(world_.cache.unwrap(prefix_of(page), file, envelope)), Errc::kKmsBadAnswer);
}

TEST_F(ContentKeys, AreDroppedOldestFirstBeyondTheLimit) {
  KeyCache cache(world_.kms, world_.keys, world_.clock, world_.entropy, kFakeKeyArn, {.max_entries = 3});
  VolumeContext context{world_.files, world_.entropy, world_.clock, world_.keys, cache, world_.epochs, false};
  std::vector<FileBody::NewFile> files;
  for (int i = 0; i < 5; ++i) files.push_back(std::move(FileBody::prepare(context)).value());
  auto asks = [&](int i) {
    const auto& file = files[static_cast<std::size_t>(i)];
    const int before = world_.kms.decrypt_calls();
    EXPECT_TRUE(is_ok(cache.unwrap(prefix_of(file.page), file.file, file.made.envelope)));
    return world_.kms.decrypt_calls() > before;
  };
  EXPECT_FALSE(asks(2));
  EXPECT_FALSE(asks(4));
  EXPECT_TRUE(asks(0));
  EXPECT_TRUE(asks(2)) << "it was the oldest when 0 came back";
}

TEST_F(ContentKeys, StartANewEpochWhenOneHasSealedAsMuchAsItMay) {
  auto body = file_with(plain_);
  body.reset();
  StateRecord record = world_.record();
  record.sector_writes = kMaxSectorWrites - 4;
  world_.put_record(record);
  body = std::move(world_.open()).value();
  ASSERT_TRUE(is_ok(body->write(0, plain_))) << "three sectors under the old key";
  ASSERT_TRUE(is_ok(body->write(kSectorPlainBytes, Bytes(5'000, 0x55)))) << "two under the next";
  body = world_.reopen(std::move(body));
  EXPECT_EQ(world_.record().key_epoch, 1);
  EXPECT_EQ(world_.record().sector_writes, 2U);
  Bytes expected = plain_;
  std::ranges::fill(MutableByteSpan(expected).subspan(kSectorPlainBytes, 5'000), std::uint8_t{0x55});
  EXPECT_EQ(content_of(*body).value_or(Bytes()), expected) << "sectors of both epochs";
  const Bytes lower = world_.lower.bytes();
  EXPECT_EQ(sector_key(page_at(ByteSpan(lower), 1)).key_epoch, 0);
  EXPECT_EQ(sector_key(page_at(ByteSpan(lower), 2)).key_epoch, 1);
}

TEST_F(ContentKeys, ThatAreAllUsedUpFailWritesAndNameTheWayOut) {
  file_with(plain_);
  StateRecord record = world_.record();
  record.key_epoch = 255;
  record.sector_writes = kMaxSectorWrites - 1;
  world_.put_record(record);
  auto body = std::move(world_.open()).value();
  auto written = body->write(0, plain_);
  ASSERT_EQ(code_of(written), Errc::kLimit);
  EXPECT_NE(written.error().message.find("enfold rekey --new-data-keys"), std::string::npos);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), plain_);
  EXPECT_TRUE(is_ok(body->write(0, Bytes(1)))) << "one is left";
  EXPECT_EQ(code_of(body->write(0, Bytes(1))), Errc::kLimit);
  EXPECT_TRUE(is_ok(body->resize(0))) << "cutting at a sector edge seals nothing";
}

TEST_F(ContentKeys, NeverSealTwiceUnderOneNonce) {
  std::set<Bytes> nonces;
  std::size_t sealed = 0;
  world_.files.watch_writes([&](ByteSpan bytes, std::uint64_t offset) {
    if (offset < kPageBytes) return;
    for (std::size_t at = 0; at + kPageBytes <= bytes.size(); at += kPageBytes, ++sealed)
      nonces.emplace(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     bytes.begin() + static_cast<std::ptrdiff_t>(at + kGcmNonceBytes));
  });
  auto body = world_.create();
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t offset = world_.entropy.below(60'000);
    if (i % 10 == 0) {
      ASSERT_TRUE(is_ok(body->resize(offset)));
    } else {
      ASSERT_TRUE(is_ok(body->write(offset, ByteSpan(plain_).first(1 + world_.entropy.below(9'000)))));
    }
  }
  EXPECT_GT(sealed, 300U);
  EXPECT_EQ(nonces.size(), sealed);
}

}  // namespace
}  // namespace enfold
