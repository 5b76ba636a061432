// No plaintext of a call is left in memory that the service gives back: every block that is freed by delete
// is searched for it. What the C libraries free themselves is not seen here.
#include <malloc.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <new>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "kms/wire/base64.h"
#include "tests/wire/service_world.h"

namespace {

// The plaintext, as bytes and as base64; the second is what three bytes of the first become, repeated.
constexpr char kPlain[] = "KKKKKKKKKKKKKKKKKKKKKKKK";
constexpr char kBase64[] = "S0tLS0tLS0tLS0tLS0tLS0tL";
constexpr std::size_t kSearched = 12;

std::atomic<bool> searching{false};
std::atomic<int> found{0};

void search(void* memory) {
  if (memory == nullptr || !searching) return;
  const std::size_t size = ::malloc_usable_size(memory);
  for (const char* text : {kPlain, kBase64})
    if (::memmem(memory, size, text, kSearched) != nullptr) ++found;
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(size)  // NOLINT(cppcoreguidelines-no-malloc)
                     : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

void give_back(void* memory) {
  search(memory);
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads,clang-analyzer-cplusplus.NewDelete): all of them are here
void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t to) {
  return allocate(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size) { return allocate(size, 1); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t /*to*/) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*to*/) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { give_back(memory); }
// NOLINTEND(misc-new-delete-overloads,clang-analyzer-cplusplus.NewDelete)

namespace enfold {
namespace {

// Data keys that the test knows, and nonces as ever.
class KnownEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override {
    if (out.size() == known_bytes)
      std::ranges::fill(out, std::uint8_t{'K'});
    else
      system_.fill(out);
  }
  std::size_t known_bytes = 0;

 private:
  SystemEntropy system_;
};

class Wiped : public ::testing::Test {
 protected:
  Wiped() {
    make_store(temp_ / "kms");
    FixedPassphrase unused;
    engine_ = std::make_unique<Engine>(open_store(temp_ / "kms", unused, entropy_).value(), entropy_, clock_);
    service_ = std::make_unique<KmsService>(*engine_, clock_, entropy_, "local");
    EXPECT_TRUE(engine_->add_principal({"000000000000", "alice", {kAliceUnixId}}));
    key_ = make_key(*engine_);
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() override { searching = false; }

  // How many freed blocks held the plaintext, and whether the answer did.
  std::pair<int, bool> leaks(const std::string& target, const std::string& body) {
    const HttpRequestView request{
        .method = "POST",
        .target = "/",
        .headers = {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", target}},
        .body = body};
    found = 0;
    searching = true;
    bool answered = false;
    {
      const HttpAnswer answer = service_->handle(request, {.unix_id = kAliceUnixId});
      EXPECT_EQ(answer.status, 200) << answer.body;
      answered = answer.body.find(std::string_view(kBase64).substr(0, kSearched)) != WipedString::npos;
    }
    searching = false;
    return {found, answered};
  }

  TempDir temp_;
  KnownEntropy entropy_;
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<KmsService> service_;
  std::string key_;
};

TEST_F(Wiped, TheSearchFinds) {
  searching = true;
  found = 0;
  EXPECT_FALSE((std::string("in here: ") + kPlain).empty());
  EXPECT_GT(found, 0);
}

TEST_F(Wiped, DataKeysAndRandomBytes) {
  for (std::size_t size : {24U, 48U, 1024U}) {
    entropy_.known_bytes = size;
    const std::string bytes = std::to_string(size);
    EXPECT_EQ(
        leaks("TrentService.GenerateDataKey", R"({"KeyId":")" + key_ + R"(","NumberOfBytes":)" + bytes + "}"),
        (std::pair{0, true}));
    EXPECT_EQ(leaks("TrentService.GenerateRandom", R"({"NumberOfBytes":)" + bytes + "}"),
              (std::pair{0, true}));
  }
}

TEST_F(Wiped, WhatIsEncryptedAndDecrypted) {
  for (int repeat : {1, 20, 160}) {
    std::string body = R"({"KeyId":")" + key_ + R"(","Plaintext":")";
    for (int i = 0; i < repeat; ++i) body += kBase64;
    body += "\"}";
    EXPECT_EQ(leaks("TrentService.Encrypt", body), (std::pair{0, false}));
    std::string plain;
    for (int i = 0; i < repeat; ++i) plain.append(kPlain, 18);
    const Bytes blob =
        engine_->encrypt(local_scope(), {.key_id = key_, .plaintext = as_bytes(plain), .context = {}})
            .value()
            .ciphertext;
    std::string text(base64_size(blob.size()), ' ');
    encode_base64(blob, text.data());
    EXPECT_EQ(leaks("TrentService.Decrypt", R"({"CiphertextBlob":")" + text + "\"}"), (std::pair{0, true}));
    std::string entries = R"({"CiphertextBlob":")" + text + "\"}";
    for (int i = 0; i < 3; ++i) entries += "," + entries;
    EXPECT_EQ(leaks("Enfold.BatchDecrypt", R"({"KeyId":")" + key_ + R"(","Entries":[)" + entries + "]}"),
              (std::pair{0, true}));
  }
}

}  // namespace
}  // namespace enfold
