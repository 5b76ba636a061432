// Who may call: local users of an account, known by Unix ids and by access keys. Until there are policies
// each may do everything in its account.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kms/base/secret.h"

namespace enfold {

// An access key's secret: 40 characters of base64's alphabet, as AWS's are.
using AccessKeySecret = Secret<struct AccessKeySecretPurpose, 40>;

struct PrincipalInfo {
  std::string account;
  std::string name;
  std::string arn;  // arn:aws:iam::ACCOUNT:user/NAME
  std::int64_t creation_unix_ms = 0;
  std::vector<std::uint32_t> unix_ids{};   // users whose calls over the Unix socket are this principal's
  std::vector<std::string> access_keys{};  // their ids
};

struct AddPrincipalRequest {
  std::string account;                    // 12 digits
  std::string name;                       // IAM's rule: 1 to 64 of letters, digits and +=,.@_-
  std::vector<std::uint32_t> unix_ids{};  // each in no other principal: kKmsAlreadyExists
};

struct NewAccessKey {
  std::string id;  // AKIA and 16 of A-Z2-7
  AccessKeySecret secret;
};

struct KnownAccessKey {
  std::string account;
  std::string principal;  // ARN
  AccessKeySecret secret;
};

}  // namespace enfold
