#include "kms/base/exit_code.h"

#include <cerrno>

namespace enfold {
namespace {

int exit_code_of_errno(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return 11;
    case EACCES:
    case EPERM:
      return 12;
    case ENOENT:
    case ENOTDIR:
      return 13;
    case EEXIST:
      return 14;
    case EBUSY:
      return 15;
    case EROFS:
      return 16;
    default:
      return 10;
  }
}

}  // namespace

int exit_code_of(const Error& error) noexcept {
  switch (error.code) {
    case Errc::kSystem:
      return exit_code_of_errno(error.errno_value);
    case Errc::kInvalidArgument:
      return 2;
    case Errc::kNotFound:
      return 13;
    case Errc::kExists:
      return 14;
    case Errc::kBusy:
      return 15;
    case Errc::kNotAVolume:
      return 20;
    case Errc::kNotEmpty:
      return 21;
    case Errc::kCaseFolding:
      return 22;
    case Errc::kDamaged:
      return 23;
    case Errc::kUnsupported:
      return 24;
    case Errc::kPinMissing:
      return 25;
    case Errc::kPinMismatch:
      return 26;
    case Errc::kLimit:
      return 27;
    case Errc::kCrashUnconfirmed:
      return 28;
    case Errc::kStoreMissing:
      return 30;
    case Errc::kStoreTampered:
      return 31;
    case Errc::kWrongRootKey:
      return 32;
    case Errc::kKmsValidation:
      return 40;
    case Errc::kKmsNotFound:
      return 41;
    case Errc::kKmsDisabled:
      return 42;
    case Errc::kKmsInvalidState:
      return 43;
    case Errc::kKmsInvalidCiphertext:
      return 44;
    case Errc::kKmsIncorrectKey:
      return 45;
    case Errc::kKmsInvalidKeyUsage:
      return 46;
    case Errc::kKmsAlreadyExists:
      return 47;
    case Errc::kKmsAccessDenied:
      return 48;
    case Errc::kKmsThrottled:
      return 49;
    case Errc::kKmsLimitExceeded:
      return 50;
    case Errc::kKmsUnsupported:
      return 51;
    case Errc::kKmsInternal:
      return 52;
    case Errc::kKmsUnavailable:
      return 53;
    case Errc::kKmsBadAnswer:
      return 54;
    case Errc::kKmsUnauthenticated:
      return 55;
    case Errc::kKmsTag:
      return 56;
    case Errc::kKmsInvalidAliasName:
      return 57;
    case Errc::kKmsInvalidArn:
      return 58;
    case Errc::kKmsInvalidMarker:
      return 59;
    case Errc::kKmsInvalidGrantToken:
      return 60;
    case Errc::kKmsDryRun:
      return 61;
  }
  return 10;
}

}  // namespace enfold
