#include "kms/client/remote_batches.h"

#include <algorithm>
#include <boost/json.hpp>

#include "kms/client/error_answer.h"
#include "kms/client/remote_json.h"
#include "kms/client/wiped_json.h"
#include "kms/engine/operations.h"
#include "kms/wire/base64.h"

namespace enfold {
namespace {

namespace json = boost::json;

constexpr std::string_view kPing = "Enfold.Ping";
constexpr std::string_view kBatchDecrypt = "Enfold.BatchDecrypt";
constexpr std::string_view kBatchReEncrypt = "Enfold.BatchReEncrypt";

// How long an entry's JSON can get at most.
std::size_t json_size(const DecryptItem& entry) {
  constexpr std::size_t kNames = 128;
  constexpr std::size_t kEscaped = 6;  // \u0000 for one byte
  std::size_t size = kNames + base64_size(entry.ciphertext.size());
  for (const auto& [key, value] : entry.context) size += 2 * (kEscaped * (key.size() + value.size()) + 6);
  return size;
}

// The first of `entries` that one request takes: at least one.
std::size_t size_of_part(std::span<const DecryptItem> entries) {
  constexpr std::size_t kMaxBodyBytes = std::size_t{7} << 19U;  // 3.5 MiB of the 4 that a batch may have
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const DecryptItem& entry : entries.first(std::min(entries.size(), kMaxBatchEntries))) {
    bytes += json_size(entry);
    if (count > 0 && bytes > kMaxBodyBytes) break;
    ++count;
  }
  return count;
}

bool names(const json::object& answer, std::string_view operation) {
  const json::value* member = answer.if_contains("Operations");
  const json::array* operations = member == nullptr ? nullptr : member->if_array();
  return operations != nullptr && std::ranges::any_of(*operations, [&](const json::value& name) {
           return name.is_string() && std::string_view(name.get_string()) == operation;
         });
}

// One object for each entry that was sent.
Result<const json::array*> entries_in(const json::object& answer, std::size_t count) {
  const json::value* member = answer.if_contains("Entries");
  const json::array* entries = member == nullptr ? nullptr : member->if_array();
  if (entries != nullptr && entries->size() == count &&
      std::ranges::all_of(*entries, [](const json::value& entry) { return entry.is_object(); }))
    return entries;
  return make_error(Errc::kKmsBadAnswer,
                    "The KMS answered something else than " + std::to_string(count) + " entries");
}

// The service names its keys only in what it did.
bool did_anything(const json::object& answer) {
  const json::value* member = answer.if_contains("Entries");
  const json::array* entries = member == nullptr ? nullptr : member->if_array();
  return entries == nullptr || !std::ranges::all_of(*entries, [](const json::value& entry) {
           return entry.is_object() && object_in(entry.get_object(), "Error") != nullptr;
         });
}

// Of so many entries, of which an honest one has well under half of this.
std::size_t max_answer_bytes(std::size_t entries) {
  constexpr std::size_t kMaxEntryBytes = 2048;
  return kMaxJsonBytes + entries * kMaxEntryBytes;
}

template <class Out, class Take>
Result<std::vector<Result<Out>>> take_entries(const json::object& answer, std::size_t count, Take take) {
  ENFOLD_TRY_ASSIGN(const json::array* entries, entries_in(answer, count));
  std::vector<Result<Out>> out;
  out.reserve(count);
  for (const json::value& entry : *entries) {
    const json::object& object = entry.get_object();
    const json::object* refusal = object_in(object, "Error");
    out.push_back(refusal != nullptr ? Result<Out>(std::unexpected(error_of_entry(*refusal))) : take(object));
  }
  return out;
}

}  // namespace

// AWS has no operations of ours, and need not be asked.
RemoteBatches::RemoteBatches(RemoteEndpoint& endpoint) : endpoint_(endpoint) {
  known_.is_asked = !region_of_host(endpoint.url().place).empty();
}

// What refuses the question has none of them; what does not answer it may.
RemoteBatches::Known RemoteBatches::known(const std::string& key_arn) {
  {
    const std::lock_guard lock(mutex_);
    if (known_.is_asked) return known_;
  }
  const json::object nothing;
  auto answer = call_json(endpoint_, {kPing, region_of_key(key_arn), nothing, endpoint_.policy().call_ns});
  if (!answer && (answers_nobody(answer.error()) || answer.error().code == Errc::kKmsUnauthenticated))
    return {};
  Known out{true, false, false};
  if (answer) {
    out.has_decrypt = names(*answer, "BatchDecrypt");
    out.has_re_encrypt = names(*answer, "BatchReEncrypt");
  }
  set_known(out);
  return out;
}

void RemoteBatches::set_known(Known known) {
  const std::lock_guard lock(mutex_);
  known_ = known;
}

