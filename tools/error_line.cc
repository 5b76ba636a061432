#include "tools/error_line.h"

#include <cerrno>

#include "tools/printable.h"

namespace enfold {
namespace {

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
      return "look for its cause in the system's log, and try again";
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

std::string error_line(const std::string& command, const Error& error) {
  std::string line = "enfold: " + command + (command.empty() ? "" : ": ") + describe(error);
  const std::string_view advice = advice_on(error);
  // A message that has its own advice has it behind a semicolon.
  if (line.find("; ") == std::string::npos) line += "; " + std::string(advice);
  return printable(line);
}

}  // namespace enfold
