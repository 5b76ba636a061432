// New data keys for a file, one after the other, beside all that others do with it.
#include <thread>

#include "tests/volume/renewal_support.h"

namespace enfold {
namespace {

constexpr std::size_t kKept = 40 * kSectorPlainBytes;  // never cut
constexpr int kRenewals = 60;

std::uint8_t mark(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * 31 + offset / 251); }

Bytes marked(std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = mark(offset + i);
  return out;
}

class Others {
 public:
  Others(ContentWorld& world, FileBody& body, std::mutex& sealing)
      : world_(world), body_(body), sealing_(sealing) {}

  void run(int number, const std::atomic<bool>& done) {
    for (int round = 0; !done; ++round) step(number + round);
  }

 private:
  void step(int which) {
    Bytes out(9'000);
    const std::uint64_t offset = world_.entropy.below(kKept - out.size());
    switch (which % 7) {
      case 0:
        EXPECT_TRUE(is_ok(body_.resize(kKept + world_.entropy.below(50'000))));
        break;
      case 1: {
        const std::lock_guard sealing(sealing_);
        EXPECT_TRUE(is_ok(body_.seal(3)));
        break;
      }
      case 2:
        EXPECT_TRUE(is_ok(body_.write(offset, marked(offset, out.size()))));
        break;
      case 3:
        EXPECT_TRUE(is_ok(body_.write(body_.length(), marked(0, 100))));
        break;
      case 4:
        world_.clock.advance_ms(60'001);  // all keys are asked for again
        break;
      case 5:
        EXPECT_TRUE(is_ok(body_.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kKept + 10, 9'000)));
        break;
      default: {
        auto size = body_.read(offset, out);
        EXPECT_TRUE(is_ok(size));
        EXPECT_EQ(out, marked(offset, out.size()));
      }
    }
  }

  ContentWorld& world_;
  FileBody& body_;
  std::mutex& sealing_;
};

// Calls `meanwhile` once, before the first answer of decrypt().
class SlowKms final : public KmsClient {
 public:
  explicit SlowKms(KmsClient& kms) : kms_(kms) {}
  std::function<void()> meanwhile;

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    return kms_.generate_data_key(key, context);
  }
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    return kms_.encrypt(key, plaintext, context);
  }
  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    if (auto act = std::exchange(meanwhile, nullptr)) act();
    return kms_.decrypt(key_arn, ciphertext, context, plaintext);
  }
  Result<KeyDescription> describe_key(const std::string& key) override { return kms_.describe_key(key); }

 private:
  KmsClient& kms_;
};

// What the test below meets only by chance.
TEST(RenewalThreads, TheAnswerOfTheKmsForTheKeysOfBeforeIsNotTaken) {
  ContentWorld world;
  SlowKms kms(world.kms);
  KeyCache cache(kms, world.keys, world.clock, world.entropy, kFakeKeyArn, {});
  VolumeContext context{world.files, world.entropy, world.clock, world.keys, cache, world.epochs, false};
  auto prepared = FileBody::prepare(context);
  ASSERT_TRUE(is_ok(prepared));
  auto body = std::move(FileBody::create(context, std::move(*prepared), world.lower.descriptor(),
                                         format_test::sample_directory()))
                  .value();
  ASSERT_TRUE(is_ok(body->write(0, marked(0, kKept))));
  world.clock.advance_ms(60'001);
  cache.forget(body->file_id());
  std::atomic<bool> begun = false;
  std::thread renewer;
  kms.meanwhile = [&] {
    renewer = std::thread([&] {
      EXPECT_TRUE(is_ok(renew(context, *body)));
      begun = true;
    });
    // The first chunk waits for the keys that are being asked for here.
    while (!begun && !decode_header(header_page(world.lower), world.keys)->state.former)
      std::this_thread::yield();
    EXPECT_TRUE(is_ok(body->verify_tail())) << "which waits until the body has the new keys";
  };
  Bytes out(kKept);
  auto size = body->read(0, out);
  renewer.join();
  ASSERT_TRUE(is_ok(size));
  EXPECT_EQ(out, marked(0, kKept));
  EXPECT_FALSE(decode_header(header_page(world.lower), world.keys)->state.former);
  body = world.reopen(std::move(body));
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(content_of(*body).value_or(Bytes()), marked(0, kKept));
}

TEST(RenewalThreads, ReadAndWriteWhatIsSealedAnew) {
  ContentWorld world;
  world.files.skip_syncs(true);
  auto body = world.create();
  ASSERT_TRUE(is_ok(body->write(0, marked(0, kKept))));
  std::mutex sealing;
  std::atomic<bool> done = false;
  std::atomic<int> begun = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number)
    threads.emplace_back([&, number] {
      ++begun;
      Others(world, *body, sealing).run(number, done);
    });
  while (begun < 3) std::this_thread::yield();
  for (int i = 0; i < kRenewals; ++i) {
    DataKeyRenewal renewal(world.context, *body, sealing, 3);
    EXPECT_TRUE(is_ok(renewal.run(false, [](std::uint64_t) { std::this_thread::yield(); }))) << i;
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  body = world.reopen(std::move(body));
  ASSERT_NE(body, nullptr);
  Bytes kept(kKept);
  ASSERT_TRUE(is_ok(body->read(0, kept)));
  EXPECT_EQ(kept, marked(0, kKept));
  EXPECT_EQ(sectors_of_parity(world.lower, 1), 0U);
}

}  // namespace
}  // namespace enfold
