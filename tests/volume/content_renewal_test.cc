// A new data key, in place: what it leaves, what it survives, and that the old one opens nothing.
#include "tests/volume/renewal_support.h"

namespace enfold {
namespace {

constexpr std::uint64_t kSector = kSectorPlainBytes;
constexpr std::uint64_t kThreeChunks = 600 * kSector + 777;

class NewDataKey : public testing::Test {
 protected:
  void make_file(std::uint64_t size) {
    body_ = world_.create();
    plain_ = random_bytes(world_.entropy, size);
    ASSERT_TRUE(is_ok(body_->write(0, plain_)));
    ASSERT_TRUE(is_ok(body_->seal(0)));
  }
  Header header() { return decode_header(header_page(world_.lower), world_.keys).value(); }
  Result<void> renew() { return enfold::renew(world_.context, *body_); }
  void overwrite(std::uint64_t offset, std::size_t size) {
    const Bytes bytes = random_bytes(world_.entropy, size);
    ASSERT_TRUE(is_ok(body_->write(offset, bytes)));
    if (plain_.size() < offset + size) plain_.resize(offset + size);
    std::ranges::copy(bytes, plain_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void expect_content() {
    EXPECT_EQ(content_of(*body_).value_or(Bytes()), plain_);
    body_ = world_.reopen(std::move(body_));
    ASSERT_NE(body_, nullptr);
    EXPECT_EQ(content_of(*body_).value_or(Bytes()), plain_) << "after another open";
  }
  void expect_between() {
    EXPECT_TRUE(header().state.former);
    EXPECT_GT(sectors_of_parity(world_.lower, 0), 0U);
  }
  void expect_done(std::uint8_t parity = 1) {
    EXPECT_FALSE(header().state.former);
    EXPECT_TRUE(header().has_spare_slot);
    EXPECT_EQ(header().envelope.generation, 1U);
    EXPECT_EQ(header().state.parity, parity);
    EXPECT_EQ(sectors_of_parity(world_.lower, static_cast<std::uint8_t>(1 - parity)), 0U);
  }
  void flip(std::uint64_t offset) {
    const auto byte = static_cast<std::uint8_t>(world_.lower.bytes()[offset] ^ 1U);
    world_.lower.put(offset, {&byte, 1});
  }

  ContentWorld world_;
  std::shared_ptr<FileBody> body_;
  Bytes plain_;
};

TEST_F(NewDataKey, IsThatOfEverySector) {
  make_file(kThreeChunks);
  const Header before = header();
  std::uint64_t told = 0;
  ASSERT_TRUE(is_ok(enfold::renew(world_.context, *body_, [&](std::uint64_t bytes) { told += bytes; })));
  EXPECT_EQ(told, kThreeChunks);
  expect_done();
  EXPECT_NE(header().prefix.commitment, before.prefix.commitment);
  EXPECT_NE(header().prefix.salt, before.prefix.salt);
  EXPECT_EQ(header().prefix.file, before.prefix.file);
  expect_content();
  EXPECT_EQ(world_.record().sector_writes, sectors_of(kThreeChunks));
  ASSERT_TRUE(is_ok(renew()));
  expect_done(0);
  overwrite(5'000, 10'000);
  expect_content();
}

TEST_F(NewDataKey, OfAnEmptyFileIsThatOfWhatIsWrittenLater) {
  make_file(0);
  ASSERT_TRUE(is_ok(renew()));
  overwrite(0, 10'000);
  expect_done();
  expect_content();
}

TEST_F(NewDataKey, LeavesNothingThatTheOldOneOpens) {
  make_file(3 * kSector + 5);
  const HeaderPage page = header_page(world_.lower);
  const Recipient old = header().envelope.recipients.front();
  DataKey data_key;
  ASSERT_TRUE(is_ok(world_.kms.decrypt(old.key_arn, old.ciphertext,
                                       file_key_context(world_.keys.volume(), body_->file_id()),
                                       data_key.expose_mutable())));
  const auto opened = [&] {
    const Bytes bytes = world_.lower.bytes();
    std::size_t out = 0;
    for (const HeaderPage& bound : {page, header_page(world_.lower)}) {
      const FileKey key = world_.keys.file_key(data_key, ByteSpan(bound).first(kPrefixBoundBytes));
      Gcm gcm(content_key(key, 0).expose());
      for (std::uint64_t i = 0; i < 4; ++i) {
        PlainSector plain;
        const FileId file = body_->file_id();
        if (open_sector(gcm, {world_.keys.volume(), file, i}, page_at(ByteSpan(bytes), i + 1), plain.bytes))
          ++out;
      }
    }
    return out;
  };
  EXPECT_EQ(opened(), 8U) << "the page's header is the old one, too";
  ASSERT_TRUE(is_ok(renew()));
  EXPECT_EQ(opened(), 0U);
  const Bytes bytes = world_.lower.bytes();
  EXPECT_TRUE(std::ranges::search(bytes, old.ciphertext).empty()) << "nor its wrapped form";
}

TEST_F(NewDataKey, MakesAFileWritableWhoseKeyEpochsAreUsedUp) {
  make_file(20'000);
  body_.reset();
  StateRecord record = world_.record();
  record.key_epoch = 255;
  record.sector_writes = kMaxSectorWrites;
  world_.put_record(record);
  body_ = std::move(world_.open()).value();
  ASSERT_EQ(code_of(body_->write(0, plain_)), Errc::kLimit);
  ASSERT_TRUE(is_ok(renew()));
  overwrite(0, 20'000);
  expect_done();
  expect_content();
  EXPECT_EQ(world_.record().key_epoch, 0);
  EXPECT_EQ(world_.record().sector_writes, 2 * sectors_of(20'000));
}

TEST_F(NewDataKey, LeavesHolesHoles) {
  make_file(kSector + 100);
  const std::uint64_t length = (std::uint64_t{1} << 26) + 5;
  ASSERT_TRUE(is_ok(body_->resize(length)));
  ASSERT_TRUE(is_ok(body_->write(length - 3 * kSector, Bytes(kSector, 7))));
  ASSERT_TRUE(is_ok(body_->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kSector)));
  const std::uint64_t hole_end = world_.record().hole_end;
  world_.files.fail_at(0, 0);
  std::uint64_t told = 0;
  ASSERT_TRUE(is_ok(enfold::renew(world_.context, *body_, [&](std::uint64_t bytes) { told += bytes; })));
  EXPECT_EQ(told, length);
  EXPECT_LT(world_.files.calls(), 50) << "holes are passed over";
  EXPECT_GE(world_.record().hole_end, hole_end);
  EXPECT_FALSE(header().state.former);
  body_ = world_.reopen(std::move(body_));
  Bytes out(2 * kSector);
  ASSERT_TRUE(is_ok(body_->read(0, out)));
  EXPECT_TRUE(all_zero(ByteSpan(out).first(kSector)));
  EXPECT_TRUE(std::ranges::equal(ByteSpan(out).subspan(kSector, 100), ByteSpan(plain_).subspan(kSector)));
  ASSERT_TRUE(is_ok(body_->read(length - 3 * kSector, out)));
  EXPECT_EQ(out[5], 7);
  EXPECT_EQ(body_->seek(2 * kSector, SEEK_HOLE).value_or(0), 2 * kSector);
}

TEST_F(NewDataKey, LeavesWhatIsDamagedAndKeepsTheFormerKeyForIt) {
  make_file(kThreeChunks);
  const Bytes before = world_.lower.bytes();
  for (const std::uint64_t damaged : {std::uint64_t{3}, std::uint64_t{300}})
    flip(sector_offset(damaged) + 500);
  auto done = renew();
  ASSERT_EQ(code_of(done), Errc::kDamaged);
  EXPECT_NE(done.error().message.find("2 sectors do not verify, the first is sector 3"), std::string::npos);
  EXPECT_EQ(sectors_of_parity(world_.lower, 0), 2U) << "all others are done";
  EXPECT_TRUE(header().state.former);
  body_ = world_.reopen(std::move(body_));
  EXPECT_EQ(code_of(content_of(*body_)), Errc::kDamaged);
  Bytes out(200 * kSector);
  ASSERT_TRUE(is_ok(body_->read(10 * kSector, out)));
  EXPECT_TRUE(std::ranges::equal(out, ByteSpan(plain_).subspan(10 * kSector, out.size())));
  EXPECT_EQ(code_of(renew()), Errc::kDamaged) << "again";
  world_.lower.put(sector_offset(3), page_at(ByteSpan(before), 4));
  overwrite(300 * kSector, kSector);
  ASSERT_TRUE(is_ok(renew()));
  expect_done();
  expect_content();
}

TEST_F(NewDataKey, IsNotThereForAllWhileASectorUnderItDoesNotVerify) {
  make_file(kThreeChunks);
  ASSERT_EQ(code_of(renew_chunks(world_.context, *body_, 1)), Errc::kBusy);
  ASSERT_EQ(sector_key(page_at(ByteSpan(world_.lower.bytes()), 3)).parity, 1);
  flip(sector_offset(2) + 500);
  EXPECT_EQ(code_of(renew()), Errc::kDamaged);
  EXPECT_TRUE(header().state.former);
}

TEST_F(NewDataKey, IsOnTheDeviceWithoutTheFormerOneWhenItIsDone) {
  make_file(10'000);
  int unsynced = 0;
  int headers = 0;
  world_.files.watch_writes([&](ByteSpan, std::uint64_t offset) {
    ++unsynced;
    if (offset == 0) ++headers;
  });
  world_.files.watch_order([&](const char*, int, const std::string&) { unsynced = 0; });
  ASSERT_TRUE(is_ok(renew()));
  EXPECT_EQ(headers, 2);
  EXPECT_EQ(unsynced, 0);
}

TEST_F(NewDataKey, MovesNoModificationTime) {
  make_file(kThreeChunks);
  const timespec before = world_.lower.modification_time();
  world_.clock.advance_ms(5'000);
  ASSERT_TRUE(is_ok(renew()));
  ASSERT_TRUE(is_ok(body_->seal(0)));
  const timespec after = world_.lower.modification_time();
  EXPECT_EQ(after.tv_sec, before.tv_sec);
  EXPECT_EQ(after.tv_nsec, before.tv_nsec);
}

TEST_F(NewDataKey, MovesNoModificationTimeWhereItIsCutShortOrFails) {
  make_file(kThreeChunks);
  const timespec before = world_.lower.modification_time();
  for (int chunks : {1, 2}) {
    ASSERT_EQ(code_of(renew_chunks(world_.context, *body_, chunks)), Errc::kBusy);
    EXPECT_EQ(world_.lower.modification_time().tv_nsec, before.tv_nsec);
  }
  world_.files.fail_at(1, ENOSPC, FaultyFiles::Mode::kWritesFromThenOn);
  EXPECT_EQ(code_of(renew()), Errc::kSystem);
  world_.files.heal();
  EXPECT_EQ(world_.lower.modification_time().tv_nsec, before.tv_nsec);
}

// As the lower filesystem does where somebody else than root writes.
TEST_F(NewDataKey, PutsBackTheSetIdBitsThatEachWriteTakes) {
  make_file(kThreeChunks);
  PosixFiles plain_files;
  const Fd fd = world_.lower.descriptor();
  const auto mode = [&] { return plain_files.stat_at(fd.get(), "").value().stx_mode & 07777U; };
  ASSERT_TRUE(is_ok(plain_files.set_mode(fd.get(), 06755)));
  int writes = 0;
  world_.files.watch_writes([&](ByteSpan, std::uint64_t) {
    ++writes;
    EXPECT_TRUE(is_ok(plain_files.set_mode(fd.get(), 0755)));
  });
  ASSERT_TRUE(
      is_ok(enfold::renew(world_.context, *body_, [&](std::uint64_t) { EXPECT_EQ(mode(), 06755U); })));
  EXPECT_EQ(mode(), 06755U);
  EXPECT_GE(writes, 5) << "two headers and three chunks";
}

TEST_F(NewDataKey, LeavesAFileThatWorksWhereItIsStoppedAndGoesOn) {
  make_file(kThreeChunks);
  ASSERT_EQ(code_of(renew_chunks(world_.context, *body_, 1)), Errc::kBusy);
  expect_between();
  expect_content();
  const int made = world_.kms.generate_calls();
  overwrite(5'000, 10'000);                    // renewed already
  overwrite(500 * kSector + 17, 3 * kSector);  // not yet, with edges under the former key
  overwrite(plain_.size(), 9'000);             // the old tail is under the former key
  overwrite(plain_.size() + 40'000, 9'000);    // behind a hole
  expect_content();
  expect_between();
  ASSERT_TRUE(is_ok(body_->resize(550 * kSector + 5)));
  plain_.resize(550 * kSector + 5);
  ASSERT_TRUE(is_ok(body_->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 520 * kSector + 9, 10'000)));
  std::fill_n(plain_.begin() + 520 * kSector + 9, 10'000, std::uint8_t{0});
  expect_content();
  ASSERT_TRUE(is_ok(renew()));
  EXPECT_EQ(world_.kms.generate_calls(), made) << "it goes on with the key that it has";
  expect_done();
  expect_content();
}

TEST_F(NewDataKey, IsNotBegunWhereItIsStoppedBefore) {
  make_file(10'000);
  const Bytes before = world_.lower.bytes();
  EXPECT_EQ(code_of(enfold::renew(
                world_.context, *body_, [](std::uint64_t) {}, true)),
            Errc::kBusy);
  EXPECT_EQ(world_.lower.bytes(), before);
}

TEST_F(NewDataKey, CostsNothingWhereTheKmsFailsOrAnswersWrong) {
  using Fault = FakeKms::Fault;
  make_file(10'000);
  const Bytes before = world_.lower.bytes();
  for (const Fault fault :
       {Fault::kUnavailable, Fault::kDisabled, Fault::kDenied, Fault::kThrottled, Fault::kWrongKey,
        Fault::kZeroKey, Fault::kOtherArn, Fault::kEmptyBlob, Fault::kLongBlob, Fault::kWrapsAnother}) {
    world_.kms.set_fault(fault);
    EXPECT_FALSE(renew().has_value()) << static_cast<int>(fault);
    EXPECT_EQ(world_.lower.bytes(), before);
  }
  world_.kms.set_fault(Fault::kNone);
  ASSERT_TRUE(is_ok(renew()));
  expect_done();
  expect_content();
}

TEST_F(NewDataKey, WaitsForAnEnvelopeThatIsBeingReplaced) {
  make_file(10'000);
  HeaderPage page = header_page(world_.lower);
  const Header old = header();
  Envelope next = old.envelope;
  ++next.generation;
  ASSERT_TRUE(is_ok(encode_slots({&old.envelope, &next}, world_.keys, old.prefix.file, page)));
  world_.lower.put(0, page);
  const Bytes before = world_.lower.bytes();
  EXPECT_EQ(code_of(renew()), Errc::kBusy);
  EXPECT_EQ(world_.lower.bytes(), before);
}

TEST_F(NewDataKey, BetweenTwoBothAreAskedForAgainWhenTheirTimeIsOver) {
  make_file(kThreeChunks);
  ASSERT_EQ(code_of(renew_chunks(world_.context, *body_, 1)), Errc::kBusy);
  world_.clock.advance_ms(60'001);
  const int asked = world_.kms.decrypt_calls();
  EXPECT_EQ(content_of(*body_).value_or(Bytes()), plain_);
  EXPECT_EQ(world_.kms.decrypt_calls(), asked + 2);
  world_.clock.advance_ms(60'001);
  world_.kms.set_fault(FakeKms::Fault::kDisabled);
  EXPECT_EQ(code_of(content_of(*body_)), Errc::kKmsDisabled);
  EXPECT_EQ(code_of(renew()), Errc::kKmsDisabled);
  EXPECT_EQ(code_of(world_.open()), Errc::kKmsDisabled);
}

// FORMAT.md, "What an attacker gets".
TEST_F(NewDataKey, IsNoticedWhereAPartOfTheFileIsPutBack) {
  make_file(kThreeChunks);
  const Bytes before = world_.lower.bytes();
  ASSERT_EQ(code_of(renew_chunks(world_.context, *body_, 1)), Errc::kBusy);
  ASSERT_TRUE(is_ok(body_->seal(0)));
  const Bytes between = world_.lower.bytes();
  ASSERT_TRUE(is_ok(renew()));
  ASSERT_TRUE(is_ok(body_->seal(0)));
  const FileId file = body_->file_id();
  body_.reset();
  const Bytes after = world_.lower.bytes();
  const auto opened_with = [&](ByteSpan from, std::uint64_t offset, std::size_t size) {
    world_.lower.replace(after);
    world_.lower.put(offset, from.subspan(offset, size));
    world_.cache.forget(file);
    auto body = world_.open();
    return body ? content_of(**body) : Result<Bytes>(std::unexpected(body.error()));
  };
  EXPECT_EQ(code_of(opened_with(before, sector_offset(5), kPageBytes)), Errc::kDamaged) << "a sector";
  EXPECT_EQ(code_of(opened_with(before, kSlotOffset[0], kSlotBytes)), Errc::kDamaged) << "a slot";
  EXPECT_EQ(code_of(opened_with(before, kStateOffset, kStateBytes)), Errc::kDamaged) << "the state";
  EXPECT_EQ(code_of(opened_with(between, kStateOffset, kStateBytes)), Errc::kDamaged)
      << "the state of between";
  EXPECT_EQ(code_of(opened_with(before, 0, kPageBytes)), Errc::kDamaged) << "the header, read with its key";
  EXPECT_EQ(opened_with(between, 0, kPageBytes).value_or(Bytes()), plain_) << "said so: it is not noticed";
  world_.kms.set_fault(FakeKms::Fault::kDisabled);
  EXPECT_EQ(code_of(opened_with(between, 0, kPageBytes)), Errc::kKmsDisabled);
}

TEST_F(NewDataKey, IsRefusedWhereTheHeaderWasExchangedBelow) {
  make_file(10'000);
  const HeaderPage before = header_page(world_.lower);
  ASSERT_TRUE(is_ok(renew()));
  world_.lower.put(0, before);
  const Bytes bytes = world_.lower.bytes();
  EXPECT_EQ(code_of(renew()), Errc::kDamaged);
  EXPECT_EQ(world_.lower.bytes(), bytes);
}

// A begun one whose header may not be on the device.
TEST_F(NewDataKey, SealsNothingWhereTheSyncOfItsHeaderFails) {
  make_file(kThreeChunks);
  const Bytes before = world_.lower.bytes();
  world_.files.fail_sync_at(2, EIO);  // the first is of the content
  ASSERT_EQ(code_of(renew()), Errc::kSystem);
  ASSERT_EQ(world_.files.failed_syncs(), 1);
  world_.files.heal();
  EXPECT_FALSE(header().state.former) << "the header that was there is put back";
  EXPECT_TRUE(std::ranges::equal(ByteSpan(world_.lower.bytes()).subspan(kPageBytes),
                                 ByteSpan(before).subspan(kPageBytes)));
  overwrite(5'000, 10'000);
  expect_content();
  EXPECT_EQ(sectors_of_parity(world_.lower, 1), 0U);
}

TEST_F(NewDataKey, LetsNothingBeWrittenWhereItsHeaderCanNotBePutBackEither) {
  make_file(kThreeChunks);
  world_.files.fail_sync_at(2, EIO);
  world_.files.watch_order([&](const char*, int, const std::string&) {
    if (world_.files.syncs() == 1) world_.files.fail_at(1, EIO, FaultyFiles::Mode::kAllFromThenOn);
  });
  ASSERT_EQ(code_of(renew()), Errc::kSystem);
  world_.files.watch_order({});
  world_.files.heal();
  ASSERT_TRUE(header().state.former) << "as far as the page cache goes";
  EXPECT_EQ(code_of(body_->write(0, plain_)), Errc::kSystem);
  EXPECT_EQ(content_of(*body_).value_or(Bytes()), plain_);
  body_.reset();
  auto again = world_.open();
  ASSERT_TRUE(is_ok(again));
  EXPECT_EQ(content_of(**again).value_or(Bytes()), plain_);
  EXPECT_EQ(code_of((*again)->write(0, plain_)), Errc::kSystem);
  EXPECT_EQ(code_of(enfold::renew(world_.context, **again)), Errc::kSystem);
  EXPECT_EQ(sectors_of_parity(world_.lower, 1), 0U);
}

}  // namespace
}  // namespace enfold
