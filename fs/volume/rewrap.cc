#include "fs/volume/rewrap.h"

#include <map>

#include "fs/volume/kms_answers.h"
#include "kms/crypto/hkdf.h"

namespace enfold {
namespace {

// Stands for whatever 32 bytes are wrapped.
using Wrapped = DataKey;

std::unexpected<Error> opens_to_another(const Recipient& recipient) {
  return make_error(Errc::kKmsBadAnswer, "the KMS opens the envelope under " + recipient.key_arn +
                                             " to another key than the one that was wrapped");
}

// A service that is not there, or has enough of us: the same question again would not help.
bool answers_nobody(const Error& error) {
  return error.code == Errc::kKmsUnavailable || error.code == Errc::kKmsThrottled;
}

// Some keys on their way from one envelope to the next, all of them a step at a time. A service that has both
// keys goes there in one step, and only what it wraps is opened: as the commitment is right, so is the blob.
// What fails on that way for a reason that the other one can tell apart takes the other one.
class Rewraps {
 public:
  Rewraps(KmsClient& kms, std::span<const RewrapItem> items, const std::string& to_key_arn)
      : kms_(kms), items_(items), to_key_arn_(to_key_arn), keys_(items.size()) {
    answers_.resize(items.size());
    is_done_.resize(items.size());
    is_misled_.resize(items.size());
  }

  std::vector<Rewrapped> run() {
    re_encrypt();
    unwrap();
    wrap();
    verify();
    refuse_what_does_not_fit();
    return std::move(answers_);
  }

 private:
  using Indexes = std::vector<std::size_t>;

  void re_encrypt() {
    for (const auto& [key_arn, those] : by_key()) {
      const std::vector<DecryptItem> asked = wrapped(those);
      auto made = kms_.re_encrypt_batch(key_arn, to_key_arn_, asked);
      if (!made) continue;
      Indexes there;
      for (std::size_t n = 0; n < those.size(); ++n) {
        auto& blob = (*made)[n];
        if (!blob && answers_nobody(blob.error())) fail(those[n], false, blob.error());
        if (!blob || blob->ciphertext.empty()) continue;
        *answers_[those[n]] = Recipient{Provider::kAwsKms, to_key_arn_, std::move(blob->ciphertext), {}};
        there.push_back(those[n]);
      }
      believe(there);
    }
  }

  // Of what the service wrapped by itself, that which opens to the right key.
  void believe(const Indexes& those) {
    std::vector<DecryptItem> asked;
    asked.reserve(those.size());
    for (const std::size_t i : those) asked.push_back({answers_[i]->ciphertext, items_[i].context});
    auto opened = kms_.decrypt_batch(to_key_arn_, asked);
    for (std::size_t n = 0; n < those.size(); ++n) {
      const std::size_t i = those[n];
      if (!opened[n]) {
        fail(i, true, std::move(opened[n]).error());
        continue;
      }
      is_misled_[i] = !items_[i].is_right(opened[n]->plaintext.expose());
      is_done_[i] = !is_misled_[i];
      answers_[i]->material_id = std::move(opened[n]->material_id);
    }
  }

  void unwrap() {
    for (const auto& [key_arn, those] : by_key()) unwrap(key_arn, those);
  }

  std::map<std::string, Indexes> by_key() {
    std::map<std::string, Indexes> out;
    for (const std::size_t i : going_on()) out[items_[i].from.key_arn].push_back(i);
    return out;
  }

  std::vector<DecryptItem> wrapped(const Indexes& those) {
    std::vector<DecryptItem> out;
    out.reserve(those.size());
    for (const std::size_t i : those) out.push_back({items_[i].from.ciphertext, items_[i].context});
    return out;
  }

  void unwrap(const std::string& key_arn, const Indexes& those) {
    const std::vector<DecryptItem> asked = wrapped(those);
    auto opened = kms_.decrypt_batch(key_arn, asked);
    for (std::size_t n = 0; n < those.size(); ++n) {
      const RewrapItem& item = items_[those[n]];
      if (!opened[n])
        fail(those[n], false, std::move(opened[n]).error());
      else if (!item.is_right(opened[n]->plaintext.expose()))
        fail(those[n], false, opens_to_another(item.from).error());
      else if (is_misled_[those[n]])
        fail(those[n], true, opens_to_something_else());
      else
        keys_[those[n]] = std::move(opened[n]->plaintext);
    }
  }

