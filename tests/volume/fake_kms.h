// A KMS in memory with switchable faults, for the tests of what stands on one. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "kms/base/entropy.h"
#include "kms/client/kms_client.h"

namespace enfold {

inline constexpr const char* kFakeKeyArn =
    "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
inline constexpr const char* kFakeOtherArn =
    "arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555";

class FakeKms final : public KmsClient {
 public:
  enum class Fault {
    kNone,
    kWrongKey,        // answers another random key
    kConstantKey,     // answers the same known key to all
    kZeroKey,         // answers 32 zero bytes
    kOtherArn,        // says that another key wrapped it
    kReplay,          // answers what it answered to the call before, of whatever file
    kEmptyBlob,       // answers a ciphertext of no bytes
    kLongBlob,        // wraps to kLongBlobBytes
    kWrapsAnother,    // answers another data key than the one that it has wrapped; opens as it should
    kIgnoresContext,  // opens every ciphertext, whatever the context
    kMisnames,        // describes a key with another material than it wraps with
    kUnavailable,
    kDisabled,
    kDenied,
    kThrottled,
  };

  static constexpr std::size_t kLongBlobBytes = 1'500;

  explicit FakeKms(Entropy& entropy, std::string key_arn = kFakeKeyArn)
      : entropy_(entropy), key_arn_(std::move(key_arn)) {}

  void set_fault(Fault fault) { fault_ = fault; }
  // Whether it is taken for one in this process; it is unless set otherwise.
  void set_in_this_process(bool is_here) { is_in_this_process_ = is_here; }
  [[nodiscard]] bool is_in_this_process() const override { return is_in_this_process_; }
  // Of the key `arn` alone: "Enabled", "Disabled", "PendingDeletion", or "" where it does not exist.
  void set_state(const std::string& arn, std::string state) {
    const std::lock_guard lock(mutex_);
    states_[arn] = std::move(state);
  }
  // What is wrapped from now on has another material id.
  void rotate(const std::string& arn) {
    const std::lock_guard lock(mutex_);
    ++rotations_[arn];
  }
  [[nodiscard]] std::string material(const std::string& arn) {
    const std::lock_guard lock(mutex_);
    return material_of(arn);
  }
  // The fault begins after so many more calls.
  void set_fault_after(Fault fault, int calls) {
    const std::lock_guard lock(mutex_);
    later_fault_ = fault;
    calls_left_ = calls;
  }

  // Answers re_encrypt_batch(), with what `distort` makes of its answers.
  using ReEncrypted = std::vector<Result<ReEncryptedKey>>;
  void let_re_encrypt(std::function<void(ReEncrypted&)> distort = [](ReEncrypted& /*answers*/) {}) {
    distort_re_encrypted_ = std::move(distort);
  }

