#include "kms/base/error.h"

#include <cerrno>
#include <system_error>

namespace enfold {

std::unexpected<Error> system_error(int errno_value, std::string_view what) {
  return std::unexpected<Error>(Error{Errc::kSystem, errno_value, std::string(what)});
}

std::unexpected<Error> add_context(Error error, std::string_view context) {
  error.message.insert(0, ": ").insert(0, context);
  return std::unexpected<Error>(std::move(error));
}

std::string describe(const Error& error) {
  if (error.code != Errc::kSystem) return error.message;
  return error.message + ": " + std::generic_category().message(error.errno_value);
}

int errno_of(const Error& error) noexcept {
  switch (error.code) {
    case Errc::kSystem:
      return error.errno_value != 0 ? error.errno_value : EIO;
    case Errc::kInvalidArgument:
      return EINVAL;
    case Errc::kNotFound:
      return ENOENT;
    case Errc::kExists:
      return EEXIST;
    case Errc::kBusy:
      return EBUSY;
    case Errc::kNotEmpty:
      return ENOTEMPTY;
    case Errc::kLimit:
      return EFBIG;
    case Errc::kKmsDisabled:
    case Errc::kKmsInvalidState:
    case Errc::kKmsNotFound:
      return EKEYREVOKED;
    case Errc::kKmsAccessDenied:
    case Errc::kKmsUnauthenticated:
      return EACCES;
    case Errc::kKmsThrottled:
    case Errc::kKmsLimitExceeded:
    case Errc::kKmsUnavailable:
    case Errc::kKmsInternal:
    case Errc::kStoreMissing:
    case Errc::kStoreTampered:
    case Errc::kWrongRootKey:
      return ENOKEY;
    default:
      return EIO;
  }
}

std::string_view name_of(Errc code) noexcept {
  switch (code) {
    case Errc::kSystem:
      return "system";
    case Errc::kInvalidArgument:
      return "invalid-argument";
    case Errc::kDamaged:
      return "damaged";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kNotFound:
      return "not-found";
    case Errc::kExists:
      return "exists";
    case Errc::kBusy:
      return "busy";
    case Errc::kNotAVolume:
      return "not-a-volume";
    case Errc::kNotEmpty:
      return "not-empty";
    case Errc::kCaseFolding:
      return "case-folding";
    case Errc::kPinMissing:
      return "pin-missing";
    case Errc::kPinMismatch:
      return "pin-mismatch";
    case Errc::kCrashUnconfirmed:
      return "crash-unconfirmed";
    case Errc::kLimit:
      return "limit";
    case Errc::kStoreMissing:
      return "store-missing";
    case Errc::kStoreTampered:
      return "store-tampered";
    case Errc::kWrongRootKey:
      return "wrong-root-key";
    case Errc::kKmsValidation:
      return "kms-validation";
    case Errc::kKmsNotFound:
      return "kms-not-found";
    case Errc::kKmsDisabled:
      return "kms-disabled";
    case Errc::kKmsInvalidState:
      return "kms-invalid-state";
    case Errc::kKmsInvalidCiphertext:
      return "kms-invalid-ciphertext";
    case Errc::kKmsIncorrectKey:
      return "kms-incorrect-key";
    case Errc::kKmsInvalidKeyUsage:
      return "kms-invalid-key-usage";
    case Errc::kKmsAlreadyExists:
      return "kms-already-exists";
    case Errc::kKmsAccessDenied:
      return "kms-access-denied";
    case Errc::kKmsThrottled:
      return "kms-throttled";
    case Errc::kKmsLimitExceeded:
      return "kms-limit-exceeded";
    case Errc::kKmsUnsupported:
      return "kms-unsupported";
    case Errc::kKmsTag:
      return "kms-tag";
    case Errc::kKmsInvalidAliasName:
      return "kms-invalid-alias-name";
    case Errc::kKmsInvalidArn:
      return "kms-invalid-arn";
    case Errc::kKmsInvalidMarker:
      return "kms-invalid-marker";
    case Errc::kKmsInvalidGrantToken:
      return "kms-invalid-grant-token";
    case Errc::kKmsDryRun:
      return "kms-dry-run";
    case Errc::kKmsUnauthenticated:
      return "kms-unauthenticated";
    case Errc::kKmsInternal:
      return "kms-internal";
    case Errc::kKmsUnavailable:
      return "kms-unavailable";
    case Errc::kKmsBadAnswer:
      return "kms-bad-answer";
  }
  return "unknown";
}

}  // namespace enfold