  void wrap() {
    const std::vector<std::size_t> those = going_on();
    std::vector<EncryptItem> asked;
    asked.reserve(those.size());
    for (const std::size_t i : those) asked.push_back({keys_[i], items_[i].context});
    auto wrapped = kms_.encrypt_batch(to_key_arn_, asked);
    for (std::size_t n = 0; n < those.size(); ++n) {
      if (!wrapped[n])
        fail(those[n], true, std::move(wrapped[n]).error());
      else if (wrapped[n]->empty())
        fail(those[n], true, bad_answer("the KMS answered an empty ciphertext for " + to_key_arn_));
      else
        *answers_[those[n]] = Recipient{Provider::kAwsKms, to_key_arn_, *std::move(wrapped[n]), {}};
    }
  }

  void verify() {
    const std::vector<std::size_t> those = going_on();
    std::vector<DecryptItem> asked;
    asked.reserve(those.size());
    for (const std::size_t i : those) asked.push_back({answers_[i]->ciphertext, items_[i].context});
    auto back = kms_.decrypt_batch(to_key_arn_, asked);
    for (std::size_t n = 0; n < those.size(); ++n) {
      const std::size_t i = those[n];
      if (!back[n])
        fail(i, true, std::move(back[n]).error());
      else if (!equal_in_constant_time(back[n]->plaintext.expose(), keys_[i].expose()))
        fail(i, true, opens_to_something_else());
      else
        answers_[i]->material_id = std::move(back[n]->material_id);
    }
  }

  void refuse_what_does_not_fit() {
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (!answers_[i]) continue;
      auto fits = check_fits(to_key_arn_, answers_[i]->ciphertext.size(), answers_[i]->material_id);
      if (!fits) fail(i, true, std::move(fits).error());
    }
  }

  [[nodiscard]] std::vector<std::size_t> going_on() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < answers_.size(); ++i)
      if (answers_[i] && !is_done_[i]) out.push_back(i);
    return out;
  }

  [[nodiscard]] Error opens_to_something_else() const {
    return bad_answer("what the KMS wrapped under " + to_key_arn_ + " opens to something else");
  }
  static Error bad_answer(std::string what) { return {Errc::kKmsBadAnswer, 0, std::move(what)}; }

  void fail(std::size_t i, bool is_of_wanted_key, Error error) {
    answers_[i] = std::unexpected(RewrapFailure{is_of_wanted_key, std::move(error)});
  }

  KmsClient& kms_;
  std::span<const RewrapItem> items_;
  const std::string& to_key_arn_;
  std::vector<Wrapped> keys_;
  std::vector<Rewrapped> answers_;
  std::vector<bool> is_done_;
  std::vector<bool> is_misled_;  // what the service wrapped by itself opens to another key
};

}  // namespace

Result<void> check_opens(KmsClient& kms, const EncryptionContext& context, const Recipient& recipient,
                         const IsRight& is_right) {
  Wrapped key;
  auto material = kms.decrypt(recipient.key_arn, recipient.ciphertext, context, key.expose_mutable());
  if (!material) return std::unexpected(std::move(material).error());
  if (!is_right(key.expose())) return opens_to_another(recipient);
  return {};
}

Rewrapped rewrap(KmsClient& kms, const EncryptionContext& context, const Recipient& from,
                 const std::string& to_key_arn, const IsRight& is_right) {
  const RewrapItem item{context, from, is_right};
  return std::move(Rewraps(kms, {&item, 1}, to_key_arn).run().front());
}

std::vector<Rewrapped> rewrap_many(KmsClient& kms, std::span<const RewrapItem> items,
                                   const std::string& to_key_arn) {
  return Rewraps(kms, items, to_key_arn).run();
}

}  // namespace enfold
