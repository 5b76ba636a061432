// Wrapping 32 bytes that are wrapped already, a file's data key or the volume secret, for another key or with
// newer material of the same one.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "fs/format/envelope.h"
#include "kms/client/kms_client.h"

namespace enfold {

// Whether these are the bytes that are meant: by the commitment.
using IsRight = std::function<bool(std::span<const std::uint8_t, 32>)>;

// That `recipient` opens to the right bytes. kKmsBadAnswer where it opens to others; errors of the KMS as
// they are.
Result<void> check_opens(KmsClient& kms, const EncryptionContext& context, const Recipient& recipient,
                         const IsRight& is_right);

struct RewrapFailure {
  bool is_of_wanted_key = false;  // so that no other file will do better; else it is about this one
  Error error;
};

// What is answered was unwrapped again and gave the same bytes, so that a KMS that answers wrong costs
// nothing.
using Rewrapped = std::expected<Recipient, RewrapFailure>;
Rewrapped rewrap(KmsClient& kms, const EncryptionContext& context, const Recipient& from,
                 const std::string& to_key_arn, const IsRight& is_right);

// The same for many, by fewer calls of the KMS: one answer for each, in order. What an item refers to
// outlives the call.
struct RewrapItem {
  const EncryptionContext& context;
  const Recipient& from;
  const IsRight& is_right;
};
std::vector<Rewrapped> rewrap_many(KmsClient& kms, std::span<const RewrapItem> items,
                                   const std::string& to_key_arn);

}  // namespace enfold
