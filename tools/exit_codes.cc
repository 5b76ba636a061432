#include "tools/exit_codes.h"

#include <cerrno>

#include "tools/commands.h"
#include "tools/printable.h"

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

std::string_view advice_on_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space there and try again; nothing was lost";
    case EACCES:
    case EPERM:
      return "check the owner and mode of this path, or run as the user it belongs to";
    case ENOENT:
    case ENOTDIR:
      return "check the path";
    case EROFS:
      return "remount that filesystem writable, or mount the volume with -o ro";
    default:
      return "";
  }
}

std::string_view advice_on_kms(Errc code) {
  switch (code) {
    case Errc::kKmsDisabled:
      return "enable it with `enfold key enable`";
    case Errc::kKmsNotFound:
      return "`enfold key list` shows the keys of a store, this may be another one";
    case Errc::kKmsInvalidCiphertext:
    case Errc::kKmsIncorrectKey:
      return "restore enfold.volume or the key store from a backup, whichever was changed";
    case Errc::kKmsBadAnswer:
      return "do not use this KMS";
    case Errc::kKmsUnauthenticated:
      return "check the credentials: the environment, ~/.aws/credentials, or `enfold principal list`";
    case Errc::kKmsValidation:
    case Errc::kKmsUnsupported:
    case Errc::kKmsTag:
    case Errc::kKmsInvalidAliasName:
      return "correct the value";
    case Errc::kKmsThrottled:
    case Errc::kKmsInternal:
    case Errc::kKmsUnavailable:
      return "try again later";
    default:
      return "ask who administers the key";
  }
}

std::string_view advice_on(const Error& error) {
  switch (error.code) {
    case Errc::kSystem:
      return advice_on_errno(error.errno_value);
    case Errc::kInvalidArgument:
      return "see `enfold --help`";
    case Errc::kNotFound:
      return "check the path";
    case Errc::kExists:
      return "choose another place";
    case Errc::kBusy:
      return "try again when it is free";
    case Errc::kNotAVolume:
      return "name the lower directory of a volume, or make one with `enfold init`";
    case Errc::kDamaged:
      return "restore it from a backup";
    case Errc::kUnsupported:
      return "use an Enfold that knows it";
    case Errc::kCrashUnconfirmed:
      return "see tools/README.md, Crashes";
    case Errc::kLimit:
      return "use less of it";
    case Errc::kStoreMissing:
      return "check the path, or restore the store with `enfold key import-store`";
    case Errc::kStoreTampered:
      return "restore the store from a backup with `enfold key import-store`";
    case Errc::kWrongRootKey:
      return "give the passphrase or key file that this store was made with";
    case Errc::kNotEmpty:
    case Errc::kCaseFolding:
      return "choose another directory";
    case Errc::kPinMissing:
    case Errc::kPinMismatch:
      return "see tools/README.md, Pins";
    default:
      return advice_on_kms(error.code);
  }
}

}  // namespace

int exit_code_of(const Error& error) noexcept {
  switch (error.code) {
    case Errc::kSystem:
      return exit_code_of_errno(error.errno_value);
    case Errc::kInvalidArgument:
      return kExitUsage;
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

std::string error_line(const std::string& command, const Error& error) {
  std::string line = "enfold: " + command + (command.empty() ? "" : ": ") + describe(error);
  const std::string_view advice = advice_on(error);
  // A message that has its own advice has it behind a semicolon.
  if (line.find("; ") == std::string::npos) line += "; " + std::string(advice);
  return printable(line);
}

}  // namespace enfold