  [[nodiscard]] int generate_calls() const { return generate_calls_; }
  [[nodiscard]] int decrypt_calls() const { return decrypt_calls_; }
  [[nodiscard]] int encrypt_calls() const { return encrypt_calls_; }

  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    ++generate_calls_;
    ENFOLD_TRY(refusal(arn_of(key)));
    auto plain = random_array<32>(entropy_);
    distort_answer(plain);
    Bytes blob = store(key, plain, context);
    if (fault_ == Fault::kEmptyBlob) blob.clear();
    if (fault_ == Fault::kWrapsAnother) plain[0] ^= 1;
    return GeneratedDataKey{DataKey(plain), std::move(blob), answered_arn(key), material(arn_of(key))};
  }

  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    ++encrypt_calls_;
    ENFOLD_TRY(refusal(arn_of(key)));
    std::array<std::uint8_t, 32> plain{};
    std::ranges::copy(plaintext.first(std::min<std::size_t>(plaintext.size(), plain.size())), plain.begin());
    return store(key, plain, context);
  }

  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    ++decrypt_calls_;
    ENFOLD_TRY(refusal(key_arn));
    std::lock_guard lock(mutex_);
    auto found = wrapped_.find(Bytes(ciphertext.begin(), ciphertext.end()));
    if (found == wrapped_.end() || (found->second.context != context && fault_ != Fault::kIgnoresContext))
      return make_error(Errc::kKmsInvalidCiphertext, "fake KMS: not a ciphertext of this context");
    if (fault_ == Fault::kOtherArn || found->second.key_arn != key_arn)
      return make_error(Errc::kKmsBadAnswer, "fake KMS: answered by another key");
    std::ranges::copy(found->second.plain, plaintext.begin());
    distort(plaintext);
    return found->second.material_id;
  }

  std::optional<ReEncrypted> re_encrypt_batch(const std::string& from_key_arn, const std::string& to_key_arn,
                                              std::span<const DecryptItem> entries) override {
    if (!distort_re_encrypted_) return std::nullopt;
    ReEncrypted answers;
    for (const auto& opened : decrypt_batch(from_key_arn, entries)) {
      const DecryptItem& entry = entries[answers.size()];
      auto wrapped = opened ? encrypt(to_key_arn, opened->plaintext.expose(), entry.context)
                            : Result<Bytes>(std::unexpected(opened.error()));
      answers.push_back(wrapped ? ReEncryptedKey{*std::move(wrapped), material(to_key_arn)}
                                : Result<ReEncryptedKey>(std::unexpected(wrapped.error())));
    }
    distort_re_encrypted_(answers);
    return answers;
  }

  Result<KeyDescription> describe_key(const std::string& key) override {
    ENFOLD_TRY(refusal_of_all());
    const std::string arn = arn_of(key);
    const std::lock_guard lock(mutex_);
    const std::string state = fault_ == Fault::kDisabled ? "Disabled" : state_of(arn);
    if (state.empty()) return make_error(Errc::kKmsNotFound, "Key '" + arn + "' does not exist");
    return KeyDescription{arn, state, fault_ == Fault::kMisnames ? "material-x" : material_of(arn)};
  }

 private:
  struct Wrapped {
    std::string key_arn;
    EncryptionContext context;
    std::array<std::uint8_t, 32> plain;
    std::string material_id;
  };

  Result<void> refusal(const std::string& arn) {
    {
      const std::lock_guard lock(mutex_);
      if (calls_left_ == 1) fault_ = later_fault_;
      calls_left_ = std::max(calls_left_ - 1, 0);
      const std::string state = state_of(arn);
      if (state.empty()) return make_error(Errc::kKmsNotFound, "Key '" + arn + "' does not exist");
      if (state == "Disabled") return make_error(Errc::kKmsDisabled, arn + " is disabled.");
      if (state != "Enabled") return make_error(Errc::kKmsInvalidState, arn + " is pending deletion.");
    }
    return refusal_of_all();
  }

  // mutex_ is held for these two.
  [[nodiscard]] std::string state_of(const std::string& arn) const {
    const auto found = states_.find(arn);
    return found == states_.end() ? "Enabled" : found->second;
  }
  [[nodiscard]] std::string material_of(const std::string& arn) const {
    const auto found = rotations_.find(arn);
    return "material-" + std::to_string(found == rotations_.end() ? 1 : 1 + found->second);
  }

  Result<void> refusal_of_all() const {
    switch (fault_.load()) {
      case Fault::kUnavailable:
        return make_error(Errc::kKmsUnavailable, "fake KMS: no answer");
      case Fault::kDisabled:
        return make_error(Errc::kKmsDisabled, key_arn_ + " is disabled.");
      case Fault::kDenied:
        return make_error(Errc::kKmsAccessDenied, "fake KMS: access denied");
      case Fault::kThrottled:
        return make_error(Errc::kKmsThrottled, "fake KMS: rate exceeded");
      default:
        return {};
    }
  }

  void distort_answer(std::span<std::uint8_t, 32> plain) {
    std::lock_guard lock(mutex_);
    distort(plain);
  }

  // The mutex is held.
  void distort(std::span<std::uint8_t, 32> plain) {
    if (fault_ == Fault::kWrongKey) entropy_.fill(plain);
    if (fault_ == Fault::kConstantKey) std::ranges::fill(plain, std::uint8_t{0x42});
    if (fault_ == Fault::kZeroKey) std::ranges::fill(plain, std::uint8_t{0});
    if (fault_ == Fault::kReplay) std::ranges::copy(last_plain_, plain.begin());
    std::ranges::copy(plain, last_plain_.begin());
  }

  Bytes store(const std::string& key, const std::array<std::uint8_t, 32>& plain,
              const EncryptionContext& context) {
    Bytes blob(fault_ == Fault::kLongBlob ? kLongBlobBytes : 100);
    entropy_.fill(blob);
    std::lock_guard lock(mutex_);
    wrapped_[blob] = Wrapped{arn_of(key), context, plain, material_of(arn_of(key))};
    return blob;
  }

  [[nodiscard]] std::string arn_of(const std::string& key) const {
    return key.starts_with("arn:") ? key : key_arn_;
  }
  [[nodiscard]] std::string answered_arn(const std::string& key) const {
    return fault_ == Fault::kOtherArn ? kFakeOtherArn : arn_of(key);
  }

  Entropy& entropy_;
  std::string key_arn_;
  std::atomic<Fault> fault_{Fault::kNone};
  std::atomic<bool> is_in_this_process_{true};
  std::atomic<int> generate_calls_{0};
  std::atomic<int> decrypt_calls_{0};
  std::atomic<int> encrypt_calls_{0};
  std::mutex mutex_;
  std::map<Bytes, Wrapped> wrapped_;
  std::map<std::string, std::string> states_;  // of keys that are not as all others
  std::map<std::string, int> rotations_;
  std::function<void(ReEncrypted&)> distort_re_encrypted_;
  Fault later_fault_ = Fault::kNone;
  int calls_left_ = 0;
  std::array<std::uint8_t, 32> last_plain_{};
};

}  // namespace enfold
