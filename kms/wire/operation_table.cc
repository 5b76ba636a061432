#include "kms/wire/operation_table.h"

#include <algorithm>
#include <array>

namespace enfold {
namespace {

namespace op = operations;

using Row = KmsOperation;

// An operation of AWS that waits for its turn.
constexpr Row later(std::string_view target) { return {.target = target}; }
constexpr Row silent(std::string_view target, OperationHandler handler) {
  return {.target = target, .handler = handler, .answers = false};
}
constexpr Row batch(std::string_view target, OperationHandler handler) {
  return {.target = target, .handler = handler, .is_batch = true};
}
constexpr Row admin(std::string_view target, OperationHandler handler) {
  return {.target = target, .handler = handler, .for_administrators = true, .for_anybody = true};
}

constexpr std::array kTable{
    admin("Enfold.AddPrincipal", op::add_principal),
    batch("Enfold.BatchDecrypt", op::batch_decrypt),
    batch("Enfold.BatchReEncrypt", op::batch_re_encrypt),
    admin("Enfold.CreateAccessKey", op::create_access_key),
    admin("Enfold.DeleteAccessKey", op::delete_access_key),
    admin("Enfold.ListPrincipals", op::list_principals),
    Row{.target = "Enfold.Ping", .handler = op::ping, .for_anybody = true},
    admin("Enfold.RemovePrincipal", op::remove_principal),
    Row{.target = "TrentService.CancelKeyDeletion", .handler = op::cancel_key_deletion},
    later("TrentService.ConnectCustomKeyStore"),
    silent("TrentService.CreateAlias", op::create_alias),
    later("TrentService.CreateCustomKeyStore"),
    later("TrentService.CreateGrant"),
    Row{.target = "TrentService.CreateKey", .handler = op::create_key},
    Row{.target = "TrentService.Decrypt", .handler = op::decrypt},
    silent("TrentService.DeleteAlias", op::delete_alias),
    later("TrentService.DeleteCustomKeyStore"),
    later("TrentService.DeleteImportedKeyMaterial"),
    later("TrentService.DeriveSharedSecret"),
    later("TrentService.DescribeCustomKeyStores"),
    Row{.target = "TrentService.DescribeKey", .handler = op::describe_key},
    silent("TrentService.DisableKey", op::disable_key),
    silent("TrentService.DisableKeyRotation", op::disable_key_rotation),
    later("TrentService.DisconnectCustomKeyStore"),
    silent("TrentService.EnableKey", op::enable_key),
    silent("TrentService.EnableKeyRotation", op::enable_key_rotation),
    Row{.target = "TrentService.Encrypt", .handler = op::encrypt},
    Row{.target = "TrentService.GenerateDataKey", .handler = op::generate_data_key},
    later("TrentService.GenerateDataKeyPair"),
    later("TrentService.GenerateDataKeyPairWithoutPlaintext"),
    Row{.target = "TrentService.GenerateDataKeyWithoutPlaintext",
        .handler = op::generate_data_key_without_plaintext},
    later("TrentService.GenerateMac"),
    Row{.target = "TrentService.GenerateRandom", .handler = op::generate_random},
    later("TrentService.GetKeyLastUsage"),
    later("TrentService.GetKeyPolicy"),
    Row{.target = "TrentService.GetKeyRotationStatus", .handler = op::get_key_rotation_status},
    later("TrentService.GetParametersForImport"),
    later("TrentService.GetPublicKey"),
    later("TrentService.ImportKeyMaterial"),
    Row{.target = "TrentService.ListAliases", .handler = op::list_aliases},
    later("TrentService.ListGrants"),
    later("TrentService.ListKeyPolicies"),
    Row{.target = "TrentService.ListKeyRotations", .handler = op::list_key_rotations},
    Row{.target = "TrentService.ListKeys", .handler = op::list_keys},
    Row{.target = "TrentService.ListResourceTags", .handler = op::list_resource_tags},
    later("TrentService.ListRetirableGrants"),
    later("TrentService.PutKeyPolicy"),
    Row{.target = "TrentService.ReEncrypt", .handler = op::re_encrypt},
    later("TrentService.ReplicateKey"),
    later("TrentService.RetireGrant"),
    later("TrentService.RevokeGrant"),
    Row{.target = "TrentService.RotateKeyOnDemand", .handler = op::rotate_key_on_demand},
    Row{.target = "TrentService.ScheduleKeyDeletion", .handler = op::schedule_key_deletion},
    later("TrentService.Sign"),
    silent("TrentService.TagResource", op::tag_resource),
    silent("TrentService.UntagResource", op::untag_resource),
    silent("TrentService.UpdateAlias", op::update_alias),
    later("TrentService.UpdateCustomKeyStore"),
    silent("TrentService.UpdateKeyDescription", op::update_key_description),
    later("TrentService.UpdatePrimaryRegion"),
    later("TrentService.Verify"),
    later("TrentService.VerifyMac"),
};

static_assert(std::ranges::is_sorted(kTable, {}, &KmsOperation::target));

}  // namespace

std::span<const KmsOperation> operation_table() { return kTable; }

}  // namespace enfold
