// Who may call: their rows, and finding them for each request.
#include "kms/engine/engine.h"
#include "kms/engine/tables.h"
#include "kms/engine/validation.h"

namespace enfold {
namespace {

constexpr std::uint32_t kNoUnixId = 0xffffffff;  // what the kernel says where it knows of no user

bool is_account(const std::string& text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_name(const std::string& text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  });
}

Validation named(const std::string& account, const std::string& name) {
  Validation validation;
  validation.pattern("account", account, is_account(account), "^\\d{12}$");
  validation.length("name", name, 1, 64).pattern("name", name, is_name(name), "[\\w+=,.@-]+");
  return validation;
}

Result<void> validate(const AddPrincipalRequest& request) {
  Validation validation = named(request.account, request.name);
  validation.count("unixIds", request.unix_ids.size(), kMaxUnixIds);
  for (std::size_t i = 0; i < request.unix_ids.size(); ++i)
    validation.range("unixIds." + std::to_string(i + 1) + ".member", request.unix_ids[i], 0, kNoUnixId - 1);
  return validation.result();
}

std::unexpected<Error> no_such_principal(const std::string& account, const std::string& name) {
  return make_error(Errc::kKmsNotFound, "The principal " + principal_arn(account, name) + " does not exist");
}

Result<void> require_new(const PrincipalTable& principals, const AddPrincipalRequest& request) {
  if (principals.find(request.account, request.name) != nullptr)
    return make_error(Errc::kKmsAlreadyExists,
                      "The principal " + principal_arn(request.account, request.name) + " already exists");
  for (std::uint32_t id : request.unix_ids)
    if (const Principal* other = principals.find_by_unix_id(id))
      return make_error(Errc::kKmsAlreadyExists, "Unix user " + std::to_string(id) + " belongs to " +
                                                     principal_arn(other->account, other->name) + " already");
  return {};
}

// Each random byte becomes one character; their number divides 256, so that all are equally likely.
void spell(MutableByteSpan random, std::string_view alphabet) {
  for (std::uint8_t& byte : random) byte = static_cast<std::uint8_t>(alphabet[byte % alphabet.size()]);
}

AccessKey new_access_key(Entropy& entropy, Clock& clock) {
  auto tail = random_array<kAccessKeyIdBytes - 4>(entropy);
  spell(tail, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
  AccessKey key{"AKIA" + as_string(tail), clock.unix_ms(), random_secret<AccessKeySecret>(entropy)};
  spell(key.secret.expose_mutable(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  return key;
}

// Inside a transaction: what `apply` makes of the principal.
template <class Apply>
Result<std::vector<RowChange>> changed(const Store& store, const std::string& account,
                                       const std::string& name, Apply apply) {
  const RowId row = principal_row(account, name);
  ENFOLD_TRY_ASSIGN(std::optional<WipedBytes> content, store.read(row));
  if (!content) return no_such_principal(account, name);
  ENFOLD_TRY_ASSIGN(Principal principal, decode_principal(row, content->expose()));
  ENFOLD_TRY(apply(principal));
  return one_change(row, encode_principal(principal));
}

}  // namespace

Result<PrincipalInfo> Engine::add_principal(const AddPrincipalRequest& request) {
  ENFOLD_TRY(validate(request));
  Principal principal{request.account, request.name, clock_.unix_ms(), request.unix_ids, {}};
  std::ranges::sort(principal.unix_ids);
  const auto repeated = std::ranges::unique(principal.unix_ids);
  principal.unix_ids.erase(repeated.begin(), repeated.end());
  auto decide = [&]() -> Result<std::vector<RowChange>> {
    ENFOLD_TRY(tables_->principals.sync());
    ENFOLD_TRY(require_new(tables_->principals, request));
    return one_change(principal_row(request.account, request.name), encode_principal(principal));
  };
  std::unique_lock lock(mutex_);
  ENFOLD_TRY(commit(lock, decide));
  return info_of(principal);
}

Result<void> Engine::sync_principals() {
  ENFOLD_TRY(tables_->store->refresh());
  return tables_->principals.sync();
}

Result<std::vector<PrincipalInfo>> Engine::list_principals() {
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(sync_principals());
  return tables_->principals.list();
}

Result<void> Engine::remove_principal(const std::string& account, const std::string& name) {
  ENFOLD_TRY(named(account, name).result());
  std::unique_lock lock(mutex_);
  return commit(lock, [&]() -> Result<std::vector<RowChange>> {
    ENFOLD_TRY(tables_->principals.sync());
    if (tables_->principals.find(account, name) == nullptr) return no_such_principal(account, name);
    return one_change(principal_row(account, name), std::nullopt);
  });
}

Result<NewAccessKey> Engine::create_access_key(const std::string& account, const std::string& name) {
  ENFOLD_TRY(named(account, name).result());
  AccessKey key = new_access_key(entropy_, clock_);
  NewAccessKey answer{key.id, key.secret.copy()};
  auto add = [&](Principal& principal) -> Result<void> {
    if (principal.access_keys.size() >= kMaxAccessKeys)
      return make_error(Errc::kKmsLimitExceeded,
                        "Cannot exceed quota for AccessKeysPerUser: " + std::to_string(kMaxAccessKeys));
    principal.access_keys.push_back({key.id, key.creation_unix_ms, key.secret.copy()});
    return {};
  };
  std::unique_lock lock(mutex_);
  ENFOLD_TRY(commit(lock, [&] { return changed(*tables_->store, account, name, add); }));
  return answer;
}

Result<void> Engine::delete_access_key(const std::string& access_key_id) {
  ENFOLD_TRY(Validation().length("accessKeyId", access_key_id, 1, 128).result());
  auto remove = [&](Principal& principal) -> Result<void> {
    std::erase_if(principal.access_keys, [&](const AccessKey& key) { return key.id == access_key_id; });
    return {};
  };
  std::unique_lock lock(mutex_);
  return commit(lock, [&]() -> Result<std::vector<RowChange>> {
    ENFOLD_TRY(tables_->principals.sync());
    const Principal* owner = tables_->principals.find_by_access_key(access_key_id);
    if (owner == nullptr)
      return make_error(Errc::kKmsNotFound, "The Access Key with id " + access_key_id + " cannot be found.");
    return changed(*tables_->store, owner->account, owner->name, remove);
  });
}

Result<std::optional<KnownAccessKey>> Engine::find_access_key(const std::string& access_key_id) {
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(sync_principals());
  const Principal* owner = tables_->principals.find_by_access_key(access_key_id);
  if (owner == nullptr) return std::nullopt;
  const auto key = std::ranges::find(owner->access_keys, access_key_id, &AccessKey::id);
  return KnownAccessKey{owner->account, principal_arn(owner->account, owner->name), key->secret.copy()};
}

Result<std::optional<PrincipalInfo>> Engine::find_unix_user(std::uint32_t unix_id) {
  std::lock_guard lock(mutex_);
  ENFOLD_TRY(sync_principals());
  const Principal* owner = tables_->principals.find_by_unix_id(unix_id);
  return owner == nullptr ? std::nullopt : std::optional(info_of(*owner));
}

}  // namespace enfold
