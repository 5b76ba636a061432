// A tree whose files are to be wrapped anew, with key services that a test can watch and distort, and a look
// at what is below by its bytes.
#pragma once

#include <fcntl.h>

#include <functional>

#include "fs/volume/rekey.h"
#include "fs/volume/rekey_pass.h"
#include "tests/volume/tree_support.h"

namespace enfold {

// Passes everything on.
class WatchedKms final : public KmsClient {
 public:
  explicit WatchedKms(KmsClient& behind) : behind_(behind) {}

  // Before a call is passed on: "generate", "encrypt", "decrypt" or "describe", and its key.
  std::function<void(const std::string& call, const std::string& key)> before = [](const std::string&,
                                                                                   const std::string&) {};
  // Instead of passing it on.
  std::function<Result<Bytes>(const std::string& key, ByteSpan plaintext, const EncryptionContext& context)>
      encrypts;

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    before("generate", key);
    return behind_.generate_data_key(key, context);
  }
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    before("encrypt", key);
    return encrypts ? encrypts(key, plaintext, context) : behind_.encrypt(key, plaintext, context);
  }
  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    before("decrypt", key_arn);
    return behind_.decrypt(key_arn, ciphertext, context, plaintext);
  }
  Result<KeyDescription> describe_key(const std::string& key) override {
    before("describe", key);
    return behind_.describe_key(key);
  }

 private:
  KmsClient& behind_;
};

// What a re-keying told.
class RekeyLog final : public RekeyObserver {
 public:
  bool finding(const Finding& finding) override {
    findings.push_back(finding);
    return goes_on;
  }
  bool progress(const RekeyCounts& counts) override {
    on_progress(counts);
    return goes_on;
  }

  std::vector<Finding> findings;
  std::atomic<bool> goes_on = true;
  std::function<void(const RekeyCounts&)> on_progress = [](const RekeyCounts&) {};
};

// In the headers of lower files and the volume config, slots left over among them; unverified.
std::vector<Recipient> recipients_below(const std::filesystem::path& lower);
// Their wrapped keys.
std::vector<std::string> wrapped_below(const std::filesystem::path& lower);
// Those of `wrapped` that some lower file holds, anywhere in it.
std::vector<std::string> still_below(const std::filesystem::path& lower,
                                     const std::vector<std::string>& wrapped);

HeaderPage header_page_of(const std::filesystem::path& file);

// The tree asks `routes`, which leads to `first`, or for keys routed there to `second`.
class RekeyWorld : public TreeWorld {
 public:
  explicit RekeyWorld(std::uint64_t salt = 0);

  [[nodiscard]] RekeyTarget to(const std::string& key_arn) { return {key_arn, kms.material(key_arn), false}; }
  [[nodiscard]] RekeyTarget to_new_data_keys(const std::string& key_arn) {
    return {key_arn, kms.material(key_arn), true};
  }

  // Passes until one finds nothing to do; what they counted, as the last one saw it.
  Result<RekeyCounts> rekey_files(const RekeyTarget& target, unsigned jobs = 1);
  // The whole volume, which make_config() made one. The pin is `pins.back()`.
  Result<RekeyReport> rekey(const RekeyRequest& request);
  void make_config();
  ConfigFile config();

  Header header(const std::string& path);
  // With a header as another program writes it behind the volume's back.
  void put_page(const std::string& path, const HeaderPage& page);
  // As a re-keying to `key_arn` leaves it that was cut before its wipe: the newer slot is for that key.
  void leave_two_slots(const std::string& path, const std::string& key_arn);
  [[nodiscard]] std::string lower_root() { return lower(""); }

  FakeKms other{entropy, kFakeOtherArn};
  WatchedKms first{kms};
  WatchedKms second{other};
  KmsRoutes routes{KmsRoutes::Service(std::shared_ptr<void>(), &first)};
  RekeyLog log;

  struct PinnedKeys {
    KeyHome key;
    std::vector<KeyHome> former;
    bool rekeying = false;
  };
  std::vector<PinnedKeys> pins;
  std::vector<std::string> opened_kms;  // by URL, each time
  std::function<Result<void>(const PinnedKeys&)> before_pin = [](const PinnedKeys&) {
    return Result<void>();
  };
};

inline constexpr const char* kFirstKms = "embedded:/first";
inline constexpr const char* kSecondKms = "embedded:/second";

}  // namespace enfold