Result<json::object> RemoteBatches::ask(std::string_view target, const std::string& key_arn,
                                        const json::object& request, std::size_t entries) {
  const RemotePolicy& policy = endpoint_.policy();
  JsonCall call{target, region_of_key(key_arn), request,
                policy.call_ns + static_cast<std::int64_t>(entries) * policy.batch_entry_ns};
  call.max_answer_bytes = max_answer_bytes(entries);
  call.is_batch = true;
  return call_json(endpoint_, call);
}

template <class Out, class Ask>
std::optional<std::vector<Result<Out>>> RemoteBatches::in_parts(std::span<const DecryptItem> entries,
                                                                Ask ask) {
  std::vector<Result<Out>> out;
  out.reserve(entries.size());
  while (!entries.empty()) {
    const auto part = entries.first(size_of_part(entries));
    const bool is_hopeless = !out.empty() && !out.back() && answers_nobody(out.back().error());
    auto answers =
        is_hopeless ? Result<std::vector<Result<Out>>>(std::unexpected(out.back().error())) : ask(part);
    if (!answers && answers.error().code == Errc::kKmsUnsupported) {
      set_known({true, false, false});  // another program answers there now
      return std::nullopt;
    }
    for (std::size_t i = 0; i < part.size(); ++i)
      out.push_back(answers ? std::move((*answers)[i]) : Result<Out>(std::unexpected(answers.error())));
    entries = entries.subspan(part.size());
  }
  return out;
}

std::optional<std::vector<Result<DecryptedKey>>> RemoteBatches::decrypt(
    const std::string& key_arn, std::span<const DecryptItem> entries) {
  if (!known(key_arn).has_decrypt) return std::nullopt;
  return in_parts<DecryptedKey>(
      entries, [&](std::span<const DecryptItem> part) { return decrypt_part(key_arn, part); });
}

Result<std::vector<Result<DecryptedKey>>> RemoteBatches::decrypt_part(const std::string& key_arn,
                                                                      std::span<const DecryptItem> part) {
  json::object request = wiped_object();
  request["KeyId"] = key_arn;
  json::array& asked = request["Entries"].emplace_array();
  asked.reserve(part.size());
  for (const DecryptItem& entry : part) {
    json::object& next = asked.emplace_back(json::object_kind).get_object();
    add_blob(next, "CiphertextBlob", entry.ciphertext);
    add_context(next, "EncryptionContext", entry.context);
  }
  ENFOLD_TRY_ASSIGN(const json::object answer, ask(kBatchDecrypt, key_arn, request, part.size()));
  if (did_anything(answer)) ENFOLD_TRY(answered_key(answer, "KeyId", key_arn));
  return take_entries<DecryptedKey>(
      answer, part.size(), [](const json::object& entry) -> Result<DecryptedKey> {
        DecryptedKey out;
        ENFOLD_TRY(key_in(entry, "Plaintext", out.plaintext.expose_mutable()));
        ENFOLD_TRY_ASSIGN(out.material_id, answered_material(entry, "KeyMaterialId"));
        return out;
      });
}

std::optional<std::vector<Result<ReEncryptedKey>>> RemoteBatches::re_encrypt(
    const std::string& from_key_arn, const std::string& to_key_arn, std::span<const DecryptItem> entries) {
  if (!known(to_key_arn).has_re_encrypt) return std::nullopt;
  return in_parts<ReEncryptedKey>(entries, [&](std::span<const DecryptItem> part) {
    return re_encrypt_part(from_key_arn, to_key_arn, part);
  });
}

Result<std::vector<Result<ReEncryptedKey>>> RemoteBatches::re_encrypt_part(
    const std::string& from_key_arn, const std::string& to_key_arn, std::span<const DecryptItem> part) {
  json::object request = wiped_object();
  request["SourceKeyId"] = from_key_arn;
  request["DestinationKeyId"] = to_key_arn;
  json::array& asked = request["Entries"].emplace_array();
  asked.reserve(part.size());
  for (const DecryptItem& entry : part) {
    json::object& next = asked.emplace_back(json::object_kind).get_object();
    add_blob(next, "CiphertextBlob", entry.ciphertext);
    add_context(next, "SourceEncryptionContext", entry.context);
    add_context(next, "DestinationEncryptionContext", entry.context);
  }
  ENFOLD_TRY_ASSIGN(const json::object answer, ask(kBatchReEncrypt, to_key_arn, request, part.size()));
  if (did_anything(answer)) {
    ENFOLD_TRY(answered_key(answer, "SourceKeyId", from_key_arn));
    ENFOLD_TRY(answered_key(answer, "KeyId", to_key_arn));
  }
  return take_entries<ReEncryptedKey>(
      answer, part.size(), [](const json::object& entry) -> Result<ReEncryptedKey> {
        ReEncryptedKey out;
        ENFOLD_TRY_ASSIGN(out.ciphertext, blob_in(entry, "CiphertextBlob", kMaxCiphertextBytes));
        ENFOLD_TRY_ASSIGN(out.material_id, answered_material(entry, "DestinationKeyMaterialId"));
        return out;
      });
}

}  // namespace enfold
