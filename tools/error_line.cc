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

// What is missing or there already need not be a key.
std::string_view advice_on_names(const std::string& command, Errc code) {
  const bool is_missing = code == Errc::kKmsNotFound;
  if (command.starts_with("principal"))
    return is_missing ? "`enfold principal list` shows who is there, with their accounts and access keys"
                      : "`enfold principal list` shows who that is";
  if (command.starts_with("key alias"))
    return is_missing ? "`enfold key alias list` and `enfold key list` show what is there"
                      : "choose another, or give it another key with `enfold key alias update`";
  return is_missing ? "`enfold key list` shows the keys of a store, this may be another one"
                    : "choose another name";
}

std::string_view advice_on_state(std::string_view message) {
  if (message.contains(" is pending deletion"))
    return "`enfold key cancel-deletion` keeps it, and then `enfold key enable` lets it be used";
  return "`enfold key describe` shows its state";
}

std::string_view advice_on_kms(const std::string& command, const Error& error) {
  switch (error.code) {
    case Errc::kKmsDisabled:
      return "enable it with `enfold key enable`";
    case Errc::kKmsNotFound:
    case Errc::kKmsAlreadyExists:
      return advice_on_names(command, error.code);
    case Errc::kKmsInvalidState:
      return advice_on_state(error.message);
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

std::string advice_on(const std::string& command, const Error& error) {
  switch (error.code) {
    case Errc::kSystem:
      return std::string(advice_on_errno(error.errno_value));
    case Errc::kInvalidArgument:
      return "see `enfold " + command + (command.empty() ? "" : " ") + "--help`";
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
      return std::string(advice_on_kms(command, error));
  }
}

}  // namespace

std::string error_line(const std::string& command, const Error& error) {
  std::string line = "enfold: " + command + (command.empty() ? "" : ": ") + describe(error);
  // A message that has its own advice has it behind a semicolon.
  if (line.contains("; ")) return printable(line);
  if (line.ends_with('.')) line.pop_back();  // as AWS's texts do
  return printable(line + "; " + advice_on(command, error));
}

}  // namespace enfold
