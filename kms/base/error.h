// Errors are values. Every fallible call returns Result<T>; nothing here throws.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace enfold {

// What failed, as far as a caller acts on it. Codes are internal; tools/README.md maps them to exit codes and
// errno_of() to what an application on the mount sees.
enum class Errc : std::uint8_t {
  kSystem,           // a system call failed; Error::errno_value says how
  kInvalidArgument,  // the caller's value is out of range
  kDamaged,          // stored bytes do not verify or contradict each other: EIO, never other plaintext
  kUnsupported,      // a newer version or an unknown critical feature; the message names it
  kNotFound,
  kExists,
  kBusy,              // locked or in use by another process
  kNotAVolume,        // the directory holds no volume
  kNotEmpty,          // a volume is made only in an empty directory
  kCaseFolding,       // the lower filesystem folds case, so encrypted names would collide
  kPinMissing,        // no pin for this path and no KMS named
  kPinMismatch,       // the volume is not what the user's pin says
  kCrashUnconfirmed,  // the volume says that it crashed, and the user's pin does not
  kLimit,             // a counted resource of the format is used up
  kStoreMissing,      // no KMS store where one was named
  kStoreTampered,     // the KMS store's rows do not verify
  kWrongRootKey,      // the passphrase or key file does not open the store
  kKmsValidation,     // from here on: the KMS refused, named as AWS names it (kms/README.md)
  kKmsNotFound,
  kKmsDisabled,
  kKmsInvalidState,
  kKmsInvalidCiphertext,
  kKmsIncorrectKey,
  kKmsInvalidKeyUsage,
  kKmsAlreadyExists,
  kKmsAccessDenied,
  kKmsThrottled,
  kKmsLimitExceeded,
  kKmsUnsupported,
  kKmsTag,
  kKmsInvalidAliasName,
  kKmsInvalidArn,
  kKmsInvalidMarker,
  kKmsInvalidGrantToken,
  kKmsDryRun,           // it would have succeeded
  kKmsUnauthenticated,  // the KMS does not know who calls: no, unknown or expired credentials, or a wrong
                        // signature
  kKmsInternal,
  kKmsUnavailable,  // no answer in time, or none at all
  kKmsBadAnswer,    // an answer that no honest KMS gives: refused before a byte is decrypted
};

struct [[nodiscard]] Error {
  Errc code = Errc::kSystem;
  int errno_value = 0;  // only with kSystem
  std::string message;  // what failed, on what, why, what to do; never a secret or a plain name
};

template <class T>
using Result = std::expected<T, Error>;

// make_error(Errc::kDamaged, "...") returns from any Result-returning function.
inline std::unexpected<Error> make_error(Errc code, std::string message) {
  return std::unexpected<Error>(Error{code, 0, std::move(message)});
}

// An error of the system call `what` with the given errno value. Cheap: no text is made before describe().
std::unexpected<Error> system_error(int errno_value, std::string_view what);

// The same error with "context: " in front of its message.
std::unexpected<Error> add_context(Error error, std::string_view context);

// The whole line for a person: the message, and for kSystem what the errno value means.
std::string describe(const Error& error);

// The errno that an application on the mount gets for this error.
int errno_of(const Error& error) noexcept;

// A stable lower-case word for each code, for logs and --json.
std::string_view name_of(Errc code) noexcept;

}  // namespace enfold

// Propagates the error of `expr`; a void Result is dropped.
#define ENFOLD_TRY(expr)                                                             \
  do {                                                                               \
    if (auto enfold_try_result = (expr); !enfold_try_result)                         \
      return std::unexpected<::enfold::Error>(std::move(enfold_try_result).error()); \
  } while (false)

#define ENFOLD_CONCAT_(a, b) a##b
#define ENFOLD_CONCAT(a, b) ENFOLD_CONCAT_(a, b)
#define ENFOLD_TRY_ASSIGN_(tmp, decl, expr)                                  \
  auto tmp = (expr);                                                         \
  if (!tmp) return std::unexpected<::enfold::Error>(std::move(tmp).error()); \
  decl = std::move(*tmp)

// ENFOLD_TRY_ASSIGN(auto fd, files.open(...)): declares fd, or propagates the error.
#define ENFOLD_TRY_ASSIGN(decl, expr) ENFOLD_TRY_ASSIGN_(ENFOLD_CONCAT(enfold_try_, __LINE__), decl, expr)
