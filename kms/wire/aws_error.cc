#include "kms/wire/aws_error.h"

#include <algorithm>
#include <array>

namespace enfold {
namespace {

struct ErrorClass {
  std::string_view type;
  Errc code;
  int status = 400;
};

// Where a code has several classes the first is the one that aws_error_of answers. The statuses are what AWS
// sends, which is not what its model says: every client fault is 400.
constexpr std::array kClasses{
    ErrorClass{"ValidationException", Errc::kKmsValidation},
    ErrorClass{"SerializationException", Errc::kKmsValidation},
    ErrorClass{"NotFoundException", Errc::kKmsNotFound},
    ErrorClass{"DisabledException", Errc::kKmsDisabled},
    ErrorClass{"KMSInvalidStateException", Errc::kKmsInvalidState},
    ErrorClass{"InvalidCiphertextException", Errc::kKmsInvalidCiphertext},
    ErrorClass{"IncorrectKeyException", Errc::kKmsIncorrectKey},
    ErrorClass{"InvalidKeyUsageException", Errc::kKmsInvalidKeyUsage},
    ErrorClass{"AlreadyExistsException", Errc::kKmsAlreadyExists},
    ErrorClass{"AccessDeniedException", Errc::kKmsAccessDenied},
    ErrorClass{"NotAuthorized", Errc::kKmsAccessDenied},
    ErrorClass{"ThrottlingException", Errc::kKmsThrottled},
    ErrorClass{"LimitExceededException", Errc::kKmsLimitExceeded},
    ErrorClass{"UnsupportedOperationException", Errc::kKmsUnsupported},
    ErrorClass{"UnknownOperationException", Errc::kKmsUnsupported},
    ErrorClass{"UnsupportedOperationException", Errc::kUnsupported},  // what a newer program wrote
    ErrorClass{"TagException", Errc::kKmsTag},
    ErrorClass{"InvalidAliasNameException", Errc::kKmsInvalidAliasName},
    ErrorClass{"InvalidArnException", Errc::kKmsInvalidArn},
    ErrorClass{"InvalidMarkerException", Errc::kKmsInvalidMarker},
    ErrorClass{"InvalidGrantTokenException", Errc::kKmsInvalidGrantToken},
    ErrorClass{"DryRunOperationException", Errc::kKmsDryRun},
    ErrorClass{"UnrecognizedClientException", Errc::kKmsUnauthenticated},
    ErrorClass{"InvalidSignatureException", Errc::kKmsUnauthenticated},
    ErrorClass{"IncompleteSignatureException", Errc::kKmsUnauthenticated},
    ErrorClass{"MissingAuthenticationTokenException", Errc::kKmsUnauthenticated},
    ErrorClass{"ExpiredTokenException", Errc::kKmsUnauthenticated},
    ErrorClass{"InvalidClientTokenId", Errc::kKmsUnauthenticated},
    ErrorClass{"KMSInternalException", Errc::kKmsInternal, 500},
    ErrorClass{"KeyUnavailableException", Errc::kKmsInternal, 500},
    ErrorClass{"InternalFailure", Errc::kKmsInternal, 500},
    ErrorClass{"DependencyTimeoutException", Errc::kKmsUnavailable, 503},
    ErrorClass{"ServiceUnavailable", Errc::kKmsUnavailable, 503},
};

// "com.amazonaws.kms#NotFoundException:http://internal/..." -> "NotFoundException"
std::string_view bare(std::string_view type) {
  type = type.substr(0, type.find(':'));
  const auto hash = type.rfind('#');
  return hash == std::string_view::npos ? type : type.substr(hash + 1);
}

}  // namespace

std::unexpected<AwsError> aws_error(std::string type, std::string message) {
  return std::unexpected(AwsError{.type = std::move(type), .message = std::move(message)});
}

AwsError aws_error_of(const Error& error) {
  // Another process holds the store: to be tried again, as every client does then.
  if (error.code == Errc::kBusy)
    return {.type = "ThrottlingException", .message = error.message, .status = 400, .cause = error};
  const auto* row = std::ranges::find(kClasses, error.code, &ErrorClass::code);
  if (row == kClasses.end() || row->code == Errc::kKmsInternal)
    return {.type = "KMSInternalException", .message = {}, .status = 500, .cause = error};
  return {.type = std::string(row->type), .message = error.message, .status = row->status};
}

Error error_of_answer(std::string_view type, std::string_view message, int status) {
  const std::string_view name = bare(type);
  if (const auto* row = std::ranges::find(kClasses, name, &ErrorClass::type); row != kClasses.end())
    return {row->code, 0, std::string(message)};
  std::string text = "The key service answers " + std::to_string(status);
  // What it calls the error is echoed only as far as it looks like a name.
  constexpr std::size_t kMaxEchoBytes = 80;
  if (!name.empty() && name.size() <= kMaxEchoBytes &&
      std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 0x7f; }))
    text.append(" ").append(name);
  if (!message.empty()) text.append(": ").append(message);
  return {status >= 500 && status <= 599 ? Errc::kKmsInternal : Errc::kKmsBadAnswer, 0, std::move(text)};
}

Error error_of_answer(const AwsError& error) {
  return error.cause ? *error.cause : error_of_answer(error.type, error.message, error.status);
}

}  // namespace enfold
